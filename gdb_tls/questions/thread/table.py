"""`tls-thread`'s answer: the table, the JSON document `gdb-tls/thread/1`, and one record a variable and thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from gdb_tls.program.runtimes import is_runtime
from gdb_tls.questions.thread.answer import BlockReport, ThreadReport, ThreadsReport, is_known
from gdb_tls.target.model import Absence, Flag, State
from gdb_tls.views.columns import MOST_LINES
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, code, value_cell, where_text
from gdb_tls.views.parts import STYLES, pointer
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import without_structures
from gdb_tls.views.text import safe
from gdb_tls.views.words import alike, count, not_shown

ALIKE = "in the same states"
SHARED = "Threads in the same states are shown once; tls-thread NUMBER shows one, --format csv writes all."
INTERRUPTED = "Interrupted: the last variables or threads are missing."


def table(report: ThreadsReport, screen: Screen) -> RenderableType:
    """For each thread a heading, its blocks, and the variables in them."""
    parts: list[RenderableType] = []
    kept = [_fold(one.blocks) if report.folds else (one.blocks, "") for one in report.threads]
    hidden = {folded for _, folded in kept}
    # What is left out of all of them alike is said once.
    last = hidden.pop() if len(kept) > 1 and len(hidden) == 1 else ""
    for one, (blocks, folded) in zip(report.threads, kept):
        if parts:
            parts.append(Text(""))
        parts += [*_heading(one, report), Text(""), _blocks(one)]
        blocks = sorted(blocks, key=lambda block: is_runtime(block.module.name))
        for title, group in groupby(blocks, key=lambda block: block.module.title):
            here = [block for block in group if isinstance(block.place, int) and block.values]
            if here:
                parts += [Text(""), Text(safe(title), "bold"), _values(here, screen)]
        parts += [Text(""), Text(safe(folded), "dim")] if folded and not last else []
        parts += [Text(""), Text(safe(sentence(one, blocks)), "bold")]
    notes = [*[last] * bool(last), *shared(report)]
    parts += [Text(""), *(Text(safe(note), "dim") for note in notes)] if notes else []
    parts += [Text(note, "yellow") for note in left_out(report)]
    if report.interrupted:
        parts.append(Text(INTERRUPTED, "yellow"))
    return Group(*parts) if parts else Text("There is no thread to look at.")


def shared(report: ThreadsReport) -> list[str]:
    """That a thread stands for others, where one does."""
    return [SHARED] if any(one.alike for one in report.threads) else []


def left_out(report: ThreadsReport) -> list[str]:
    """How many threads are missing, where some are."""
    return [f"Not shown: {count(report.left_out, 'thread')} in other states."] if report.left_out else []


def _fold(blocks: Sequence[BlockReport]) -> tuple[Sequence[BlockReport], str]:
    """The blocks without the variables that are in every program, and a line that counts them."""
    files, guards, kept = Counter[str](), 0, []
    for block in blocks:
        here = block.values if isinstance(block.place, int) else ()
        if is_runtime(block.module.name):
            files[block.module.name] += len(here)
            continue
        own = [value for value in here if not value.variable.is_helper]
        guards += len(here) - len(own)
        kept.append(block._replace(values=own))
    if not any(block.values for block in kept):
        return blocks, ""
    return kept, not_shown(files, guards)


def _heading(one: ThreadReport, report: ThreadsReport) -> list[Text]:
    thread = one.thread
    words = [f"Thread {thread.num if thread.num is not None else '-'}"]
    words += [", ".join(names)] if (names := report.marked.names(thread)) else []
    words += [f"LWP {thread.lwp}"] if thread.lwp else []
    words += [thread.name] if thread.name else []
    words += [thread.life.value] if thread.life.value else []
    words += [where_text(one.where).plain] if one.where else []
    others = alike(one.alike, ALIKE) if one.alike else ""
    facts = [others, f"thread pointer {pointer(thread.thread_pointer)}" if thread.thread_pointer else thread.problem]
    if one.control_block:
        facts.append(f"control block 0x{one.control_block.address:x}, {count(one.control_block.size, 'byte')}")
    if isinstance(one.dtv, Absence):
        facts.append(one.dtv.reason)
    else:
        generation = "" if one.dtv.generation is None else f", generation {one.dtv.generation}"
        facts.append(f"DTV 0x{one.dtv.address:x}{generation}, room for {count(one.dtv.capacity, 'module')}")
    return [Text(safe("  ".join(words)), "bold"), *(Text(safe(fact), "dim") for fact in dict.fromkeys(facts) if fact)]


def _blocks(one: ThreadReport) -> RenderableType:
    rows = Table("Id", "Module", "Storage", "Size", "Block", right=("Id", "Size"))
    for block in one.blocks:
        module = block.module
        if module.emulated:
            continue
        size = f"{module.segment.size:,}" if module.segment else "?"
        if isinstance(block.place, int):
            place = Text(f"0x{block.place:x}")
        elif block.place.state is State.UNALLOCATED:
            place = Text("unallocated", STYLES[State.UNALLOCATED])
        else:
            place = Text(safe(f"{block.place.state.value}: {block.place.reason}"), STYLES[block.place.state])
        rows.add_row(str(module.id), Text(safe(module.name)), module.storage, size, place)
    return rows


def _values(blocks: Sequence[BlockReport], screen: Screen) -> RenderableType:
    first = "  Address" if blocks[0].module.emulated else "  Offset"
    rows = Table(first, "Variable", "State", "Value", right=(first,))
    for variable, instance in (value for block in blocks for value in block.values):
        state = Text("NULL" if instance.state is State.NULL else instance.state.value, STYLES[instance.state])
        for flag in instance.flags:
            if flag is Flag.ASSUMED_POINTER:  # the value says `void *`
                continue
            state.append(f" {flag.value}", "yellow")
        value = (
            Text(safe(instance.reason), "dim")
            if instance.reason
            else code(without_structures(instance.text), screen.colour)
        )
        at = instance.address if variable.module.emulated else variable.offset
        rows.add_row(pointer(at), Text(safe(variable.name)), state, value_cell(value, MOST_LINES))
    return rows


def sentence(one: ThreadReport, shown: Sequence[BlockReport]) -> str:
    """The sums in plain words; of the variables, those that are shown."""
    allocated = [block for block in one.blocks if isinstance(block.place, int)]
    size = sum(block.module.segment.size for block in allocated if block.module.segment)
    null = sum(value.instance.state is State.NULL for block in shown for value in block.values)
    number = f"Thread {one.thread.num}" if one.thread.num is not None else "This ended thread"
    emulated = [block for block in one.blocks if block.module.emulated]
    blocks = len(one.blocks) - len(emulated)
    own = sum(not block.module.emulated for block in allocated)
    unknown = sum(not is_known(block) for block in one.blocks)
    if one.blocks and unknown == len(one.blocks):
        return f"Which blocks {number[0].lower()}{number[1:]} has is not known."
    words = f"{number} has {own} of {count(blocks, 'block')}"
    if emulated:
        words += f" and {len(allocated) - own} of {count(len(emulated), 'emulated variable')}"
    words += f", {count(size, 'byte')}"
    if unknown:
        words += f" (of {unknown:,} it is not known)"
    what = "variables of its own" if len(shown) < len(one.blocks) else "variables"
    values = [value for block in shown for value in block.values]
    if not any(value.instance.state in (State.SET, State.NULL, State.NO_VALUE) for value in values):
        return f"{words}; no variable's value is known." if values else f"{words}."
    if any(value.instance.state in (State.UNREADABLE, State.UNRESOLVED) for value in values):
        is_null = (
            f"{null:,} of those that are known {'is' if null == 1 else 'are'}" if null else "none that is known is"
        )
        return f"{words}; of the {what}, {is_null} null."
    if not null:
        return f"{words}; none of the {what} is null."
    return f"{words}; {null:,} of the {what} {'is' if null == 1 else 'are'} null."
