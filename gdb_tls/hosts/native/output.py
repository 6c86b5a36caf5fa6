"""An answer in the format that is wanted, for a screen or a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from gdb_tls.errors import OutputError
from gdb_tls.hosts.native.origin import name_of, origin_of
from gdb_tls.questions.rooms import Rooms
from gdb_tls.target.protocol import Target
from gdb_tls.views.screen import Screen

# For a pipe or a file nothing is cut: wider than any table.
UNLIMITED = 10_000
# Characters that go out at once; less costs calls, more costs memory.
PIECE = 1 << 16


def is_ascii() -> bool:
    """Whether the locale of this process is one of plain ASCII, as POSIX finds it (Base Definitions, 8.2).

    Python takes C and POSIX for UTF-8 (PEP 538, PEP 540): what it believes says nothing.
    """
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next((name for name in named if name), "") in ("C", "POSIX")


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


def large(pieces: Iterable[str]) -> Iterator[str]:
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
