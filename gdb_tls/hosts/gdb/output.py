"""Writing to GDB's screen, or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import gdb

from gdb_tls.errors import OutputError
from gdb_tls.hosts.gdb.origin import name_of, origin_of
from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.questions.rooms import Rooms
from gdb_tls.target.protocol import Target
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

# For a pipe or a file nothing is cut: wider than any table.
UNLIMITED = 10_000
NO_SCREEN_HEIGHT = 100
# The heading, the verdict and the prompt; and what a table has however low the screen is.
BESIDE_ROWS = 10
FEWEST_ROWS = 12
# Characters that go out at once; less costs calls, more costs memory.
PIECE = 1 << 16


def written(
    rooms: Rooms, answer: Any, form: str, screen: Screen, title: str, target: Target | None = None
) -> Iterable[str]:
    """An answer in one of the formats, piece by piece.

    Args:
        rooms: the question's.
        answer: its answer.
        form: the format.
        screen: what a table is made for.
        title: the command line.
        target: which program the answer speaks of; None where there are several, or none.
    """
    if form == "json":
        from gdb_tls.views import json

        return json.render(rooms.document(answer))
    if form == "csv":
        from gdb_tls.views import csv

        return csv.render(rooms.records(answer))
    return [_whole(rooms, answer, form, screen, title, target)]


def _whole(rooms: Rooms, answer: Any, form: str, screen: Screen, title: str, target: Target | None) -> str:
    if form == "html":
        from gdb_tls.views import html

        known = rooms.document(answer).get("target")
        return html.render(rooms.page(answer), title, known, origin_of(target) if target else None)
    name = name_of(target) if target else None
    if form == "svg":
        from gdb_tls.views import svg

        return svg.render(lambda screen: rooms.table(answer, screen), title, name)
    from gdb_tls.views.drawing import drawn, under_caption

    return drawn(under_caption(rooms.table(answer, screen), name, screen.columns), screen)


def write(pieces: Iterable[str]) -> None:
    """Writes to GDB's screen; its pager does not ask in the middle of it."""
    with setting("pagination", "off"):
        for text in _large(pieces):
            try:
                gdb.write(text)
            except UnicodeError:
                gdb.write(text.encode("ascii", "backslashreplace").decode())


def _large(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in larger pieces."""
    some: list[str] = []
    size = 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield "".join(some)
            some, size = [], 0
    yield "".join(some)


def warn(text: str) -> None:
    """Writes to GDB's error stream at once, whatever the format."""
    gdb.write(safe(text) + "\n", gdb.STDERR)
    gdb.flush(gdb.STDERR)


def save(path: str, pieces: Iterable[str]) -> None:
    """Writes a file.

    Raises:
        OutputError: where it cannot be written.
    """
    name = os.path.expanduser(path)
    try:
        with open(name, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(pieces)
    except KeyboardInterrupt:
        # Half a document is none.
        with suppress(OSError):
            if os.path.isfile(name) and not os.path.islink(name):  # not /dev/stdout
                os.unlink(name)
        raise
    except OSError as error:
        raise OutputError(
            f"{path!r} cannot be written ({error.strerror})", "Choose another file with --output."
        ) from error


def screen() -> Screen:
    """GDB's screen: its width and, where GDB styles its own text, colour."""
    return Screen(width(), uses_colour())


def width() -> int:
    """The screen's columns, as GDB has them."""
    return gdb.parameter("width") or (_terminal()[0] if is_terminal() else UNLIMITED)


def height() -> int:
    """The screen's lines, as GDB has them."""
    return gdb.parameter("height") or (_terminal()[1] if is_terminal() else NO_SCREEN_HEIGHT)


def rows_of_a_table() -> int:
    """How many rows a table may have for the heading above it and the verdict below it to be seen with it."""
    return max(height() - BESIDE_ROWS, FEWEST_ROWS)


def is_terminal() -> bool:
    """Whether GDB's standard output is a terminal: `sys.stdout` is GDB's own object and does not know."""
    try:
        return os.isatty(1)
    except OSError:
        return False


def _terminal() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(1)
        return size.columns or 80, size.lines or 25
    except OSError:
        return 80, 25


def uses_colour() -> bool:
    """Whether GDB would style its own text here."""
    try:
        styled = bool(gdb.parameter("style enabled"))
    except RuntimeError:
        styled = False
    return (
        styled
        and is_terminal()
        and os.environ.get("TERM", "dumb") != "dumb"
        and "NO_COLOR" not in os.environ
        and sys.platform != "win32"
    )
