"""`tls-inspect`'s answer for a screen."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.report import Report
from gdb_tls.questions.inspect.answer import Answer, Named, OneAnswer, Row, Several
from gdb_tls.questions.inspect.verdict import several, verdict
from gdb_tls.target.model import Flag, Instance, State
from gdb_tls.views.columns import Cell
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, code, heading_text, value_cell, where_cell
from gdb_tls.views.parts import STYLES, source
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import without_structures
from gdb_tls.views.text import safe
from gdb_tls.views.words import SHARED_LINE, count, numbers, share, storage

# Values of structures and containers take so many lines together, or so many each.
ROOM_FOR_VALUES, LEAST_LINES = 12, 2


def table(answer: Answer, screen: Screen) -> RenderableType:
    """The answer of one program, that of each variable under the other, or each inferior's under its heading."""
    if isinstance(answer, OneAnswer):
        return Group(*_answer(answer, screen, [SHARED_LINE] if _is_shared(answer) else []))
    shown: list[RenderableType] = []
    for part in answer.parts:
        shown += [Text("")] if shown else []
        if isinstance(part, Named):
            # That lines are shared is said once for all.
            shown += _answer(part.answer, screen) if part.answer else [Text(safe(f"{part.name}: {part.reason}"))]
        else:
            shown.append(Text(part.title, "bold underline"))
            shown.append(table(part.answer, screen) if part.answer else Text(safe(part.reason)))
    if isinstance(answer, Several):
        if any(_is_shared(part.answer) for part in answer.parts if isinstance(part, Named) and part.answer):
            shown += [Text(""), Text(SHARED_LINE, "dim")]
        shown += [Text(""), Text(safe(several(answer)), "bold")]
    return Group(*shown)


def _is_shared(answer: OneAnswer) -> bool:
    return len(answer.rows) < len(answer.report.instances)


def _answer(answer: OneAnswer, screen: Screen, notes: Sequence[str] = ()) -> list[RenderableType]:
    """The heading, a line for every row, notes on these, and the verdict."""
    report = answer.report
    parts: list[RenderableType] = [_heading(report, screen), Text(""), _table(answer, screen), Text("")]
    parts += [Text(note, "dim") for note in notes]
    parts += [
        Text(safe(sentence), "bold" if index == 0 else "")
        for index, sentence in enumerate(verdict(report, answer.judgement))
    ]
    return parts


def _heading(report: Report, screen: Screen) -> RenderableType:
    variable, module = report.variable, report.variable.module
    kind = report.type.name if report.type else ""
    place = source(variable)
    if module.emulated:
        facts = [module.name, storage(module), f"control variable at 0x{module.emulated.control:x}"]
    else:
        facts = [f"module {module.id}", module.name, f"offset 0x{variable.offset:x}", storage(module)]
    if report.starts_null:
        facts.append("starts null")
    if variable.is_static:
        facts.append("file-local")
    if variable.piece_of:
        facts.append(f"an optimiser has kept {variable.size} of its {variable.piece_of} bytes; which is not known")
    elif not kind:
        facts.append("type not known: taken for a pointer (--type TYPE if it is not)")
    return Group(heading_text(report.expression, kind, place, screen), Text(safe("  ".join(facts)), "dim"))


def _table(answer: OneAnswer, screen: Screen) -> RenderableType:
    report, lines = answer.report, answer.rows
    table = Table()
    named = any(line.instance.thread.name or line.names for line in lines)  # GDB has no names in a core
    table.add_column("  Thread", whole=True)
    table.add_column("LWP", right=True, whole=True)
    if named:
        table.add_column("Name")
    table.add_column("State")
    table.add_column("Value")
    table.add_column("Where", gives_way=True)
    most = max(ROOM_FOR_VALUES // max(len(lines), 1), LEAST_LINES)
    for line in lines:
        value = value_text(report, line, screen.colour)
        thread = line.instance.thread
        alone = line.is_single
        cells: list[Cell] = [_number(answer, line), str(thread.lwp or "-") if alone else ""]
        if named:
            cells.append(Text(safe(thread.name if alone else line.names)))
        place = where_cell(answer.where.get(thread.num)) if alone else _listed(line)
        cells += [_state(line.instance), value if line.instance.reason else value_cell(value, most), place]
        table.add_row(*cells, style="bold" if line.instance.state is State.NULL else "")
    return table


def _number(answer: OneAnswer, line: Row) -> Text:
    """The mark of the selected thread, the thread's number, and whether it crashed or is main; or how many they are."""
    if not line.is_single:
        return Text(f"  {count(len(line.threads), 'thread')}{share(len(line.threads), len(answer.report.instances))}")
    thread = line.instance.thread
    names = answer.marked.names(thread)
    mark = "*" if "selected" in names or thread.num == answer.report.selected is not None else " "
    words = [str(thread.num) if thread.num is not None else "-", *(name for name in names if name != "selected")]
    return Text(f"{mark} {' '.join(words)}")


def _listed(line: Row) -> Text:
    """What threads that share a line were started with, and as many of their numbers as there is room for."""
    text = Text(f"{safe(line.pools)}  " if line.pools else "", no_wrap=True, overflow="ellipsis")
    return text.append(numbers(line.threads, "-"), "dim")


def _state(instance: Instance) -> Text:
    name = "NULL" if instance.state is State.NULL else instance.state.value
    text = Text(name, STYLES[instance.state])
    for flag in instance.flags:
        text.append(f" {flag.value}", "bold red" if flag is Flag.DANGLING else "yellow")
    return text


def value_text(report: Report, line: Row, colour: bool) -> Text:
    """The value, or what is said in its place."""
    instance = line.instance
    if instance.state is State.UNALLOCATED:
        return Text("would start null" if report.starts_null else "", "dim")
    if line.reasons > 1:
        return Text(f"{line.reasons:,} different reasons", "dim")
    if instance.reason:
        return Text(safe(instance.reason), "dim")
    if line.values == 1:
        # The heading says of what type it is.
        cast = f"({report.type.name}) " if report.type else ""
        return code(without_structures(instance.text.removeprefix(cast)), colour)
    return Text(line.spread or f"{line.values:,} different values", "dim")
