"""Lines that are made already.

A table measures and wraps every cell, which takes tenths of a millisecond: of a picture with hundreds of thousands of
letters, each in its place, half a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gdb_tls.tuples import NamedTuple


class Piece(NamedTuple):
    """A part of a line, and its style (as rich writes it; empty for none)."""

    text: str
    style: str = ""


class Pieces:
    """Lines, each drawn as it is and cut where the screen ends."""

    def __init__(self, lines: Iterable[Sequence[Piece]]) -> None:
        """Takes the pieces of each line; their text has no line's end."""
        self._lines = list(lines)

    def lines(self, room: int) -> list[str]:
        """Without styles."""
        return ["".join(piece.text for piece in line)[:room].rstrip() for line in self._lines]

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        from rich.segment import Segment

        styles: dict[str, Any] = {"": None}
        end = Segment.line()
        for line in self._lines:
            for text, style in line:
                if style not in styles:
                    styles[style] = console.get_style(style)
                yield Segment(text, styles[style])
            yield end


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Beside each other in one style they are one."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1].style == piece.style:
            found[-1] = Piece(found[-1].text + piece.text, piece.style)
        else:
            found.append(piece)
    return found
