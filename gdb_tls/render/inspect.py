"""`tls-inspect`'s answer: the table, the JSON document `gdb-tls/inspect/1`, and one record a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gdb_tls.commands import Records, Screen
from gdb_tls.model import Flag, Instance, Report, State, Thread, Type
from gdb_tls.render import page as pages
from gdb_tls.render.json import Each
from gdb_tls.render.parts import scalar
from gdb_tls.render.text import code, safe
from gdb_tls.target import Frame
from gdb_tls.verdict import numbers, verdict

COLUMNS = ("num", "lwp", "name", "thread_pointer", "state", "flags", "address", "value", "text", "via", "reason")

STYLES = {
    State.SET: "green",
    State.NULL: "bold white on red",
    State.UNALLOCATED: "yellow",
    State.UNREADABLE: "magenta",
    State.UNRESOLVED: "magenta",
}


class Row(NamedTuple):
    """One line: an instance, or several that are alike.

    Attributes:
        instance: the only one, or the first.
        threads: of all of them.
        values: how many different values they have.
    """

    instance: Instance
    threads: Sequence[Thread]
    values: int = 1

    @property
    def is_single(self) -> bool:
        """Whether the line is of one thread."""
        return len(self.threads) == 1


def rows(report: Report, most: int | None) -> list[Row]:
    """One line a thread; where that is more than `most`, one for all in the same state.

    The selected thread keeps a line of its own.
    """
    found = report.instances
    if most is None or len(found) <= most:
        return [Row(instance, (instance.thread,)) for instance in found]
    selected = report.selected
    own = [at for at, thread in enumerate(found.threads) if thread.num == selected] if selected is not None else []
    parts = [own, *([at for at in group.members if at not in own] for group in found.groups)]
    return [
        Row(found[members[0]], [found.threads[at] for at in members], len({found.contents[at] for at in members}))
        for members in sorted(parts)
        if members
    ]


class Answer(NamedTuple):
    """What `tls-inspect` found, and how much of it to show.

    Attributes:
        report: all of it.
        rows: the lines of the table.
        where: the frame to show for a thread, by its number.
    """

    report: Report
    rows: Sequence[Row]
    where: Mapping[int | None, Frame | None]


def table(answer: Answer, screen: Screen) -> RenderableType:
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
    values = [_value(report, line, screen.colour) for line in lines]
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
        cells += [_state(line.instance), value, _where(where.get(thread.num) if alone else None)]
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


def _value(report: Report, line: Row, colour: bool) -> Text:
    instance = line.instance
    if instance.state is State.UNALLOCATED:
        return Text("would start null" if report.starts_null else "", "dim")
    if instance.reason:
        return Text(safe(instance.reason), "dim")
    return code(instance.text, colour) if line.values == 1 else Text(f"{line.values:,} different values", "dim")


def _where(frame: Frame | None) -> Text:
    if frame is None:
        return Text("")
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(safe(frame.function) or f"0x{frame.pc:x}")
    if frame.file:
        text.append(f"  {safe(frame.file)}:{frame.line}", "dim")
    return text


def page(answer: Answer) -> pages.Page:
    """The verdict, one row a thread that opens to all that is known of it, and the variable."""
    report = answer.report
    wide = [pages.Column("Thread", pages.NUMBER), pages.Column("LWP", pages.NUMBER, True)]
    named = any(thread.name for thread in report.instances.threads)
    if named:
        wide.append(pages.Column("Name", minor=True))
    wide += [pages.Column("State", pages.STATE), pages.Column("Value", pages.CODE)]
    if answer.where:
        wide.append(pages.Column("Where", minor=True))
    threads = pages.Table("Threads", wide, [_page_row(answer, instance, named) for instance in report.instances])
    about = pages.facts(_variable(report), "Variable")
    all_set = report.instances.summary[State.SET.value] == len(report.instances)
    return pages.Page(verdict(report), [threads, about], grave=flagged(answer) or (False if all_set else None))


def _page_row(answer: Answer, instance: Instance, named: bool) -> pages.Row:
    report, thread = answer.report, instance.thread
    where = _where(answer.where.get(thread.num)).plain
    state = " ".join([instance.state.value, *(flag.value for flag in instance.flags)])
    value = _value(report, Row(instance, (instance.thread,)), False).plain
    cells = [
        thread.num,
        thread.lwp,
        *([thread.name] if named else []),
        state,
        value,
        *([where] if answer.where else []),
    ]
    known = {key: value for key, value in _thread(instance, report.type).items() if key not in ("num", "flags")}
    details = pages.facts({**known, "flags": [flag.value for flag in instance.flags] or None, "where": where})
    selected = thread.num is not None and thread.num == report.selected
    return pages.Row(cells, [details], "selected" if selected else "", instance.state is State.NULL)


def flagged(answer: Answer) -> bool:
    """Whether a thread has it null, dangling or shared."""
    counts = answer.report.instances.summary
    return any(counts[name] for name in ("null", "dangling", "shared"))


def document(answer: Answer) -> dict[str, Any]:
    """The whole report; addresses are lower-case hex strings."""
    report = answer.report
    return {
        "schema": "gdb-tls/inspect/1",
        "target": report.target.__dict__,
        "variable": _variable(report),
        "threads": Each(partial(_thread, kind=report.type), report.instances),
        "summary": report.instances.summary,
    }


def records(answer: Answer) -> Records:
    """One record a thread, with the names of the JSON document."""
    report = answer.report
    threads = (_thread(instance, report.type) for instance in report.instances)
    return Records(COLUMNS, ([" ".join(t[name]) if name == "flags" else t[name] for name in COLUMNS] for t in threads))


def _variable(report: Report) -> dict[str, Any]:
    variable = report.variable
    found = {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "exported": variable.exported,
        "source": variable.source,
        "module": {"id": variable.module.id, "path": variable.module.path, "storage": variable.module.storage},
        "initial": None if variable.initial is None else {"hex": variable.initial.hex(), "null": report.starts_null},
    }
    if report.path:
        found["path"] = report.path.text
    return found


def _thread(instance: Instance, kind: Type | None) -> dict[str, Any]:
    thread = instance.thread
    return {
        "num": thread.num,
        "lwp": thread.lwp,
        "name": thread.name,
        "thread_pointer": None if thread.thread_pointer is None else hex(thread.thread_pointer),
        "state": instance.state.value,
        "flags": [flag.value for flag in instance.flags],
        "address": None if instance.address is None else hex(instance.address),
        "value": scalar(instance, kind),
        "text": instance.text,
        "via": instance.via,
        "reason": instance.reason,
    }
