"""`tls-whatis`'s answer: sentences, the JSON document `gdb-tls/whatis/1`, and one record."""

from __future__ import annotations

from gdb_tls.questions.whatis.answer import Holder, OwnerKind, Whatis
from gdb_tls.questions.whatis.sentence import sentence
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, code
from gdb_tls.views.parts import declared, source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import storage, who


def table(found: Whatis, screen: Screen) -> RenderableType:
    """One sentence, and what is known besides."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for name, text in _facts(found, screen.colour):
        facts.add_row(name, text)
    return Group(Text(safe(f"0x{found.address:x} is {sentence(found)}"), "bold"), facts)


def _facts(found: Whatis, colour: bool) -> list[tuple[str, Text]]:
    owner = found.owner
    facts: list[tuple[str, Text]] = []
    if owner.kind is OwnerKind.VARIABLE and owner.variable and owner.part:
        line = code(declared(owner.variable.type, owner.variable.name), colour)
        line.append(safe(f"  {source(owner.variable)}"), "dim")
        facts.append(("variable", line))
        if owner.part.path:
            facts.append(("part", code(owner.part.type, colour)))
    if owner.kind is OwnerKind.PADDING:
        facts += [("after", Text(safe(owner.variable.name)))] if owner.variable else []
        facts += [("before", Text(safe(owner.following.name)))] if owner.following else []
    if owner.module and owner.block is not None:
        emulated = owner.module.emulated
        words = [owner.module.title, *([] if emulated else [storage(owner.module)])]
        what = "instance" if emulated else "block"
        words += [f"offset 0x{found.address - owner.block:x} of the {what} at 0x{owner.block:x}"]
        facts.append(("block", Text(safe("  ".join(words)))))
    elif owner.start is not None:
        facts.append(("offset", Text(f"0x{found.address - owner.start:x} from 0x{owner.start:x}")))
    if owner.stack_pointer is not None:
        distance = found.address - owner.stack_pointer
        side = f"0x{abs(distance):x} {'above' if distance > 0 else 'below'}" if distance else "at"
        facts.append(("stack", Text(f"{side} the stack pointer 0x{owner.stack_pointer:x}")))
    if found.region:
        words = [f"0x{found.region.start:x}-0x{found.region.end:x}", found.region.file or "anonymous memory"]
        facts.append(("mapping", Text(safe("  ".join(words)))))
    facts += [("held by", Text(safe(_holder(holder)))) for holder in found.holders]
    return facts


def _holder(holder: Holder) -> str:
    return f"{holder.variable.name} of {who(list(holder.threads))}"
