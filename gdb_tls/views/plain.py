"""What tables are drawn with where the package rich is missing: plain aligned text.

As much of rich's Text, Table, Group and Padding as the tables use, with rich's names and arguments; styles are
taken and not shown.  `gdb_tls.views.drawing` chooses between the two.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Union
from unicodedata import east_asian_width

NARROWEST = 4


class Text:
    """Text without a style; `plain` is all of it."""

    def __init__(self, text: str = "", style: str = "", no_wrap: bool = False, overflow: str = "fold") -> None:
        del style
        self.plain = text
        self.no_wrap = no_wrap
        self.overflow = overflow

    def append(self, text: str | Text, style: str = "") -> Text:
        """Adds text at the end."""
        del style
        self.plain += text.plain if isinstance(text, Text) else text
        return self

    def truncate(self, max_width: int, *, overflow: str = "ellipsis") -> None:
        """Cuts what is longer."""
        del overflow
        if _width(self.plain) > max_width:
            self.plain = self.plain[: max_width - 1] + "…"

    @property
    def cell_len(self) -> int:
        """How many columns its longest line takes."""
        return max(map(_width, self.plain.split("\n")))

    def lines(self, width: int) -> list[str]:
        """Its lines, none wider than asked for."""
        if self.no_wrap and self.overflow == "ellipsis":
            return [line if _width(line) <= width else line[: width - 1] + "…" for line in self.plain.split("\n")]
        return [piece for line in self.plain.split("\n") for piece in _wrapped(line, width)]


Renderable = Union[str, Text, "Table", "Group", "Padding"]


class Group:
    """Renderables one under the other."""

    def __init__(self, *parts: Renderable) -> None:
        self.parts = parts

    def lines(self, width: int) -> list[str]:
        """The lines of all parts."""
        return [line for part in self.parts for line in lines(part, width)]


class Padding:
    """A renderable with blanks around it: (top, right, bottom, left)."""

    def __init__(self, part: Renderable, pad: tuple[int, int, int, int]) -> None:
        self.part = part
        self.pad = pad

    def lines(self, width: int) -> list[str]:
        """The part's lines, moved to the right."""
        top, right, bottom, left = self.pad
        inner = [" " * left + line for line in lines(self.part, max(width - left - right, NARROWEST))]
        return [""] * top + inner + [""] * bottom


class Column(NamedTuple):
    """A table's column.

    Attributes:
        heading: may be empty.
        right: whether it is set to the right.
        fixed: whether it keeps its width as long as others can give way.
        widest: the most columns that it takes; None for no limit.
    """

    heading: str
    right: bool
    fixed: bool
    widest: int | None


class Table:
    """Rows under headings, in columns as wide as what is in them, without lines."""

    def __init__(self, padding: tuple[int, ...] = (0, 1), show_header: bool = True, **style: Any) -> None:
        del style
        self._gap = padding[1]
        self._columns: list[Column] = []
        self._rows: list[list[Renderable]] = []
        self._show_header = show_header

    @classmethod
    def grid(cls, padding: tuple[int, ...] = (0, 1)) -> Table:
        """A table without headings."""
        return cls(padding, show_header=False)

    def add_column(
        self,
        heading: str = "",
        justify: str = "left",
        no_wrap: bool = False,
        max_width: int | None = None,
        **more: Any,
    ) -> None:
        """A further column."""
        del more
        self._columns.append(Column(heading, justify == "right", no_wrap, max_width))

    def add_row(self, *cells: Renderable, style: str = "") -> None:
        """A further row; columns that nobody added come into being."""
        del style
        while len(self._columns) < len(cells):
            self._columns.append(Column("", False, False, None))
        self._rows.append([*cells, *[""] * (len(self._columns) - len(cells))])

    def lines(self, width: int) -> list[str]:
        """The headings and rows; a cell that is too wide goes on in the next line."""
        widths = self._widths(width)
        rows: list[Sequence[Renderable]] = list(self._rows)
        if self._show_header:
            rows.insert(0, [column.heading for column in self._columns])
        return [line for row in rows for line in self._row(row, widths)]

    def _row(self, row: Sequence[Renderable], widths: Sequence[int]) -> Iterable[str]:
        cells = [lines(cell, room) for cell, room in zip(row, widths)]
        for index in range(max(map(len, cells), default=0)):
            pieces = []
            for cell, column, room in zip(cells, self._columns, widths):
                text = cell[index] if index < len(cell) else ""
                blanks = " " * (room - _width(text))
                pieces.append(blanks + text if column.right else text + blanks)
            yield (" " * self._gap).join(pieces).rstrip()

    def _widths(self, width: int) -> list[int]:
        """Each column as wide as its widest cell; where that is too much, the widest that may wrap give way first."""
        found = []
        for index, column in enumerate(self._columns):
            cells = [_natural(row[index]) for row in self._rows] + [_width(column.heading) * self._show_header]
            found.append(min(max(cells), column.widest or max(cells)))
        left = width - self._gap * (len(found) - 1)
        for may_shrink in (False, True):
            some = [index for index, column in enumerate(self._columns) if may_shrink or not column.fixed]
            while sum(found) > left and some:
                widest = max(some, key=lambda index: found[index])
                if found[widest] <= NARROWEST:
                    break
                second = max((found[index] for index in some if found[index] < found[widest]), default=NARROWEST)
                found[widest] = max(second, found[widest] - (sum(found) - left), NARROWEST)
        return found


def lines(part: Renderable, width: int) -> list[str]:
    """The lines of anything here."""
    return (Text(part) if isinstance(part, str) else part).lines(width)


def _natural(part: Renderable) -> int:
    return max(map(_width, lines(part, 1 << 30)), default=0)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(line: str, width: int) -> list[str]:
    if _width(line) <= width:
        return [line]
    return textwrap.wrap(line, max(width, 1), drop_whitespace=True, break_on_hyphens=False) or [""]
