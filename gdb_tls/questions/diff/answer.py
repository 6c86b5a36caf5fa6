"""What `tls-diff` finds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gdb_tls.errors import BadArgument
from gdb_tls.program.grid import survey_grid
from gdb_tls.program.program import Program
from gdb_tls.program.survey import LONGEST_KEPT
from gdb_tls.program.texts import with_texts
from gdb_tls.questions.command import Request
from gdb_tls.questions.diff import difference
from gdb_tls.questions.diff.difference import Difference
from gdb_tls.questions.map import answer as map_answer
from gdb_tls.questions.map import document as map_document
from gdb_tls.target.model import TargetInfo
from gdb_tls.tuples import NamedTuple


class Answer(NamedTuple):
    """What differs, and how much of it to show.

    Attributes:
        target: the program.
        labels: what the left and the right side are.
        differences: the weightiest first.
        same_process: for two moments, whether they are of one process; None for two threads.
        variables: how many variables there are.
        compared: how many of them are known on both sides.
        unmatched: for two moments, how many threads only one of them has.
        all: whether what is expected to differ is shown, too, and what is the C library's.
        marks: what is remarkable about the left and the right thread.
    """

    target: TargetInfo
    labels: tuple[str, str]
    differences: Sequence[Difference]
    same_process: bool | None
    variables: int
    all: bool
    marks: tuple[str, str] = ("", "")
    compared: int = 0
    unmatched: int = 0


# Of a variable in two threads.
LONGEST_COMPARED = 1 << 16


def query(request: Request) -> Answer:
    """Makes the pictures of both sides and compares them."""
    arguments = request.arguments
    numbers = [_number(word) for word in arguments.threads]
    if bool(arguments.against) + bool(arguments.core) > 1:
        raise BadArgument("tls-diff takes --against or --core, not both")
    other = arguments.against or arguments.core
    if not other and len(numbers) != 2:
        raise BadArgument(
            "tls-diff takes the numbers of two threads, or another moment",
            "Like: tls-diff 1 2, or tls-diff --core FILE.",
        )
    program = request.program()
    # Two threads are compared in full; of a moment the file has as much as tls-map keeps.
    chosen = None if other else [thread for thread in program.threads if thread.num in numbers]
    grid = survey_grid(
        program, arguments.module, chosen, True, request.progress, LONGEST_KEPT if other else LONGEST_COMPARED
    )
    now = map_document.document(map_answer.Answer(with_texts(grid), False))
    if not other:
        left, right = (difference.position(now, number, "this program") for number in numbers)
        labels = f"thread {numbers[0]}", f"thread {numbers[1]}"
        marks = tuple(", ".join(grid.marked.names_of(number)) for number in numbers)
        found = difference.between_threads(now, left, right)
        compared = difference.compared(now, now, [(left, right)])
        return Answer(grid.target, labels, found, None, len(grid.rows), arguments.all, (marks[0], marks[1]), compared)
    then = difference.read_document(_then(program, arguments.against, arguments.core, arguments.module), other)
    if arguments.module:
        then = difference.only_files(then, {module.name for module in grid.modules})
    for number in numbers:
        difference.position(now, number, "this program")
    found = difference.between_moments(then, now, numbers or None)
    same = difference.is_same_process(then, now)
    before = difference.matches(then, now)
    wanted = {there: here for here, there in before.items() if not numbers or now["threads"][here]["num"] in numbers}
    compared = difference.compared(then, now, wanted.items())
    unmatched = 0 if numbers else len(then["threads"]) + len(now["threads"]) - 2 * len(before)
    variables = len(grid.rows)
    return Answer(grid.target, (other, "now"), found, same, variables, arguments.all, ("", ""), compared, unmatched)


def unanswered(answer: Answer) -> bool:
    """Whether nothing could be compared."""
    return not answer.compared and not answer.differences


def _then(program: Program, against: str | None, core: str | None, pattern: str | None) -> Any:
    if core:
        return program.target.map_of_core(core, pattern)
    import json

    try:
        with open(os.path.expanduser(against or ""), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise BadArgument(
            f"{against} cannot be read ({error})", "Write one with: tls-map --format json --output FILE"
        ) from error


def _number(word: str) -> int:
    if not word.isdigit():
        raise BadArgument(f"{word} is no thread number", "Use the numbers of `info threads`.")
    return int(word)
