"""`tls-diff`'s answer: the table, the JSON document `gdb-tls/diff/1`, and one record a difference."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.runtimes import is_runtime
from gdb_tls.questions.diff.answer import Answer
from gdb_tls.questions.diff.difference import Cell, Difference
from gdb_tls.target.model import State
from gdb_tls.views.drawing import Group, RenderableType, Table, Text
from gdb_tls.views.parts import STYLES
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count


def table(answer: Answer, screen: Screen) -> RenderableType:
    """One line for each difference, and how many there are."""
    del screen
    left_out, guards, of_runtimes, shown = 0, 0, 0, []
    for one in answer.differences:
        if answer.all:
            shown.append(one)
        elif one.expected:
            left_out += 1
        elif is_runtime(one.module_name):
            of_runtimes += 1
        elif one.is_helper:
            guards += 1
        else:
            shown.append(one)
    parts: list[RenderableType] = []
    if shown:
        parts += [_table(answer, shown), Text("")]
    parts.append(Text(f"{count(len(shown), 'difference')} in {count(answer.compared, 'variable')}.", "bold"))
    if not answer.compared and not answer.differences:
        parts[-1] = Text("Nothing could be compared: no variable is known on both sides.", "bold")
    elif answer.compared < answer.variables:
        left = count(answer.variables - answer.compared, "variable")
        parts.append(Text(f"Not compared, as it is not known on both sides: {left}.", "dim"))
    if answer.unmatched:
        parts.append(Text(f"Not compared, as only one side has it: {count(answer.unmatched, 'thread')}.", "dim"))
    if left_out:
        parts.append(
            Text(f"Pointers that are set in both threads, to another object each: {left_out:,} (--all).", "dim")
        )
    if of_runtimes:
        parts.append(Text(f"In variables of the C library and the C++ runtime: {of_runtimes:,} more (--all).", "dim"))
    if guards:
        parts.append(Text(f"In guards of the compiler's: {guards:,} more (--all).", "dim"))
    if answer.same_process is False:
        parts.append(
            Text(
                "Two runs of the program: addresses are not compared, but states, texts and kinds of memory are.", "dim"
            )
        )
    return Group(*parts)


def _table(answer: Answer, shown: Sequence[Difference]) -> Table:
    moments = answer.same_process is not None
    lines = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    lines.add_column("Variable", overflow="fold")
    lines.add_column("Module", overflow="fold")
    if moments:
        lines.add_column("Thread", no_wrap=True)
    for label, marks in zip(answer.labels, answer.marks):
        lines.add_column(safe(f"{label} {marks}".rstrip()), overflow="fold")
    for one in shown:
        cells = [Text(safe(one.variable["name"])), Text(safe(one.module_name), "dim")]
        if moments:
            cells.append(Text(_thread(one)))
        lines.add_row(*cells, _cell(one.left), _cell(one.right))
    return lines


def _cell(cell: Cell) -> Text:
    if cell.state is None:
        return Text("no such variable", "dim")
    state = State(cell.state)
    if state is State.NULL:
        return Text("NULL", STYLES[state])
    return Text(safe(cell.text)) if state is State.SET and cell.text else Text(state.value, STYLES[state])


def _thread(one: Difference) -> str:
    number = one.thread["num"]
    return "-" if number is None else str(number)
