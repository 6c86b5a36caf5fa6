"""What `tls-inspect` finds: one variable in every thread, or several, of one inferior or of each."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Union

from gdb_tls.errors import TlsError
from gdb_tls.program import report
from gdb_tls.program.instances import Instances
from gdb_tls.program.program import Program
from gdb_tls.program.report import Report
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Instance, Thread
from gdb_tls.target.protocol import Frame

# Tables under each other; who wants more variables than fit on a few screens wants tls-map.
MOST_VARIABLES = 20


class Row(NamedTuple):
    """One line: an instance, or several that are alike.

    Attributes:
        instance: the only one, or the first.
        threads: of all of them.
        values: how many different values they have.
    """

    instance: Instance
    threads: Sequence[Thread]
    values: int = 1

    @property
    def is_single(self) -> bool:
        """Whether the line is of one thread."""
        return len(self.threads) == 1


class OneAnswer(NamedTuple):
    """What `tls-inspect` found in one program, and how much of it to show.

    Attributes:
        report: all of it.
        rows: the lines of the table.
        where: the frame to show for a thread, by its number.
    """

    report: Report
    rows: Sequence[Row]
    where: Mapping[int | None, Frame | None]


class Named(NamedTuple):
    """What was found of one of several variables.

    Attributes:
        name: the variable's.
        answer: None where there is none.
        reason: the sentence that says why; empty where there is an answer.
    """

    name: str
    answer: OneAnswer | None
    reason: str


class Several(NamedTuple):
    """What was found of the variables that a pattern matches.

    Attributes:
        pattern: it.
        matched: how many it matches.
        parts: the first of them, by place.
    """

    pattern: str
    matched: int
    parts: Sequence[Named]


class Part(NamedTuple):
    """What was found in one inferior.

    Attributes:
        inferior: GDB's number of it.
        pid: its process id; None where it has no process.
        answer: None where there is none.
        reason: the sentence that says why; empty where there is an answer.
    """

    inferior: int
    pid: int | None
    answer: OneAnswer | Several | None
    reason: str

    @property
    def title(self) -> str:
        """The heading."""
        return f"Inferior {self.inferior}" + (f" (process {self.pid})" if self.pid else "")


class Parts(NamedTuple):
    """What was found in all inferiors, in the order of their numbers."""

    parts: Sequence[Part]


Answer = Union[OneAnswer, Several, Parts]


def query(request: Request) -> Answer:
    """Inspects the variable, in the selected inferior or in each."""
    if not request.arguments.all_inferiors:
        return _inspect(request, request.program())
    parts = []
    with contextlib.closing(request.inferiors()) as numbers:  # an interrupt, too, puts the selection back at once
        for number, pid in numbers:
            try:
                parts.append(Part(number, pid, _inspect(request, request.program()), ""))
            except TlsError as error:
                parts.append(Part(number, pid, None, str(error)))
    return Parts(parts)


def _inspect(request: Request, program: Program) -> OneAnswer | Several:
    """Inspects it in one program, or all that a pattern matches."""
    arguments = request.arguments
    name = " ".join(arguments.name)
    via = arguments.via or request.settings.via
    every = arguments.format in ("json", "csv", "html")
    prefix, matching = report.matching(program, name, arguments.module)
    if len(matching) < 2:
        found = report.inspect(program, name, via, request.threads, arguments.module, arguments.type, with_names=every)
        return _shown(request, program, found, {})
    parts = []
    where: dict[int | None, Frame | None] = {}
    most = None if arguments.all or not request.is_for_people else MOST_VARIABLES
    for one in matching[:most]:
        try:
            found = report.inspect_found(program, one, prefix, via, request.threads, arguments.type, with_names=every)
            parts.append(Named(one.variable.name, _shown(request, program, found, where), ""))
        except TlsError as error:  # one bad variable is one bad row
            parts.append(Named(one.variable.name, None, str(error)))
    return Several(name, len(matching), parts)


def _shown(request: Request, program: Program, found: Report, where: dict[int | None, Frame | None]) -> OneAnswer:
    """What is to be shown of a report; for a screen it also reads the stacks of the rows that are shown, once."""
    if request.arguments.format in ("json", "csv", "html"):
        # The views read nothing: what they show of each thread is read here.
        found = found._replace(instances=Instances.of(found.instances))
    if not request.is_for_people:
        return OneAnswer(found, (), {})
    lines = [_named(program, row) for row in rows(found, request.max_rows)]
    shown = [row.instance.thread for row in lines if row.is_single and row.instance.thread.num is not None]
    where.update((thread.num, program.where(thread)) for thread in shown if thread.num not in where)
    return OneAnswer(found, lines, where)


def _named(program: Program, row: Row) -> Row:
    """A line of one thread with that thread's name."""
    if not row.is_single:
        return row
    return row._replace(instance=row.instance._replace(thread=program.named(row.instance.thread)))


def rows(report: Report, most: int | None) -> list[Row]:
    """One line a thread; where that is more than `most`, one for all in the same state.

    The selected thread keeps a line of its own.
    """
    found = report.instances
    if most is None or len(found) <= most:
        return [Row(instance, (instance.thread,)) for instance in found]
    selected = report.selected
    own = [at for at, thread in enumerate(found.threads) if thread.num == selected] if selected is not None else []
    parts = [own, *([at for at in group.members if at not in own] for group in found.groups)]
    return [
        Row(found[members[0]], [found.threads[at] for at in members], len({found.contents[at] for at in members}))
        for members in sorted(parts)
        if members
    ]


def unanswered(answer: Answer) -> bool:
    """Whether no address was found in any thread of any inferior."""
    if isinstance(answer, (Parts, Several)):
        return all(part.answer is None or unanswered(part.answer) for part in answer.parts)
    counts = answer.report.instances.summary
    return counts["threads"] == counts["unresolved"]


def flagged(answer: Answer) -> bool:
    """Whether a thread, of any inferior, has it null, dangling or shared."""
    if isinstance(answer, (Parts, Several)):
        return any(part.answer is not None and flagged(part.answer) for part in answer.parts)
    counts = answer.report.instances.summary
    return any(counts[name] for name in ("null", "dangling", "shared"))
