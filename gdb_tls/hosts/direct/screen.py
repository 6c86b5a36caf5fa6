"""The terminal, or what stands in its place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from gdb_tls.hosts.native.output import UNLIMITED, is_ascii, large
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

# The heading, the verdict and the prompt; and what a table has however low the screen is.
BESIDE_ROWS, FEWEST_ROWS = 10, 12
NO_SCREEN_HEIGHT = 100


def write(pieces: Iterable[str]) -> None:
    """Writes to standard output."""
    for text in large(pieces):
        try:
            sys.stdout.write(text)
        except UnicodeError:
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode())
    sys.stdout.flush()


def warn(text: str) -> None:
    """Writes a line to standard error at once."""
    print(safe(text), file=sys.stderr, flush=True)


def screen() -> Screen:
    """The screen's width, and whether colours are seen on it."""
    return Screen(_size()[0], _uses_colour(), is_ascii())


def rows_of_a_table() -> int:
    """How many rows a table may have for the heading above it and the verdict below it to be seen with it."""
    return max(_size()[1] - BESIDE_ROWS, FEWEST_ROWS)


def _size() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(1)
        return found.columns or 80, found.lines or 25
    except OSError:
        return UNLIMITED, NO_SCREEN_HEIGHT


def _uses_colour() -> bool:
    return os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ
