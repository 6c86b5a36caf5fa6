"""What tables and sentences are made of: texts, one under the other, and moved to the right.

They fall into lines by themselves. Where colours are seen rich draws these lines, and it is not even loaded where none
are: importing it takes as long as looking at a small core.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, Union

from gdb_tls.tuples import NamedTuple
from gdb_tls.views.folding import MORE, cut, folded, width

NARROWEST = 4


class Span(NamedTuple):
    """A part of a text that has a style of its own."""

    start: int
    end: int
    style: str


class Text:
    """Text in styles, which are written as rich writes them ("bold red"); `plain` is all of it without."""

    def __init__(self, text: str = "", style: str = "", is_cut: bool = False) -> None:
        """A text in one style; with `is_cut` its lines are cut where there is no room, and else folded."""
        self.plain = text
        self.style = style
        self.spans: list[Span] = []
        self.is_cut = is_cut

    def append(self, text: str | Text, style: str = "") -> Text:
        """Adds text at the end."""
        start = len(self.plain)
        if isinstance(text, Text):
            self.plain += text.plain
            style = text.style
            self.spans += [Span(start + one, start + end, style) for one, end, style in text.spans]
        else:
            self.plain += text
        if style:
            self.spans.append(Span(start, len(self.plain), style))
        return self

    def __getitem__(self, part: slice) -> Text:
        """A part of it."""
        start, end, _ = part.indices(len(self.plain))
        found = Text(self.plain[start:end], self.style, self.is_cut)
        inside = ((max(one.start, start), min(one.end, end), one.style) for one in self.spans)
        found.spans = [Span(first - start, last - start, style) for first, last, style in inside if first < last]
        return found

    @property
    def cell_len(self) -> int:
        """How many columns its longest line takes."""
        return max(map(width, self.plain.split("\n")))

    def parts(self, room: int) -> Iterator[Line]:
        """Its lines, none wider than asked for."""
        if not self.is_cut:
            for start, end in folded(self.plain, max(room, 1)):
                yield Line(self, start, end)
            return
        start = 0
        for line in self.plain.split("\n"):
            fits = width(line) <= room
            yield Line(self, start, start + (len(line) if fits else cut(line, room)), "" if fits else MORE)
            start += len(line) + 1

    def lines(self, room: int) -> list[str]:
        """The same without styles."""
        return [line.plain for line in self.parts(room)]

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        from rich.segment import Segment

        for line in self.parts(options.max_width):
            yield from line.segments(console)
            yield Segment.line()


class Line(NamedTuple):
    """One line: a part of a text, and what stands behind that."""

    text: Text
    start: int
    end: int
    more: str = ""

    @property
    def plain(self) -> str:
        """Without styles."""
        return self.text.plain[self.start : self.end] + self.more

    def segments(self, console: Any) -> Iterator[Any]:
        """What rich draws."""
        from rich.segment import Segment

        own = console.get_style(self.text.style)
        if not self.text.spans:
            yield Segment(self.plain, own)
            return
        spans = [
            (max(one.start, self.start), min(one.end, self.end), console.get_style(one.style))
            for one in self.text.spans
        ]
        places = sorted({self.start, self.end, *(place for one in spans if one[0] < one[1] for place in one[:2])})
        for start, end in zip(places, places[1:]):
            style = own
            # The outer ones were added after those inside.
            for first, last, inner in reversed(spans):
                if first <= start and end <= last:
                    style += inner
            yield Segment(self.text.plain[start:end], style)
        if self.more:
            yield Segment(self.more, own)


class Drawn(Protocol):
    """Whatever has lines: what is here, tables, and lines that are made already."""

    def lines(self, room: int) -> list[str]:
        """Its lines without styles, none wider than asked for."""
        ...

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        ...


Renderable = Union[str, Drawn]


class Group:
    """Renderables one under the other."""

    def __init__(self, *parts: Renderable) -> None:
        self.parts = [Text(part) if isinstance(part, str) else part for part in parts]

    def lines(self, room: int) -> list[str]:
        """The lines of all parts."""
        return [line for part in self.parts for line in part.lines(room)]

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        del console, options
        yield from self.parts


class Padding:
    """A renderable with blanks around it: (top, right, bottom, left)."""

    def __init__(self, part: Renderable, pad: tuple[int, int, int, int]) -> None:
        self.part = Text(part) if isinstance(part, str) else part
        self.pad = pad

    def lines(self, room: int) -> list[str]:
        """The part's lines, moved to the right."""
        top, right, bottom, left = self.pad
        inner = [" " * left + line for line in self.part.lines(max(room - left - right, NARROWEST))]
        return [""] * top + inner + [""] * bottom

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks for."""
        from rich.padding import Padding

        del console, options
        yield Padding(self.part, self.pad)
