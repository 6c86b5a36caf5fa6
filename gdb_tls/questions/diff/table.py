"""`tls-diff`'s answer: the table, the JSON document `gdb-tls/diff/1`, and one record a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gdb_tls.program.runtimes import is_runtime
from gdb_tls.questions.diff.answer import Answer
from gdb_tls.questions.diff.difference import Cell, Difference
from gdb_tls.target.model import State
from gdb_tls.views.columns import MOST_LINES
from gdb_tls.views.columns import Cell as Drawn
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, value_cell
from gdb_tls.views.parts import STYLES
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import without_structures
from gdb_tls.views.text import safe
from gdb_tls.views.words import count

# A long value is told by its beginning, unless all is wanted.
MOST_LINES_OF_A_VALUE = 4


def table(answer: Answer, screen: Screen) -> RenderableType:
    """One line for each difference, and how many there are."""
    del screen
    rows = shown(answer)
    parts: list[RenderableType] = [_table(answer, rows), Text("")] if rows else []
    parts += [Text(safe(one), "bold" if index == 0 else "dim") for index, one in enumerate(sentences(answer))]
    return Group(*parts)


def shown(answer: Answer) -> list[Difference]:
    """What is news: all, or what is neither expected, nor the C library's or the C++ runtime's own, nor a guard."""
    return [one for one in answer.differences if answer.all or not _why_not(one)]


def _why_not(one: Difference) -> str:
    """Why a difference is no news; empty where it is."""
    if one.expected:
        return "expected"
    if is_runtime(one.module_name):
        return "runtime"
    return "guard" if one.is_helper else ""


def sentences(answer: Answer) -> list[str]:
    """How much differs, what is left out, and what could not be compared."""
    left = Counter(_why_not(one) for one in answer.differences) if not answer.all else Counter[str]()
    left_out, of_runtimes, guards = left["expected"], left["runtime"], left["guard"]
    found = [f"{count(len(shown(answer)), 'difference')} in {count(answer.compared, 'variable')}."]
    if not answer.compared and not answer.differences:
        found = ["Nothing could be compared: no variable is known on both sides."]
    elif answer.compared < answer.variables:
        others = count(answer.variables - answer.compared, "variable")
        found.append(f"Not compared, as not known on both sides: {others}.")
    if answer.unmatched:
        found.append(f"Not compared, as only on one side: {count(answer.unmatched, 'thread')}.")
    if left_out:
        found.append(f"Set on both sides, each to an object of its own: {count(left_out, 'pointer')} (--all).")
    if of_runtimes:
        found.append(f"In variables of the C library and the C++ runtime: {of_runtimes:,} more (--all).")
    if guards:
        found.append(f"In the compiler's guards: {guards:,} more (--all).")
    if answer.same_process is False:
        found.append("Two runs of the program: addresses are not compared, but states, texts and kinds of memory are.")
    return found


def headings(answer: Answer) -> list[str]:
    """What the two sides are called, with what is remarkable about them."""
    return [f"{label}{marks and f', {marks}'}" for label, marks in zip(answer.labels, answer.marks)]


def _table(answer: Answer, shown: Sequence[Difference]) -> Table:
    moments = answer.same_process is not None
    lines = Table("Variable", "Module")
    if moments:
        lines.add_column("Thread", whole=True)
    for heading in headings(answer):
        lines.add_column(safe(heading))
    most = MOST_LINES if answer.all else MOST_LINES_OF_A_VALUE
    for one in shown:
        cells: list[Drawn] = [Text(safe(one.variable["name"])), Text(safe(one.module_name), "dim")]
        if moments:
            cells.append(Text(thread_text(one)))
        lines.add_row(*cells, value_cell(_cell(one.left), most), value_cell(_cell(one.right), most))
    return lines


def _cell(cell: Cell) -> Text:
    text = safe(cell_text(cell))
    if cell.state is None:
        return Text(text, "dim")
    state = State(cell.state)
    return Text(text) if state is State.SET and cell.text else Text(text, STYLES[state])


def cell_text(cell: Cell) -> str:
    """A side's value, or the state for which it has none."""
    if cell.state is None:
        return "no such variable"
    if cell.state == State.NULL.value:
        return "NULL"
    return without_structures(cell.text) if cell.state == State.SET.value and cell.text else cell.state


def thread_text(one: Difference) -> str:
    """Its number."""
    number = one.thread["num"]
    return "-" if number is None else str(number)
