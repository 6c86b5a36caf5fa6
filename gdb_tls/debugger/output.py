"""Writing to GDB's screen, or to a file."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import gdb

from gdb_tls.commands import Output
from gdb_tls.debugger.selection import setting
from gdb_tls.errors import OutputError
from gdb_tls.render.text import safe

# For a pipe or a file nothing is cut: wider than any table.
UNLIMITED = 10_000
NO_SCREEN_HEIGHT = 50


class GdbOutput(Output):
    """GDB's screen, in its width and, where GDB styles its own text, in colour."""

    def __init__(self) -> None:
        """Looks at GDB's settings."""
        self.colour = uses_colour()

    def show(self, renderable: Any) -> None:
        """Prints a rich renderable."""
        self.write(rendered(renderable, width(), self.colour))

    def write(self, text: str) -> None:
        """Writes text; GDB's pager does not ask in the middle of it."""
        with setting("pagination", "off"):
            try:
                gdb.write(text)
            except UnicodeError:
                gdb.write(text.encode("ascii", "backslashreplace").decode())

    def warn(self, text: str) -> None:
        """Writes to GDB's error stream at once."""
        gdb.write(safe(text) + "\n", gdb.STDERR)
        gdb.flush(gdb.STDERR)


class FileOutput(GdbOutput):
    """A file, written whole or not at all; warnings still go to the screen."""

    def __init__(self, path: str) -> None:
        """Remembers the file; nothing is written before `save`."""
        self._path = os.path.expanduser(path)
        self._text = ""

    def show(self, renderable: Any) -> None:
        """Keeps a rich renderable as plain text."""
        self._text += rendered(renderable, UNLIMITED, False)

    def write(self, text: str) -> None:
        """Keeps text."""
        self._text += text

    def save(self) -> None:
        """Writes the file.

        Raises:
            OutputError: where it cannot be written.
        """
        try:
            with open(self._path, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(self._text)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written ({error.strerror})", "Choose another file with --output.") from error


def rendered(renderable: Any, columns: int, colour: bool) -> str:
    """What rich makes of a renderable; without colour no line ends in blanks."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text,
        width=columns,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    console.print(renderable, soft_wrap=False)
    if colour:
        return text.getvalue()
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def width() -> int:
    """The screen's columns, as GDB has them."""
    return gdb.parameter("width") or (_terminal()[0] if is_terminal() else UNLIMITED)


def height() -> int:
    """The screen's lines, as GDB has them."""
    return gdb.parameter("height") or (_terminal()[1] if is_terminal() else NO_SCREEN_HEIGHT)


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
    return styled and is_terminal() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ and sys.platform != "win32"
