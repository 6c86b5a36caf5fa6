"""`tls-map`'s answer: the picture, the JSON document `gdb-tls/map/1`, and one record a variable and thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gdb_tls.program.grid import Grid, Row
from gdb_tls.program.runtimes import is_runtime
from gdb_tls.questions.map.answer import Answer
from gdb_tls.target.model import State, Thread
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.drawing import Group, Renderable, Text, flowing
from gdb_tls.views.folding import shortened, width
from gdb_tls.views.parts import STYLES
from gdb_tls.views.pieces import Piece, Pieces, joined
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import copies_hidden, count, group_names, not_shown, numbers, share, who

LETTERS = {
    State.SET: "S",
    State.NULL: "N",
    State.NO_VALUE: "v",
    State.UNALLOCATED: "-",
    State.NOT_CONSTRUCTED: "c",
    State.DESTROYED: "d",
    State.UNREADABLE: "u",
    State.UNRESOLVED: "?",
}
LONGEST_NAME, SHORTEST_NAME = 48, 8
INDENT = "  "
SHARED_COLUMN = "Threads in the same states share a column; --all and --format csv show each."


class Head(NamedTuple):
    """One column of the picture.

    Attributes:
        label: what stands above it.
        members: its threads, as positions in `Grid.threads`.
    """

    label: str
    members: Sequence[int]


def table(answer: Answer, screen: Screen) -> Renderable:
    """A picture for each module, its legend, and the groups of threads."""
    if not answer.grid.rows:
        return Text("There is no thread-local variable to show." + _missing(answer.grid))
    answer, folded = _fold(answer)
    grid = answer.grid
    names = _names(grid, screen.columns)
    room = max((screen.columns - width(names[0])) // _column_width(grid), 1)
    pieces, left_out = _pieces(answer, room)
    parts: list[Renderable] = []
    letters = [{state: _cell(row, state) for state in set(row.states)} for row in grid.rows]
    for heads in pieces:
        parts += [_picture(grid, names, letters, heads), Text("")]
    parts.append(_legend(grid, screen.columns))
    hidden = copies_hidden(grid.hidden_copies)
    if hidden:
        parts.append(Text(hidden, "dim"))
    if folded:
        parts.append(Text(safe(folded), "dim"))
    if len(grid.threads) > sum(map(len, pieces)) or left_out:
        parts += _groups(grid, [head for heads in pieces for head in heads if len(head.members) > 1], left_out)
    if grid.interrupted:
        parts.append(Text("Interrupted: the last variables are missing.", "bold"))
    gaps = grid.survey.gaps() if grid.survey else []
    if gaps:
        more = f", and {count(len(gaps) - 1, 'other reason')}" if len(gaps) > 1 else ""
        found_in = who([grid.threads[at] for at in gaps[0].threads])
        parts.append(Text(safe(f"Not all is known: in {found_in}, {gaps[0].reason}{more}."), "dim"))
    bad = [row.variable for row in grid.rows if row.variable.problem]
    if bad:
        more = f" and {len(bad) - 1:,} more" if len(bad) > 1 else ""
        parts.append(Text(safe(f"Only partly known: {bad[0].name}{more} ({bad[0].problem})."), "dim"))
    missing = _missing(grid)
    if missing:
        parts.append(Text(safe(missing.strip()), "dim"))
    return Group(*parts)


def _fold(answer: Answer) -> tuple[Answer, str]:
    """The answer without the rows that are in every program, and a line that counts them."""
    if not answer.folds:
        return answer, ""
    kept, files, guards = [], Counter[str](), 0
    for row in answer.grid.rows:
        if is_runtime(row.variable.module.name):
            files[row.variable.module.name] += 1
        elif row.variable.is_helper:
            guards += 1
        else:
            kept.append(row)
    if not kept or len(kept) == len(answer.grid.rows):
        return answer, ""
    return answer._replace(grid=replace(answer.grid, rows=kept)), not_shown(files, guards)


def _pieces(answer: Answer, room: int) -> tuple[list[list[Head]], list[Head]]:
    """The columns, in as many pictures as they need, and the columns that are left out."""
    grid = answer.grid
    single = [Head(_label(thread), [index]) for index, thread in enumerate(grid.threads)]
    if len(single) <= room:
        return [single], []
    if answer.all:
        return [single[at : at + room] for at in range(0, len(single), room)], []
    names = group_names()
    # Who crashed and what is initialised once, in the main thread, is never left out.
    own = grid.marked.first(grid.threads)
    groups = [[at for at in members if at not in own] for members in grid.groups()]
    heads = [
        Head(next(names), members) if len(members) > 1 else Head(_label(grid.threads[members[0]]), members)
        for members in [*([at] for at in own), *groups]
        if members
    ]
    return [heads[:room]], heads[room:]


def _picture(
    grid: Grid, names: Sequence[str], letters: Sequence[Mapping[State, Piece]], heads: Sequence[Head]
) -> Pieces:
    """The headings, and a line a variable under its module's; `names` are as wide as the first column."""
    labels = []
    for head in heads:
        own = any("selected" in grid.marked.names(grid.threads[index]) for index in head.members)
        labels.append(f"*{head.label}" if own else head.label)
    lines = [[Piece(" ".join(["Thread".ljust(width(names[0])), *labels]), "bold")]]
    columns = [(" " * len(label), head.members[0]) for label, head in zip(labels, heads)]
    module = None
    for name, row, cells in zip(names, grid.rows, letters):
        if row.variable.module.title != module:
            module = row.variable.module.title
            lines.append([Piece(_title(row), "bold")])
        states = row.states
        line = [Piece(name, "dim" if len(cells) == 1 else "")]
        for blanks, at in columns:
            line += (Piece(blanks), cells[states[at]])
        lines.append(joined(line))
    return Pieces(lines)


