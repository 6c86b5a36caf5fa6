"""`tls-whatis`'s answer: sentences, the JSON document `gdb-tls/whatis/1`, and one record."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gdb_tls.questions.command import Records, Screen
from gdb_tls.questions.whatis.reading import Holder, Owner, Place, Whatis
from gdb_tls.target.model import Thread
from gdb_tls.views.parts import count, declared, pointer, ranges, source, thread_fields
from gdb_tls.views.text import code, safe


def table(found: Whatis, screen: Screen) -> RenderableType:
    """One sentence, and what is known besides."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for name, text in _facts(found, screen.colour):
        facts.add_row(name, text)
    return Group(Text(safe(f"0x{found.address:x} is {sentence(found)}"), "bold"), facts)


def sentence(found: Whatis) -> str:
    """What the address is, in plain words."""
    owner = found.owner
    whose = _whose(owner.thread) if owner.thread else ""
    if owner.kind is Place.VARIABLE and owner.variable and owner.part:
        beyond = f" + {count(owner.part.offset, 'byte')}" if owner.part.offset else ""
        gap = " (padding between its members)" if owner.part.padding else ""
        return f"{owner.variable.name}{owner.part.path}{beyond}{gap}, in {whose}."
    if owner.kind is Place.PADDING and owner.module:
        return f"in no variable of {owner.module.name}'s block in {whose}: padding, or a variable without a symbol."
    if owner.kind is Place.KEY_SLOT:
        return f"the slot of pthread key {owner.key}, in {whose}."
    if owner.kind is Place.KEY_TABLE:
        entry = f"the entry of key {owner.key}" if owner.key is not None else "an unused entry"
        return f"{entry} in the C library's table of pthread keys."
    if owner.kind is Place.CONTROL_BLOCK:
        field = f", in its field {owner.field}" if owner.field else ""
        return f"in the thread control block of {whose}{field}."
    if owner.kind is Place.DTV:
        entry = f": the entry of module {owner.module.id} ({owner.module.name})" if owner.module else ""
        return f"in the DTV of {whose}{entry}."
    if owner.kind is Place.STACK:
        is_below = owner.stack_pointer is not None and found.address < owner.stack_pointer
        return f"on the stack of {whose}{', below its stack pointer' if is_below else ''}."
    if owner.kind is Place.SYMBOL:
        return f"{owner.symbol}: not thread-local."
    if not found.address:
        return "a null pointer."
    return "mapped, but not thread-local." if owner.kind is Place.MAPPING else "not mapped."


def _whose(thread: Thread) -> str:
    if thread.num is None:
        return f"an ended thread (thread pointer {pointer(thread.thread_pointer)})"
    words = ", ".join([f"LWP {thread.lwp}"] * bool(thread.lwp) + [thread.name] * bool(thread.name))
    return f"thread {thread.num}" + (f" ({words})" if words else "")


def _facts(found: Whatis, colour: bool) -> list[tuple[str, Text]]:
    owner = found.owner
    facts: list[tuple[str, Text]] = []
    if owner.kind is Place.VARIABLE and owner.variable and owner.part:
        line = code(declared(owner.variable.type, owner.variable.name), colour)
        line.append(safe(f"  {source(owner.variable)}"), "dim")
        facts.append(("variable", line))
        if owner.part.path:
            facts.append(("part", code(owner.part.type, colour)))
    if owner.kind is Place.PADDING:
        facts += [("after", Text(safe(owner.variable.name)))] if owner.variable else []
        facts += [("before", Text(safe(owner.following.name)))] if owner.following else []
    if owner.module and owner.block is not None:
        words = [f"module {owner.module.id}", owner.module.name, owner.module.storage]
        words += [f"offset 0x{found.address - owner.block:x} of the block at 0x{owner.block:x}"]
        facts.append(("block", Text(safe("  ".join(words)))))
    elif owner.start is not None:
        facts.append(("offset", Text(f"0x{found.address - owner.start:x} from 0x{owner.start:x}")))
    if owner.stack_pointer is not None:
        distance = found.address - owner.stack_pointer
        side = "above" if distance >= 0 else "below"
        facts.append(("stack", Text(f"0x{abs(distance):x} {side} the stack pointer 0x{owner.stack_pointer:x}")))
    if found.region:
        words = [f"0x{found.region.start:x}-0x{found.region.end:x}", found.region.file or "anonymous memory"]
        facts.append(("mapping", Text(safe("  ".join(words)))))
    facts += [("held by", Text(safe(_holder(holder)))) for holder in found.holders]
    return facts


def _holder(holder: Holder) -> str:
    threads = ranges(holder.threads)
    return f"{holder.variable.name} of thread{'s' if len(holder.threads) > 1 else ''} {threads}"


def document(found: Whatis) -> dict[str, Any]:
    """Everything; what does not apply is null."""
    owner = found.owner
    region = found.region
    return {
        "schema": "gdb-tls/whatis/1",
        "target": found.target._asdict(),
        "expression": found.expression,
        "address": hex(found.address),
        "kind": owner.kind.value,
        "thread": thread_fields(owner.thread) if owner.thread else None,
        "module": {"id": owner.module.id, "path": owner.module.path} if owner.module else None,
        "block": pointer(owner.block),
        "offset": None if owner.block is None else hex(found.address - owner.block),
        "variable": _variable(owner),
        "key": owner.key,
        "field": owner.field or None,
        "start": pointer(owner.start),
        "stack_pointer": pointer(owner.stack_pointer),
        "symbol": owner.symbol or None,
        "mapping": {"start": hex(region.start), "end": hex(region.end), "file": region.file or None}
        if region
        else None,
        "held_by": [
            {"variable": holder.variable.name, "threads": [thread_fields(thread) for thread in holder.threads]}
            for holder in found.holders
        ],
        "text": sentence(found),
    }


def _variable(owner: Owner) -> dict[str, Any] | None:
    if owner.variable is None:
        return None
    part = owner.part
    return {
        "name": owner.variable.name,
        "linkage_name": owner.variable.linkage_name,
        "type": owner.variable.type.name if owner.variable.type else None,
        "path": part.path if part else None,
        "part_type": part.type if part else None,
        "part_offset": part.offset if part else None,
        "padding": owner.kind is Place.PADDING or bool(part and part.padding),
        "next": owner.following.name if owner.following else None,
    }


def records(found: Whatis) -> Records:
    """One record."""
    whole = document(found)
    thread = whole["thread"] or {}
    variable = whole["variable"] or {}
    columns = ("expression", "address", "kind", "num", "lwp", "module", "variable", "path", "key", "symbol", "text")
    row = (
        *(found.expression, whole["address"], whole["kind"], thread.get("num"), thread.get("lwp")),
        *((whole["module"] or {}).get("id"), variable.get("name"), variable.get("path")),
        *(whole["key"], whole["symbol"], whole["text"]),
    )
    return Records(columns, [row])
