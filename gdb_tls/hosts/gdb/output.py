"""Writing to GDB's screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import gdb

from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.hosts.native.output import UNLIMITED, is_ascii, large
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

NO_SCREEN_HEIGHT = 100
# The heading, the verdict and the prompt; and what a table has however low the screen is.
BESIDE_ROWS = 10
FEWEST_ROWS = 12


def write(pieces: Iterable[str]) -> None:
    """Writes to GDB's screen; its pager does not ask in the middle of it."""
    with setting("pagination", "off"):
        for text in large(pieces):
            try:
                gdb.write(text)
            except UnicodeError:
                gdb.write(text.encode("ascii", "backslashreplace").decode())


def warn(text: str) -> None:
    """Writes to GDB's error stream at once, whatever the format."""
    gdb.write(safe(text) + "\n", gdb.STDERR)
    gdb.flush(gdb.STDERR)


def screen() -> Screen:
    """GDB's screen: its width and, where GDB styles its own text, colour."""
    return Screen(width(), uses_colour(), is_ascii())


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
