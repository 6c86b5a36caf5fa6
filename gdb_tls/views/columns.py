"""Tables without lines.

rich's own table breaks C++ names and numbers anywhere, takes a letter's room for a column where there are many, and
measures and wraps each cell in some 0.1 ms: a second for a server's threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Union

from gdb_tls.tuples import NamedTuple
from gdb_tls.views.folding import longest_part, width
from gdb_tls.views.layout import Line, Text

# A column that may be folded keeps so much, and one that is cut; where even that is too much all are narrower.
LEAST_FOLDED, LEAST_CUT, NARROWEST = 8, 14, 4
# A longer word, or part of a name, may be broken.
LONGEST_WORD = 20
# Lines that end at words are not full; in hundredths.
FULL = 80
# How wide columns are is found with so many rows, and in so many steps.
MOST_MEASURED, STEPS, MOST_LINES = 60, 16, 1000


class Fitting(NamedTuple):
    """A cell that is told how much room it has.

    Attributes:
        text: makes it for so many columns.
        widest: how much it takes where there is room.
        least: how much it should have at least.
        most: how many lines it takes at most.
    """

    text: Callable[[int], Text]
    widest: int
    least: int
    most: int = 1


Cell = Union[str, Text, Fitting]


class Column(NamedTuple):
    """A table's column.

    Attributes:
        heading: may be empty.
        right: whether it is set to the right.
        whole: whether its cells are neither folded nor cut as long as others can give way.
        gives_way: whether it is made narrower before others are.
        most: the most columns that it takes; None for no limit.
    """

    heading: str
    right: bool
    whole: bool
    gives_way: bool
    most: int | None


class Need(NamedTuple):
    """How wide a column is where there is room, and how wide it has to be to be readable.

    Attributes:
        widest: as its widest cell.
        with_heading: as that or its heading, which may be folded.
        least: to be readable.
    """

    widest: int
    with_heading: int
    least: int


class Row(NamedTuple):
    """Cells, and what rich draws all of them in."""

    cells: Sequence[Cell]
    style: str
    is_heading: bool = False


class Table:
    """Rows under headings, in columns as wide as what is in them."""

    def __init__(self, *headings: str, right: Iterable[str] = (), whole: Iterable[str] = (), gap: int = 2) -> None:
        """A table with some columns.

        Args:
            headings: of the columns; a table without any has no line for them.
            right: the columns that are set to the right, and are whole.
            whole: others that are neither folded nor cut.
            gap: how many blanks are between two columns.
        """
        self._gap = gap
        self._columns: list[Column] = []
        self._rows: list[Row] = []
        for heading in headings:
            self.add_column(heading, right=heading in right, whole=heading in right or heading in whole)

    def add_column(
        self,
        heading: str = "",
        *,
        right: bool = False,
        whole: bool = False,
        gives_way: bool = False,
        most: int | None = None,
    ) -> None:
        """A further column; see `Column`."""
        self._columns.append(Column(heading, right, whole, gives_way, most))

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """A further row; columns that nobody added come into being."""
        while len(self._columns) < len(cells):
            self.add_column()
        self._rows.append(Row([*cells, *[""] * (len(self._columns) - len(cells))], style))

    def least(self) -> list[int]:
        """How wide each column has to be to be readable."""
        return [need.least for need in self._needs()]

    def fits(self, room: int) -> bool:
        """Whether no column has to be narrower."""
        least = self.least()
        return sum(least) + self._gap * (len(least) - 1) <= room

    def lines(self, room: int) -> list[str]:
        """Its lines without styles."""
        found = []
        for _, pieces in self._drawn(room):
            line = []
            for (text, wide), column in zip(pieces, self._columns):
                words = text.plain if text else ""
                blanks = " " * (wide - width(words))
                line.append(blanks + words if column.right else words + blanks)
            found.append((" " * self._gap).join(line).rstrip())
        return found

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        from rich.segment import Segment

        gap, end = " " * self._gap, Segment.line()
        for row, pieces in self._drawn(options.max_width):
            style = console.get_style("bold" if row.is_heading else row.style)
            for index, ((line, wide), column) in enumerate(zip(pieces, self._columns)):
                shown = list(line.segments(console)) if line else []
                blanks = [Segment(" " * (wide - (width(line.plain) if line else 0)))]
                both = blanks + shown if column.right else shown + blanks
                yield from Segment.apply_style([*[Segment(gap)] * bool(index), *both], style)
            yield end

    def _drawn(self, room: int) -> Iterator[tuple[Row, list[tuple[Line | None, int]]]]:
        """For each line of the screen its row, and for each column what is there and how wide the column is."""
        widths = self._widths(room)
        headings = [column.heading for column in self._columns]
        for row in [Row(headings, "", True)] * any(headings) + self._rows:
            cells = [list(_lines(cell, wide)) for cell, wide in zip(row.cells, widths)]
            height = max(map(len, cells), default=0)
            for at in range(height):
                # Headings stand on what they head.
                places = [at - (height - len(lines)) * row.is_heading for lines in cells]
                yield (
                    row,
                    [
                        (lines[place] if 0 <= place < len(lines) else None, wide)
                        for lines, place, wide in zip(cells, places, widths)
                    ],
                )

    def _needs(self) -> list[Need]:
        """What each column takes: its widest cell, and what its cells and its heading cannot do without."""
        found = []
        for index, column in enumerate(self._columns):
            cells = [row.cells[index] for row in self._rows]
            widest = max(map(_widest, cells), default=0)
            least = widest
            if not column.whole:
                least = min(widest, max(map(_least, cells[:MOST_MEASURED]), default=0))
            indent = len(column.heading) - len(column.heading.lstrip())
            word = indent + longest_part(column.heading, LONGEST_WORD)
            widest = max(widest, word)
            whole = max(widest, width(column.heading))
            most = whole if column.most is None else max(column.most, word)
            found.append(Need(min(widest, most), min(whole, most), min(max(least, word), most)))
        return found

    def _widths(self, room: int) -> list[int]:
        """As wide as the cells are; where that is too much, what gives the table the fewest lines."""
        needs = self._needs()
        found = [need.with_heading for need in needs]
        left = room - self._gap * (len(found) - 1)
        if sum(found) <= left:
            return found
        found = [need.least for need in needs]
        if sum(found) > left:
            return self._narrow(found, left)
        last = [index for index, column in enumerate(self._columns) if column.gives_way or self._is_cut(index)]
        everywhere = range(len(found))
        for some in ([index for index in everywhere if index not in last], last):
            self._widen(found, [need.widest for need in needs], some, left)
        self._widen(found, [need.with_heading for need in needs], everywhere, left)
        return found

    def _is_cut(self, index: int) -> bool:
        """Whether no cell of a column is folded where it does not fit."""
        sizes = [_size(row.cells[index]) for row in self._rows[:MOST_MEASURED]]
        return all(most == 1 for wide, most in sizes if wide)

    def _widen(self, found: list[int], widest: Sequence[int], some: Sequence[int], left: int) -> None:
        """Gives some columns what is left, bit by bit to the one that saves the most lines."""
        rows = [[_size(row.cells[index]) for index in some] for row in self._rows[:MOST_MEASURED]]
        step = max((left - sum(found)) // STEPS, 1)

        def lines(widths: Sequence[int]) -> int:
            return sum(max(map(_height, row, widths)) for row in rows)

        while (spare := left - sum(found)) > 0:
            widths = [max(found[index], 1) for index in some]
            best = None
            for at, index in enumerate(some):
                more = min(step, spare, widest[index] - found[index])
                if more > 0:
                    wider = [*widths[:at], widths[at] + more, *widths[at + 1 :]]
                    rank = (lines(wider), -widest[index] / widths[at], index, more)
                    best = rank if best is None else min(best, rank)
            if best is None:
                return
            found[best[2]] += best[3]

    def _narrow(self, found: list[int], left: int) -> list[int]:
        """Where nothing is readable any more the widest give way, and those last that are whole."""
        everywhere = range(len(found))
        for some, least in (
            ([index for index in everywhere if self._columns[index].gives_way], LEAST_FOLDED),
            ([index for index in everywhere if not self._columns[index].whole], NARROWEST),
            (everywhere, NARROWEST),
        ):
            while sum(found) > left:
                wide = [index for index in some if found[index] > least]
                if not wide:
                    break
                widest = max(wide, key=lambda index: found[index])
                second = max((found[index] for index in wide if found[index] < found[widest]), default=0)
                found[widest] = max(second, least, found[widest] - (sum(found) - left))
        return found


def _widest(cell: Cell) -> int:
    if isinstance(cell, Fitting):
        return cell.widest
    return max(map(width, _plain(cell).split("\n")))


def _plain(cell: str | Text) -> str:
    return cell if isinstance(cell, str) else cell.plain


def _size(cell: Cell) -> tuple[int, int]:
    """How wide a cell is, and how many lines it takes at most."""
    if isinstance(cell, Fitting):
        return cell.widest, cell.most
    return _widest(cell), 1 if _is_cut(cell) else MOST_LINES


def _height(size: tuple[int, int], room: int) -> int:
    """How many lines a cell takes, as far as it can be told without breaking it."""
    return 1 if size[0] <= room else min(-(-size[0] * 100 // (room * FULL)), size[1])


def _least(cell: Cell) -> int:
    """How wide a cell has to be to be readable."""
    if isinstance(cell, Fitting):
        return cell.least
    if _is_cut(cell):
        return LEAST_CUT
    return max(LEAST_FOLDED, longest_part(_plain(cell), LONGEST_WORD))


def _is_cut(cell: Cell) -> bool:
    return isinstance(cell, Text) and cell.is_cut


def _lines(cell: Cell, room: int) -> Iterator[Line]:
    """A cell's lines in so much room."""
    text = cell.text(room) if isinstance(cell, Fitting) else cell
    return (Text(text) if isinstance(text, str) else text).parts(room)
