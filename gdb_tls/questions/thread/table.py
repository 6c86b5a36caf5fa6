"""`tls-thread`'s answer: the table, the JSON document `gdb-tls/thread/1`, and one record a variable and thread."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from gdb_tls.questions.command import Records, Screen
from gdb_tls.questions.thread.reading import BlockReport, ThreadReport, ThreadsReport
from gdb_tls.target.model import Absence, Flag, State
from gdb_tls.views.json import Each
from gdb_tls.views.parts import STYLES, count, plain_table, pointer, scalar, thread_fields
from gdb_tls.views.text import code, safe


def table(report: ThreadsReport, screen: Screen) -> RenderableType:
    """For each thread a heading, its blocks, and the variables in them."""
    parts: list[RenderableType] = []
    for one in report.threads:
        if parts:
            parts.append(Text(""))
        parts += [*_heading(one), Text(""), _blocks(one)]
        for block in one.blocks:
            if isinstance(block.place, int) and block.values:
                parts += [
                    Text(""),
                    Text(safe(f"module {block.module.id}  {block.module.name}"), "bold"),
                    _values(block, screen),
                ]
        parts += [Text(""), Text(safe(sentence(one)), "bold")]
    if report.interrupted:
        parts.append(Text("Interrupted: the last variables or threads are missing.", "yellow"))
    return Group(*parts) if parts else Text("There is no thread to look at.")


def _heading(one: ThreadReport) -> list[Text]:
    thread = one.thread
    words = [f"Thread {thread.num if thread.num is not None else '-'}"]
    words += [f"LWP {thread.lwp}"] if thread.lwp else []
    words += [thread.name] if thread.name else []
    words += ["exited"] if thread.exited else []
    words += [one.frame.function or f"0x{one.frame.pc:x}"] if one.frame else []
    facts = [f"thread pointer {pointer(thread.thread_pointer)}" if thread.thread_pointer else thread.problem]
    if one.control_block:
        facts.append(f"control block 0x{one.control_block.address:x}, {count(one.control_block.size, 'byte')}")
    if isinstance(one.dtv, Absence):
        facts.append(one.dtv.reason)
    else:
        generation = "" if one.dtv.generation is None else f", generation {one.dtv.generation}"
        facts.append(f"DTV 0x{one.dtv.address:x}{generation}, room for {count(one.dtv.capacity, 'module')}")
    return [Text(safe("  ".join(words)), "bold"), *(Text(safe(fact), "dim") for fact in dict.fromkeys(facts) if fact)]


def _blocks(one: ThreadReport) -> RenderableType:
    rows = plain_table("Id", "Module", "Storage", "Size", "Block", right=("Id", "Size"))
    for block in one.blocks:
        module = block.module
        size = f"{module.segment.size:,}" if module.segment else "?"
        if isinstance(block.place, int):
            place = Text(f"0x{block.place:x}")
        elif block.place.state is State.UNALLOCATED:
            place = Text("unallocated", STYLES[State.UNALLOCATED])
        else:
            place = Text(safe(f"{block.place.state.value}: {block.place.reason}"), STYLES[block.place.state])
        rows.add_row(str(module.id), Text(safe(module.name)), module.storage, size, place)
    return rows


def _values(block: BlockReport, screen: Screen) -> RenderableType:
    rows = plain_table("  Offset", "Variable", "State", "Value", right=("  Offset",))
    for variable, instance in block.values:
        state = Text("NULL" if instance.state is State.NULL else instance.state.value, STYLES[instance.state])
        for flag in instance.flags:
            if flag is Flag.ASSUMED_POINTER:  # the value says `void *`
                continue
            state.append(f" {flag.value}", "yellow")
        value = Text(safe(instance.reason), "dim") if instance.reason else code(instance.text, screen.colour)
        rows.add_row(f"0x{variable.offset:x}", Text(safe(variable.name)), state, value)
    return rows


def sentence(one: ThreadReport) -> str:
    """The sums in plain words."""
    allocated = [block for block in one.blocks if isinstance(block.place, int)]
    size = sum(block.module.segment.size for block in allocated if block.module.segment)
    null = sum(value.instance.state is State.NULL for block in one.blocks for value in block.values)
    number = f"Thread {one.thread.num}" if one.thread.num is not None else "This ended thread"
    words = f"{number} has {len(allocated)} of {count(len(one.blocks), 'block')}, {count(size, 'byte')}"
    return f"{words}; {count(null, 'variable')} {'is' if null == 1 else 'are'} null."


def document(report: ThreadsReport) -> dict[str, Any]:
    """All threads; addresses are lower-case hex strings."""
    return {
        "schema": "gdb-tls/thread/1",
        "target": report.target._asdict(),
        "threads": Each(_thread, report.threads),
        "interrupted": report.interrupted,
    }


def _thread(one: ThreadReport) -> dict[str, Any]:
    dtv = None if isinstance(one.dtv, Absence) else one.dtv
    control = one.control_block
    return {
        **thread_fields(one.thread),
        "exited": one.thread.exited,
        "function": one.frame.function or None if one.frame else None,
        "control_block": {"address": hex(control.address), "size": control.size} if control else None,
        "dtv": {"address": hex(dtv.address), "generation": dtv.generation, "capacity": dtv.capacity} if dtv else None,
        "reason": one.dtv.reason if isinstance(one.dtv, Absence) else None,
        "blocks": [_block(block) for block in one.blocks],
    }


def _block(block: BlockReport) -> dict[str, Any]:
    module = block.module
    is_there = isinstance(block.place, int)
    return {
        "module": {"id": module.id, "path": module.path, "storage": module.storage},
        "size": module.segment.size if module.segment else None,
        "state": "allocated" if isinstance(block.place, int) else block.place.state.value,
        "address": pointer(block.place) if isinstance(block.place, int) else None,
        "reason": None if isinstance(block.place, int) else block.place.reason,
        "variables": [
            {
                "name": variable.name,
                "linkage_name": variable.linkage_name,
                "type": variable.type.name if variable.type else None,
                "offset": hex(variable.offset),
                "size": variable.size,
                "state": instance.state.value,
                "flags": [flag.value for flag in instance.flags],
                "address": pointer(instance.address),
                "value": scalar(instance, variable.type),
                "text": instance.text,
                "reason": instance.reason,
            }
            for variable, instance in block.values
        ]
        if is_there
        else [],
    }


def records(report: ThreadsReport) -> Records:
    """One record a variable and thread."""
    columns = (
        "num",
        "lwp",
        "module_id",
        "module",
        "variable",
        "type",
        "offset",
        "state",
        "flags",
        "address",
        "value",
        "text",
    )
    rows = (
        (
            *(one.thread.num, one.thread.lwp, block.module.id, block.module.path or block.module.name, variable.name),
            *(variable.type.name if variable.type else None, hex(variable.offset), instance.state.value),
            *(" ".join(instance.flags), pointer(instance.address), scalar(instance, variable.type), instance.text),
            instance.reason,
        )
        for one in report.threads
        for block in one.blocks
        for variable, instance in block.values
    )
    return Records((*columns, "reason"), rows)
