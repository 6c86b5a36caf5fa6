"""`tls-whatis`'s answer: sentences, the JSON document `gdb-tls/whatis/1`, and one record."""

from __future__ import annotations

from gdb_tls.questions.whatis.answer import Holder, OwnerKind, Whatis
from gdb_tls.questions.whatis.sentence import sentence
from gdb_tls.views.drawing import Group, Renderable, Table, Text, code
from gdb_tls.views.parts import declared, source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import storage, who


def table(found: Whatis, screen: Screen) -> Renderable:
    """One sentence, and what is known besides."""
    lines = Table()
    lines.add_column(whole=True)
    for name, text in facts(found, screen.colour):
        lines.add_row(Text(name, "dim"), text)
    return Group(Text(safe(told(found)), "bold"), lines)


def told(found: Whatis) -> str:
    """The answer in a sentence."""
    return f"0x{found.address:x} is {sentence(found)}"


def facts(found: Whatis, colour: bool) -> list[tuple[str, Text]]:
    """What is known besides: names and texts."""
    owner = found.owner
    known: list[tuple[str, Text]] = []
    if owner.kind is OwnerKind.VARIABLE and owner.variable and owner.part:
        line = code(declared(owner.variable.type, owner.variable.name), colour)
        line.append(safe(f"  {source(owner.variable)}"), "dim")
        known.append(("variable", line))
        if owner.part.path:
            known.append(("part", code(owner.part.type, colour)))
    if owner.kind is OwnerKind.PADDING:
        known += [("after", Text(safe(owner.variable.name)))] if owner.variable else []
        known += [("before", Text(safe(owner.following.name)))] if owner.following else []
    if owner.module and owner.block is not None:
        emulated = owner.module.emulated
        words = [owner.module.title, *([] if emulated else [storage(owner.module)])]
        what = "instance" if emulated else "block"
        words += [f"offset 0x{found.address - owner.block:x} of the {what} at 0x{owner.block:x}"]
        known.append(("block", Text(safe("  ".join(words)))))
    elif owner.start is not None:
        known.append(("offset", Text(f"0x{found.address - owner.start:x} from 0x{owner.start:x}")))
    if owner.stack_pointer is not None:
        distance = found.address - owner.stack_pointer
        side = f"0x{abs(distance):x} {'above' if distance > 0 else 'below'}" if distance else "at"
        known.append(("stack", Text(f"{side} the stack pointer 0x{owner.stack_pointer:x}")))
    if found.region:
        words = [f"0x{found.region.start:x}-0x{found.region.end:x}", found.region.file or "anonymous memory"]
        known.append(("mapping", Text(safe("  ".join(words)))))
    known += [("held by", Text(safe(_holder(holder)))) for holder in found.holders]
    return known


def _holder(holder: Holder) -> str:
    return f"{holder.variable.name} of {who(list(holder.threads))}"
