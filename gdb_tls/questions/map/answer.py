"""What `tls-map` finds."""

from __future__ import annotations

from typing import NamedTuple

from gdb_tls.program.grid import Grid, survey_grid
from gdb_tls.program.texts import with_texts
from gdb_tls.questions.command import Request


class Answer(NamedTuple):
    """The picture, and how to show it.

    Attributes:
        grid: all of it.
        all: whether every thread has a column of its own, whatever the screen's width.
    """

    grid: Grid
    all: bool


def query(request: Request) -> Answer:
    """Finds the state of every variable in every thread; a file gets their bytes, too."""
    arguments = request.arguments
    program = request.program()
    with_values = arguments.format not in ("table", "svg")
    found = survey_grid(program, arguments.module, request.chosen(program), with_values, request.progress)
    return Answer(with_texts(found) if arguments.format == "json" else found, arguments.all)
