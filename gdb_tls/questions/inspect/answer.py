"""What `tls-inspect` finds: one variable in every thread, or several, of one inferior or of each."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Union

from gdb_tls.errors import TlsError, reason
from gdb_tls.program import report
from gdb_tls.program.instances import Instances
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.names import is_glob
from gdb_tls.program.program import Program
from gdb_tls.program.report import Report
from gdb_tls.program.starts import pools
from gdb_tls.program.value import untyped
from gdb_tls.program.where import Where
from gdb_tls.questions.audit.one import Judgement, judge
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Instance, Kind, State, Thread
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import patterns, spread

# Tables under each other; who wants more variables than fit on a few screens wants tls-map.
MOST_VARIABLES = 20
# In a group of more than so many threads, names are tried first: where they are the usual one, none is shown.
MOST_NAMED, NAMES_TRIED = 1_000, 200
# More groups than this differ in the reasons only.
MOST_GROUPS = 8
# Of groups those come first that one looks for.
ORDER = (
    *(State.NULL, State.DESTROYED, State.UNRESOLVED, State.UNREADABLE, State.NOT_CONSTRUCTED, State.UNALLOCATED),
    *(State.NO_VALUE, State.SET),
)


class Row(NamedTuple):
    """One line: an instance, or several that are alike.

    Attributes:
        instance: the only one, or the first.
        threads: of all of them.
        values: how many different values they have.
        reasons: how many different reasons they have for having none.
        spread: of numbers that differ, the lowest, the highest and the commonest; empty for all others.
        names: the names of the threads as patterns; empty where they have none.
        pools: without names, the program's own functions that the threads were started with.
    """

    instance: Instance
    threads: Sequence[Thread]
    values: int = 1
    reasons: int = 1
    spread: str = ""
    names: str = ""
    pools: str = ""

    @property
    def is_single(self) -> bool:
        """Whether the line is of one thread."""
        return len(self.threads) == 1


class OneAnswer(NamedTuple):
    """What `tls-inspect` found in one program, and how much of it to show.

    Attributes:
        report: all of it.
        rows: the lines of the table.
        where: where a thread is, by its number.
        marked: the threads that are shown first.
        judgement: what the rules of the audit say of it; None where they do not apply.
    """

    report: Report
    rows: Sequence[Row]
    where: Mapping[int | None, Where | None]
    marked: Marked = Marked()
    judgement: Judgement | None = None


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
        with_copies: whether they are one variable and its other definitions, which no code uses.
    """

    pattern: str
    matched: int
    parts: Sequence[Named]
    with_copies: bool = False


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
    of_one = arguments.copies and not is_glob(name)
    prefix, matching = (report.with_copies if of_one else report.matching)(program, name, arguments.module)
    if len(matching) < 2:
        found = report.inspect(program, name, via, request.threads, arguments.module, arguments.type, with_names=every)
        return _shown(request, program, found, {}, marked(program, found.instances.threads))
    marks = marked(program, program.unnamed_threads)
    parts = []
    where: dict[int | None, Where | None] = {}
    most = None if arguments.all or not request.is_for_people else MOST_VARIABLES
    for one in matching[:most]:
        try:
            found = report.inspect_found(program, one, prefix, via, request.threads, arguments.type, with_names=every)
            parts.append(Named(one.variable.name, _shown(request, program, found, where, marks), ""))
        except TlsError as error:  # one bad variable is one bad row
            parts.append(Named(one.variable.name, None, str(error)))
    return Several(name, len(matching), parts, of_one)


def _shown(
    request: Request, program: Program, found: Report, where: dict[int | None, Where | None], marks: Marked
) -> OneAnswer:
    """What is to be shown of a report; for a screen it also reads the stacks of the rows that are shown, once."""
    counts = found.instances.summary
    # Which pointers are meant to be shared, or are marks, decides whether something looks wrong, in every format.
    asks = request.is_for_people or counts["shared"] or counts["dangling"]
    judgement = _judged(program, found) if asks else None
    if request.arguments.format in ("json", "csv", "html"):
        # The views read nothing: what they show of each thread is read here.
        found = found._replace(instances=Instances.of(found.instances))
    if not request.is_for_people:
        return OneAnswer(found, (), {}, marks, judgement)
    main = [thread for thread in found.instances.threads if thread.num is not None and thread.num == marks.main]
    usual = program.named(main[0]).name if main else ""
    lines = [_named(program, row, usual) for row in rows(found, request.max_rows, marks)]
    shown = [row.instance.thread for row in lines if row.is_single and row.instance.thread.num is not None]
    wanted = [thread for thread in shown if thread.num not in where]
    with request.progress.task("Reading stacks", len(wanted)) as task:
        for thread, place in zip(wanted, program.places(wanted)):
            where[thread.num] = place
            task.advance()
    return OneAnswer(found, lines, where, marks, judgement)


