"""`tls-inspect`'s answer for a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gdb_tls.program.report import Report
from gdb_tls.questions.inspect.answer import Answer, Named, OneAnswer, Row, Several
from gdb_tls.questions.inspect.verdict import several, verdict
from gdb_tls.target.model import Flag, Instance, State
from gdb_tls.target.protocol import Frame
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, code
from gdb_tls.views.parts import STYLES
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import numbers


def table(answer: Answer, screen: Screen) -> RenderableType:
    """The answer of one program, that of each variable under the other, or each inferior's under its heading."""
    if isinstance(answer, OneAnswer):
        return _answer(answer, screen)
    shown: list[RenderableType] = []
    for part in answer.parts:
        shown += [Text("")] if shown else []
        if isinstance(part, Named):
            shown.append(_answer(part.answer, screen) if part.answer else Text(safe(f"{part.name}: {part.reason}")))
        else:
            shown.append(Text(part.title, "bold underline"))
            shown.append(table(part.answer, screen) if part.answer else Text(safe(part.reason)))
    if isinstance(answer, Several):
        shown += [Text(""), Text(safe(several(answer)), "bold")]
    return Group(*shown)


def _answer(answer: OneAnswer, screen: Screen) -> RenderableType:
    """The heading, a line for every row, and the verdict."""
    report, lines, where = answer
    colour = screen.colour
    parts: list[RenderableType] = [_heading(report, colour), Text(""), _table(report, lines, where, screen), Text("")]
    if len(lines) < len(report.instances):
        parts.append(Text("Threads that are alike share a line; --all shows each.", "dim"))
    parts += [Text(safe(sentence), "bold" if index == 0 else "") for index, sentence in enumerate(verdict(report))]
    return Group(*parts)


def _heading(report: Report, colour: bool) -> RenderableType:
    variable, module = report.variable, report.variable.module
    kind = report.type.name if report.type else ""
    separator = "" if not kind or kind.endswith(("*", "&")) else " "
    left = code(f"{kind}{separator}{report.expression}", colour) if kind else Text(safe(report.expression))
    place = f"{variable.file}:{variable.line}" if variable.line else variable.file
    right = ", ".join(part for part in ("static" if variable.is_static else "", place) if part)
    if module.emulated:
        facts = [module.name, module.storage, f"control variable at 0x{module.emulated.control:x}"]
    else:
        facts = [f"module {module.id}", module.name, f"offset 0x{variable.offset:x}", module.storage]
    if report.starts_null:
        facts.append("starts null")
    if not kind:
        facts.append("no type known: taken for a pointer, --type says otherwise")
    heading = Table.grid(padding=(0, 4))
    heading.add_row(left, Text(safe(right), "dim"))
    return Group(heading, Text(safe("  ".join(facts)), "dim"))


def _table(
    report: Report, lines: Sequence[Row], where: Mapping[int | None, Frame | None], screen: Screen
) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    named = any(line.instance.thread.name for line in lines)  # GDB has no names in a core
    table.add_column("  Thread", overflow="fold", no_wrap=all(line.is_single for line in lines))
    table.add_column("LWP", justify="right", no_wrap=True)
    if named:
        table.add_column("Name", overflow="fold")
    table.add_column("State", overflow="fold", no_wrap=True)
    values = [value_text(report, line, screen.colour) for line in lines]
    widest = max((value.cell_len for value in values), default=0)
    # Where it is narrow, "Where" gives way first (rich shrinks the others before a column that may not wrap);
    # a value that would still crowd out the threads' numbers and states is folded.
    most = max(24, screen.columns - (46 if named else 32))
    width = most if widest > most else None
    table.add_column("Value", overflow="fold", no_wrap=width is None, min_width=width, max_width=width)
    table.add_column("Where")
    for line, value in zip(lines, values):
        thread = line.instance.thread
        alone = line.is_single
        cells = [_number(report, line), Text(str(thread.lwp or "-") if alone else "")]
        if named:
            cells.append(Text(safe(thread.name) if alone else ""))
        cells += [_state(line.instance), value, where_text(where.get(thread.num) if alone else None)]
        table.add_row(*cells, style="bold" if line.instance.state is State.NULL else "")
    return table


def _number(report: Report, line: Row) -> Text:
    """The marks (`*` the selected thread, `!` a null one) and the thread's number."""
    thread = line.instance.thread
    alone = line.is_single
    current = alone and thread.num is not None and thread.num == report.selected
    marks = ("*" if current else " ") + ("!" if line.instance.state is State.NULL else " ")
    if alone:
        return Text(f"{marks}{thread.num if thread.num is not None else '-'}")
    return Text(f"{marks}{len(line.threads):,} threads {numbers(line.threads)}")


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
    if instance.reason:
        return Text(safe(instance.reason), "dim")
    return code(instance.text, colour) if line.values == 1 else Text(f"{line.values:,} different values", "dim")


def where_text(frame: Frame | None) -> Text:
    """The function and the line."""
    if frame is None:
        return Text("")
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(safe(frame.function) or f"0x{frame.pc:x}")
    if frame.file:
        text.append(f"  {safe(frame.file)}:{frame.line}", "dim")
    return text
