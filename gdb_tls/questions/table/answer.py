"""What `tls-table` finds: several expressions in every thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gdb_tls.errors import BadArgument
from gdb_tls.program.columns import Column, Columns
from gdb_tls.program.expression_text import side_by_side, split, split_name
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.where import Where
from gdb_tls.questions.command import Request
from gdb_tls.questions.table.condition import Condition, WordOperand, parse
from gdb_tls.questions.table.macros import Macros
from gdb_tls.questions.table.rows import RowOf, Rows, sort_key, sorted_by
from gdb_tls.target.model import State, TargetInfo, Thread
from gdb_tls.target.progress import Progress
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import patterns

# Where a thread is costs the debugger its stack; a page of so many threads does without.
MOST_PLACES = 200


class Line(NamedTuple):
    """One line of the table: a thread, or several whose rows are equal.

    Attributes:
        members: their positions.
        names: the threads' names, as patterns where they are several; empty where they have none.
    """

    members: Sequence[int]
    names: str = ""

    @property
    def is_single(self) -> bool:
        """Whether it is of one thread."""
        return len(self.members) == 1


class Choice(NamedTuple):
    """What --where has chosen.

    Attributes:
        condition: as it was typed.
        unknown: the positions of threads for which it cannot be told, as they lack a value.
        interrupted: whether the user stopped it: then the threads after those that were looked at are not shown.
    """

    condition: str
    unknown: Sequence[int]
    interrupted: bool


class Answer(NamedTuple):
    """The table, and how much of it to show.

    Attributes:
        target: the program.
        columns: in the order in which they were asked for.
        threads: one for each row of the columns.
        rows: the positions of the threads that are shown, in their order.
        lines: those of a screen and of --group, in their order.
        most: how many lines a screen shows at most; None for all.
        grouped: whether --group was given.
        choice: what --where has chosen; None without.
        where: where a thread is, by its number; of those that are shown alone.
        marked: the threads that are remarkable.
        interrupted: whether the user stopped it: then the cells that are missing say so.
    """

    target: TargetInfo
    columns: Sequence[Column]
    threads: Sequence[Thread]
    rows: Sequence[int]
    lines: Sequence[Line]
    most: int | None
    grouped: bool
    choice: Choice | None
    where: Mapping[int | None, Where | None]
    marked: Marked
    interrupted: bool = False


def query(request: Request) -> Answer:
    """Reads every expression in every thread that is wanted, and chooses and orders the rows."""
    arguments = request.arguments
    macros = Macros()
    wanted = expressions(" ".join(arguments.expressions), macros)
    condition = None if arguments.where is None else parse(arguments.where, wanted)
    key = None if arguments.sort is None else sort_key(arguments.sort, wanted)
    program = request.program()
    with Columns(program, request.threads, request.progress) as reader:
        columns = []
        for name, expression in wanted:
            column = reader.read(name, macros.expanded(expression, reader.fits))
            columns.append(column._replace(expression=expression))
    rows = Rows(program, columns, reader.threads)
    choice = None
    shown: Sequence[int] = range(len(reader.threads))
    if condition is not None:
        shown, choice = _chosen(rows, arguments.where, condition, request.progress)
    marks = marked(program, reader.threads)
    most = request.max_rows
    members: Sequence[Sequence[int]]
    if arguments.group:
        members = alike(columns, shown)
    elif most is not None and len(shown) > most and key is None and arguments.format in ("table", "svg"):
        own = [shown[index] for index in marks.first([reader.threads[at] for at in shown])]
        left = set(own)
        others = for_a_screen(columns, [at for at in shown if at not in left], max(most - len(own), 1))
        members = [[at] for at in own] + others
    else:
        members = [[at] for at in shown]
    if key is not None:
        if key.operand == WordOperand("where"):
            rows.read_places([some[0] for some in members], request.progress)
        members = sorted_by(members, lambda some: rows.key(some[0], key), key.descending != arguments.reverse)
    elif arguments.reverse:
        members = members[::-1]
    lines = _finished(rows, members, request)
    return Answer(
        program.info,
        columns,
        rows.threads,
        [at for line in lines for at in line.members],
        lines,
        most if request.is_for_people and arguments.format != "html" else None,
        arguments.group,
        choice,
        rows.where,
        marks,
        interrupted=reader.interrupted or rows.interrupted,
    )


def _chosen(rows: Rows, text: str, condition: Condition, progress: Progress) -> tuple[list[int], Choice]:
    """The threads for which a condition holds.

    Stacks are read for those only for which the rest does not decide, and for all of these at once.
    """
    every = range(len(rows.threads))
    with progress.task("Choosing threads", len(every)) as task:
        held: dict[int, bool | None] = {}
        for at in every:
            held[at] = condition(RowOf(rows, at))
            task.advance()
    interrupted = task.interrupted
    if rows.wants_places and not interrupted:
        open_ones = [at for at, holds in held.items() if holds is None]
        rows.read_places(open_ones, progress)
        interrupted = rows.interrupted
        for at in open_ones:
            if rows.has_place(at):
                held[at] = condition(RowOf(rows, at))
            elif interrupted:
                del held[at]
    shown = [at for at, holds in held.items() if holds]
    return shown, Choice(text, [at for at, holds in held.items() if holds is None], interrupted)


def _finished(rows: Rows, members: Sequence[Sequence[int]], request: Request) -> list[Line]:
    """The lines, with the names of their threads, and where those are that are shown alone."""
    form = request.arguments.format
    most = request.max_rows if form in ("table", "svg") else None
    if form in ("table", "svg") or len(members) <= MOST_PLACES:
        rows.read_places([some[0] for some in members[:most] if len(some) == 1], request.progress)
    lines = []
    for number, some in enumerate(members):
        if most is not None and number >= most:
            lines.append(Line(some))
        elif len(some) == 1:
            lines.append(Line(some, rows.named(some[0]).name))
        else:
            lines.append(Line(some, patterns(name for at in some if (name := rows.named(at).name))))
    return lines


def expressions(text: str, macros: Macros) -> list[tuple[str, str]]:
    """The columns that a text asks for: what heads each, and its expression; `@NAME` is all columns of a file.

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
        if beside := side_by_side(expression):
            raise BadArgument(
                f"There is nothing between {beside[0]} and {beside[1]}",
                f"Columns are separated by commas: {', '.join(beside)}.",
            )
        columns = macros.columns(expression)
        if columns is not None and name:
            raise BadArgument(f"{expression} is several columns, so they cannot be called {name}", "")
        found += columns or [(name or macros.name_of(expression) or " ".join(expression.split()), expression)]
    twice = [name for name, number in Counter(name for name, _ in found).items() if number > 1]
    if twice:
        raise BadArgument(f"Two columns are called {twice[0]}", "Give one another name: EXPRESSION as NAME.")
    return found