def _judged(program: Program, found: Report) -> Judgement | None:
    if found.path or found.prefix or found.variable.module.emulated:
        return None
    variable, size = found.variable, program.target.architecture.pointer_size
    try:
        kind = found.type or untyped(variable.size, size, variable.linkage_name)[0]
        return judge(program, variable, kind, found.instances)
    except Exception as error:  # what was read is an answer without it
        reason(error)
        return None


def _named(program: Program, row: Row, usual: str) -> Row:
    """A line with the name of its thread, or those of its threads as patterns.

    Args:
        program: the program.
        row: the line.
        usual: the main thread's name, which the others have from it unless they were given one.
    """
    if row.is_single:
        return row._replace(instance=row.instance._replace(thread=program.named(row.instance.thread)))
    threads = row.threads
    if len(threads) > MOST_NAMED:
        from random import Random

        # Each name costs a system call.  Pools are often started in turn: every sixth thread may be of one of six.
        tried = {program.named(thread).name for thread in Random(0).sample(threads, NAMES_TRIED)}
        threads = () if tried <= {"", usual} else threads
    names = [name for thread in threads if (name := program.named(thread).name)]
    # One name for all, as a thread has it from the one that made it, tells none from another.
    started = pools(program, row.threads) if len(set(names)) < 2 else ""
    return row._replace(names=patterns(names), pools=started)


def rows(report: Report, most: int | None, marks: Marked | None = None) -> list[Row]:
    """One line a thread; where that is more than `most`, one for all in the same state.

    The threads that crashed, are selected and are main keep lines of their own, first; then come the null ones.
    """
    found = report.instances
    if most is None or len(found) <= most:
        return [Row(instance, (instance.thread,)) for instance in found]
    own = (marks or Marked(selected=report.selected)).first(found.threads)
    left = set(own)
    groups = [[at for at in members if at not in left] for members in _alike(found)]
    groups.sort(key=lambda members: (ORDER.index(found.judgements[members[0]].state) if members else 0, members))
    return [_row(report, members) for members in [*([at] for at in own), *groups] if members]


def _alike(found: Instances) -> list[list[int]]:
    """The positions of those of which the same is said; where the reasons are many, whatever they are."""
    if len(found.groups) <= MOST_GROUPS:
        return [list(group.members) for group in found.groups]
    merged: dict[object, list[int]] = {}
    for (state, flags, _), members in found.groups:
        merged.setdefault((state, flags), []).extend(members)
    return [sorted(members) for members in merged.values()]


def _row(report: Report, members: Sequence[int]) -> Row:
    found = report.instances
    contents = Counter(found.contents[at] for at in members)
    reasons = len({found.judgements[at].reason for at in members})
    summed = ""
    if len(contents) > 1 and report.type is not None and report.type.kind in (Kind.INTEGER, Kind.FLOAT):
        one_each = {found.contents[at]: at for at in reversed(members)}
        numbers: Counter[float] = Counter()
        for content, number in contents.items():
            value = found[one_each[content]].value
            if value is not None:
                numbers[value] += number
        summed = spread(numbers) if numbers else ""
    threads = [found.threads[at] for at in members]
    return Row(found[members[0]], threads, len(contents), reasons, summed)


def unanswered(answer: Answer) -> bool:
    """Whether no address was found in any thread of any inferior, or all that is there is not in the core."""
    if isinstance(answer, (Parts, Several)):
        return all(part.answer is None or unanswered(part.answer) for part in answer.parts)
    report = answer.report
    counts = report.instances.summary
    lost = report.path is None and counts["unreadable"]
    return counts["threads"] == counts["unresolved"] + (lost or 0)


def flagged(answer: Answer) -> bool:
    """Whether a thread, of any inferior, has it null, dangling or shared; but what is meant so does not count."""
    if isinstance(answer, (Parts, Several)):
        return any(part.answer is not None and flagged(part.answer) for part in answer.parts)
    counts, judgement = answer.report.instances.summary, answer.judgement
    wrong = [name for name in ("dangling", "shared") if counts[name] and (judgement is None or judgement.has(name))]
    return bool(counts["null"] or wrong)
