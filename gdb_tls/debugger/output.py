"""Writing to GDB's screen, or to a file."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import gdb

from gdb_tls.commands import CommandSpec, Screen
from gdb_tls.debugger.selection import setting
from gdb_tls.errors import OutputError
from gdb_tls.render import csv, json
from gdb_tls.render.text import safe

# For a pipe or a file nothing is cut: wider than any table.
UNLIMITED = 10_000
NO_SCREEN_HEIGHT = 50


def written(spec: CommandSpec, answer: Any, form: str, screen: Screen, title: str) -> str:
    """An answer in one of the formats; the title is the command line."""
    if form == "json":
        return json.render(spec.document(answer))
    if form == "csv":
        return csv.render(spec.records(answer))
    if form == "html":
        from gdb_tls.render import html, pages

        document = spec.document(answer)
        return html.render(spec.page(answer) if spec.page else pages.page_for(document), title, document.get("target"))
    if form == "svg":
        from gdb_tls.render import svg

        return svg.render(lambda screen: spec.table(answer, screen), title)
    return rendered(spec.table(answer, screen), screen)


def rendered(renderable: Any, screen: Screen) -> str:
    """What rich makes of a renderable; without colour no line ends in blanks."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text,
        width=screen.columns,
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    console.print(renderable, soft_wrap=False)
    if screen.colour:
        return text.getvalue()
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def write(text: str) -> None:
    """Writes to GDB's screen; its pager does not ask in the middle of it."""
    with setting("pagination", "off"):
        try:
            gdb.write(text)
        except UnicodeError:
            gdb.write(text.encode("ascii", "backslashreplace").decode())


def warn(text: str) -> None:
    """Writes to GDB's error stream at once, whatever the format."""
    gdb.write(safe(text) + "\n", gdb.STDERR)
    gdb.flush(gdb.STDERR)


def save(path: str, text: str) -> None:
    """Writes a file.

    Raises:
        OutputError: where it cannot be written.
    """
    try:
        with open(os.path.expanduser(path), "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
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