def _title(row: Row) -> str:
    return safe(row.variable.module.name) + ("  emulated" if row.variable.module.emulated else "")


def _cell(row: Row, state: State) -> Piece:
    # A variable that cannot be null is set wherever it is: that is no news.
    return Piece(LETTERS[state], "dim" if state is State.SET and not row.is_pointer else STYLES[state])


def _legend(grid: Grid, columns: int) -> Text:
    parts = []
    for state, number in grid.counts().items():
        if number:
            parts.append(Text().append(LETTERS[state], STYLES[state]).append(f" = {state.value} {number:,}"))
    numbers = dict.fromkeys(number for number in grid.marked if number is not None)
    shown = [number for number in numbers if any(thread.num == number for thread in grid.threads)]
    for number in shown:
        star = "*" if number == grid.marked.selected else ""
        parts.append(Text(f"{star}{number} {', '.join(grid.marked.names_of(number))}", "dim"))
    return flowing(parts, columns)


def _groups(grid: Grid, heads: Sequence[Head], left_out: Sequence[Head]) -> list[Renderable]:
    parts: list[Renderable] = [Text(SHARED_COLUMN, "dim")]
    for head in heads:
        members = [grid.threads[index] for index in head.members]
        which = f"{count(len(members), 'thread')}{share(len(members), len(grid.threads))}: {numbers(members)}"
        parts.append(Text(f"  {head.label}  {which}", is_cut=True))
    if left_out:
        threads = sum(len(head.members) for head in left_out)
        parts.append(Text(f"  Not on the screen: {threads:,} more in {len(left_out):,} other patterns.", "bold"))
    return parts


def _names(grid: Grid, columns: int) -> list[str]:
    """The first column: all as wide as the widest, and room for one column beside them."""
    names = [safe(row.variable.name) for row in grid.rows]
    notes = [" (unused copy)" if row.used_instead else "" for row in grid.rows]
    longest = max(width(name) + len(note) for name, note in zip(names, notes))
    widest = max(len("Thread"), *(width(_title(row)) for row in grid.rows), min(longest, LONGEST_NAME) + len(INDENT))
    widest = min(widest, max(columns - _column_width(grid), SHORTEST_NAME))
    found = []
    for name, note in zip(names, notes):
        shown = INDENT + shortened(name, widest - len(INDENT) - len(note)) + note
        found.append(shown + " " * (widest - width(shown)))
    return found


def _label(thread: Thread) -> str:
    return "-" if thread.num is None else str(thread.num)


def _column_width(grid: Grid) -> int:
    return max(len(_label(thread)) for thread in grid.threads) + 2 if grid.threads else 2


def _missing(grid: Grid) -> str:
    missing = [module.problem for module in grid.modules if module.problem]
    if not missing:
        return ""
    more = f", and {count(len(missing) - 1, 'other')}" if len(missing) > 1 else ""
    return f" {count(len(missing), 'module')} could not be looked at: {missing[0]}{more}."
