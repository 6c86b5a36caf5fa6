"""What tables are drawn with where the package rich is missing: plain aligned text.

As much of rich's Text, Group and Padding as the tables use, with rich's names and arguments; styles are taken and not
shown.  `gdb_tls.views.drawing` chooses between the two.
"""

from __future__ import annotations

from typing import Protocol, Union

from gdb_tls.views.folding import MORE, cut, folded, width

NARROWEST = 4


class Text:
    """Text without a style; `plain` is all of it."""

    def __init__(self, text: str = "", style: str = "", no_wrap: bool = False, overflow: str = "fold") -> None:
        self.plain = text
        self.style = style
        self.no_wrap = no_wrap
        self.overflow = overflow

    def append(self, text: str | Text, style: str = "") -> Text:
        """Adds text at the end."""
        del style
        self.plain += text.plain if isinstance(text, Text) else text
        return self

    def __getitem__(self, part: slice) -> Text:
        """A part of it."""
        return Text(self.plain[part])

    def truncate(self, max_width: int, *, overflow: str = "ellipsis") -> None:
        """Cuts what is longer."""
        del overflow
        if width(self.plain) > max_width:
            self.plain = self.plain[: cut(self.plain, max_width)] + MORE

    @property
    def cell_len(self) -> int:
        """How many columns its longest line takes."""
        return max(map(width, self.plain.split("\n")))

    def lines(self, room: int) -> list[str]:
        """Its lines, none wider than asked for."""
        if not self.no_wrap or self.overflow != "ellipsis":
            return [self.plain[start:end] for start, end in folded(self.plain, max(room, 1))]
        return [line if width(line) <= room else line[: cut(line, room)] + MORE for line in self.plain.split("\n")]


class Drawn(Protocol):
    """Whatever has lines: what is here, tables, and lines that are made already."""

    def lines(self, room: int) -> list[str]:
        """Its lines, none wider than asked for."""
        ...


Renderable = Union[str, Drawn]


class Group:
    """Renderables one under the other."""

    def __init__(self, *parts: Renderable) -> None:
        self.parts = parts

    def lines(self, room: int) -> list[str]:
        """The lines of all parts."""
        return [line for part in self.parts for line in lines(part, room)]


class Padding:
    """A renderable with blanks around it: (top, right, bottom, left)."""

    def __init__(self, part: Renderable, pad: tuple[int, int, int, int]) -> None:
        self.part = part
        self.pad = pad

    def lines(self, room: int) -> list[str]:
        """The part's lines, moved to the right."""
        top, right, bottom, left = self.pad
        inner = [" " * left + line for line in lines(self.part, max(room - left - right, NARROWEST))]
        return [""] * top + inner + [""] * bottom


def lines(part: Renderable, room: int) -> list[str]:
    """The lines of anything here."""
    return (Text(part) if isinstance(part, str) else part).lines(room)