def alike(columns: Sequence[Column], rows: Sequence[int], merged: Sequence[int] = ()) -> list[list[int]]:
    """The positions of threads whose rows are equal, the fewest first; of the same size, the first ones first.

    Args:
        columns: all.
        rows: the positions that are wanted.
        merged: the columns of which values need not be equal, only what is said of them.
    """
    found: dict[tuple[object, ...], list[int]] = {}
    for at in rows:
        key = tuple(
            (one.instances.judgements[at], None if index in merged else one.instances.contents[at])
            for index, one in enumerate(columns)
        )
        found.setdefault(key, []).append(at)
    return sorted(found.values(), key=lambda members: (len(members), members))


def for_a_screen(columns: Sequence[Column], rows: Sequence[int], most: int) -> list[list[int]]:
    """Groups of which there are not more than fit: of the columns with the most values, these need not be equal."""
    values = [len({column.instances.contents[at] for at in rows}) for column in columns]
    order = sorted(range(len(columns)), key=lambda index: -values[index])
    for count in range(len(columns) + 1):
        groups = alike(columns, rows, order[:count])
        if len(groups) <= most:
            break
    return groups


def is_flagged(answer: Answer, at: int) -> bool:
    """Whether a thread has one of the variables null, as tls-inspect flags it.

    Of any other expression, and of a macro's, null may be as good a value as another.
    """
    asked = (one for one in answer.columns if one.is_variable and one.evaluated == one.expression)
    return any(one.instances.judgements[at].state is State.NULL for one in asked)


def flagged(answer: Answer) -> bool:
    """Whether a thread that is shown is."""
    return any(is_flagged(answer, at) for at in answer.rows)


def unanswered(answer: Answer) -> bool:
    """Whether no expression has a value in any thread, as nothing could be found or evaluated."""
    counts = [column.instances.summary for column in answer.columns]
    lost = (State.UNRESOLVED.value, State.UNREADABLE.value)
    return all(one["threads"] == sum(one[state] for state in lost) for one in counts)
