"""What `tls-table` finds: several expressions in every thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument
from gdb_tls.program.columns import Column, Columns
from gdb_tls.program.expression_text import split, split_name
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.where import Where
from gdb_tls.questions.command import Request
from gdb_tls.target.model import State, TargetInfo, Thread


class Line(NamedTuple):
    """One line of the table: a thread, or several whose rows are equal.

    Attributes:
        members: their positions.
    """

    members: Sequence[int]


class Answer(NamedTuple):
    """The table, and how much of it to show.

    Attributes:
        target: the program.
        columns: in the order in which they were asked for.
        threads: one for each row.
        rows: the positions of the threads that are shown, in their order.
        lines: what a screen shows of them.
        where: where a thread is, by its number; of those that are shown.
        marked: the threads that are remarkable.
        is_part: whether the program has threads that were not asked for.
        interrupted: whether the user stopped it: then the cells that are missing say so.
    """

    target: TargetInfo
    columns: Sequence[Column]
    threads: Sequence[Thread]
    rows: Sequence[int]
    lines: Sequence[Line]
    where: Mapping[int | None, Where | None]
    marked: Marked
    is_part: bool = False
    interrupted: bool = False


def query(request: Request) -> Answer:
    """Reads every expression in every thread that is wanted."""
    wanted = expressions(" ".join(request.arguments.expressions))
    program = request.program()
    with Columns(program, request.threads, request.progress) as reader:
        columns = [reader.read(name, expression) for name, expression in wanted]
    threads = reader.threads
    rows = list(range(len(threads)))
    marks = marked(program, threads)
    lines = _lines(columns, threads, rows, request.max_rows, marks) if request.is_for_people else []
    needed = {at for line in lines if len(line.members) == 1 for at in line.members}
    where = {threads[at].num: program.where(threads[at]) for at in needed if threads[at].num is not None}
    everyone = not request.is_for_people or request.arguments.format == "html" or len(threads) <= len(lines)
    threads = [program.named(thread) if everyone or at in needed else thread for at, thread in enumerate(threads)]
    return Answer(
        program.info,
        columns,
        threads,
        rows,
        lines,
        where,
        marks,
        is_part=len(threads) < len(program.unnamed_threads),
        interrupted=reader.interrupted,
    )


def expressions(text: str) -> list[tuple[str, str]]:
    """The columns that a text asks for: what heads each, and its expression.

    Raises:
        BadArgument: where one is empty, or two have one name.
    """
    found = []
    for part in split(text):
        expression, name = split_name(part)
        if not expression:
            raise BadArgument(
                "An expression between two commas is empty" if text.strip(" ,") else "No expression is given",
                "Write them like request, request->id as id.",
            )
        found.append((name or " ".join(expression.split()), expression))
    twice = [name for name, number in Counter(name for name, _ in found).items() if number > 1]
    if twice:
        raise BadArgument(f"Two columns are called {twice[0]}", "Give one another name: EXPRESSION as NAME.")
    return found


def _lines(
    columns: Sequence[Column], threads: Sequence[Thread], rows: Sequence[int], most: int | None, marks: Marked
) -> list[Line]:
    """One line a thread; where that is more than `most`, one for all whose rows are equal, but the marked."""
    if most is None or len(rows) <= most:
        return [Line([at]) for at in rows]
    own = [rows[index] for index in marks.first([threads[at] for at in rows])]
    left = set(own)
    groups = alike(columns, [at for at in rows if at not in left])
    return [*(Line([at]) for at in own), *(Line(members) for members in groups)]


def alike(columns: Sequence[Column], rows: Sequence[int]) -> list[list[int]]:
    """The positions of threads whose rows are equal, the fewest first; of the same size, the first ones first."""
    found: dict[tuple[object, ...], list[int]] = {}
    for at in rows:
        key = tuple((one.instances.judgements[at], one.instances.contents[at]) for one in columns)
        found.setdefault(key, []).append(at)
    return sorted(found.values(), key=lambda members: (len(members), members))


def unanswered(answer: Answer) -> bool:
    """Whether no expression has a value in any thread, as nothing could be found or evaluated."""
    counts = [column.instances.summary for column in answer.columns]
    return all(one["threads"] == one[State.UNRESOLVED.value] for one in counts)
