"""`tls-diff`: two threads, or two moments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gdb_tls.errors import BadArgument
from gdb_tls.questions import options
from gdb_tls.questions.command import Action, CommandSpec, Option, Request

if TYPE_CHECKING:
    from gdb_tls.program.program import Program
    from gdb_tls.questions.diff import table as views

# Of a variable in two threads.
LONGEST_COMPARED = 1 << 16


def query(request: Request) -> views.Answer:
    """Makes the pictures of both sides and compares them."""
    from gdb_tls.program.grid import survey_grid
    from gdb_tls.program.survey import LONGEST_KEPT
    from gdb_tls.questions.diff import difference
    from gdb_tls.questions.diff import table as views
    from gdb_tls.questions.map import table as map_views

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
    now = map_views.document(map_views.Answer(grid, False))
    if not other:
        left, right = (difference.position(now, number, "this program") for number in numbers)
        labels = f"thread {numbers[0]}", f"thread {numbers[1]}"
        found = difference.between_threads(now, left, right)
        return views.Answer(grid.target, labels, found, None, len(grid.rows), arguments.all)
    then = difference.read_document(_then(program, arguments.against, arguments.core, arguments.module), other)
    if arguments.module:
        then = difference.only_files(then, {module.name for module in grid.modules})
    for number in numbers:
        difference.position(now, number, "this program")
    found = difference.between_moments(then, now, numbers or None)
    same = difference.is_same_process(then, now)
    return views.Answer(grid.target, (other, "now"), found, same, len(grid.rows), arguments.all)


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


def _action() -> Action:
    from gdb_tls.questions.diff import table as views

    return Action(query, views.table, views.document, views.records)


SPEC = CommandSpec(
    name="tls-diff",
    summary="Show the thread-local variables in which two threads or moments differ.",
    description="""
With two thread numbers: the variables of which the two threads have another state or another value. Where both have
a pointer set, to an object of their own each, only --all shows it.

With --core FILE (another core dump of the program) or --against FILE (what tls-map --format json wrote): what changed
from there to now, in all threads that are in both or in those whose numbers are given. Pointers of another run of the
program differ anyway, so for them only a change of state is shown.
""",
    options=(
        Option("threads", "GDB's numbers of two threads", {"nargs": "*", "metavar": "THREAD"}, complete="threads"),
        Option("--core", "Compare with the core dump FILE", {"metavar": "FILE"}, complete="files"),
        Option("--against", "Compare with the JSON that tls-map wrote to FILE", {"metavar": "FILE"}, complete="files"),
        Option("--all", "Also show pointers that are set in both threads", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
    ),
    examples=(
        ("tls-diff 1 4", "Shows what thread 4 has otherwise than thread 1"),
        ("tls-diff --against before.json", "Shows what changed since tls-map --format json --output before.json"),
        ("tls-diff 2 --core yesterday.core", "Shows what thread 2 had otherwise in another core"),
    ),
    load=_action,
)
