"""What `tls-map` finds."""

from __future__ import annotations

from dataclasses import replace

from gdb_tls.program.grid import Grid, survey_grid
from gdb_tls.program.texts import with_texts
from gdb_tls.questions.command import Request
from gdb_tls.tuples import NamedTuple


class Answer(NamedTuple):
    """The picture, and how to show it.

    Attributes:
        grid: all of it.
        all: whether every thread has a column of its own, whatever the screen's width, and every variable a row.
        is_blind: whether of no variable it is known in any thread what it is, or that it is not there yet.
        folds: whether a table leaves out what is in every program.
    """

    grid: Grid
    all: bool
    folds: bool = False
    is_blind: bool = False


def query(request: Request) -> Answer:
    """Finds the state of every variable in every thread; a file gets their bytes, too."""
    arguments = request.arguments
    program = request.program()
    with_values = arguments.format not in ("table", "svg")
    found = survey_grid(
        program, arguments.module, request.chosen(program), with_values, request.progress, copies=arguments.copies
    )
    is_blind = not any(row.is_known_anywhere for row in found.rows)
    if arguments.differing:
        found = replace(found, rows=[row for row in found.rows if len(set(row.states)) > 1])
    # Who names a module wants to see it.
    folds = not (arguments.all or arguments.module or arguments.differing)
    return Answer(with_texts(found) if arguments.format == "json" else found, arguments.all, folds, is_blind)


def unanswered(answer: Answer) -> bool:
    """Whether there is no variable, or of none anything is known."""
    return answer.is_blind
