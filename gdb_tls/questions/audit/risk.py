"""A variable that will be used where it is null: what the code says of one that has crashed nobody yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gdb_tls.code.index import code_index
from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.reach import Reach
from gdb_tls.program.accesses import WRAPPER
from gdb_tls.program.lookup import Found
from gdb_tls.program.places import BY_OFFSET, is_too_large
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.access.answer import ADDRESS, Answer, access
from gdb_tls.questions.access.sentence import who_uses_it
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.scene import ModuleScene, Threads, is_libc_name
from gdb_tls.target.model import Variable
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count

SCORE = 70
COPY_SCORE = 80
# Of ten thousand threads these are enough.
MOST_ASKED = 64


class Standing(NamedTuple):
    """Which threads have a variable, as positions in `Survey.threads`.

    Attributes:
        null: those in which it is null.
        holders: those in which it is set.
    """

    null: Sequence[int]
    holders: Sequence[int]


class Risks:
    """Weighs what memory says of a variable against what the code says."""

    def __init__(self, survey: Survey, threads: Threads) -> None:
        """Reads nothing yet."""
        self._survey = survey
        self._threads = threads
        self._code = Code(survey.program)
        self._reach: Reach | None = None

    def findings(self, variable: Variable, standing: Standing, place: ModuleScene) -> list[Finding]:
        """What is to be feared, if anything: it is null in threads that run code which needs it, and nothing sets it.

        Only a variable that some thread has set is judged: before, there may be nothing to use.
        """
        if not standing.null or not standing.holders or is_too_large(variable.module):
            return []
        try:
            answer = access(self._survey.program, Found(variable, ""))
        except (TlsError, OSError) as error:
            reason(error)
            return []
        return self._judge(answer, standing, place)

    def _judge(self, answer: Answer, standing: Standing, place: ModuleScene) -> list[Finding]:
        users = {row.function.start: row for row in answer.rows if row.function.start is not None}
        unchecked = {start for start, row in users.items() if row.is_unchecked}
        writers = {start for start, row in users.items() if row.writes}
        known = len(users) == len(answer.rows) and not (answer.users.unread or answer.users.undecided)
        if not unchecked or not known or any(row.gives_address for row in answer.rows):
            return []
        if self._is_made_at_first_use(answer.variable):
            return []
        leading_to_writers = self._leading_to(writers)
        holders = [self._functions(thread) for thread in standing.holders[:MOST_ASKED]]
        # Who runs the same as one that has it may get it in the same way, and have it for the time of a call only.
        like_holders = set[int]().union(*(one for one in holders if one & leading_to_writers))
        leading_to_readers = self._leading_to(unchecked)
        endangered = []
        for thread in standing.null[:MOST_ASKED]:
            functions = self._functions(thread)
            if not functions or functions & (leading_to_writers | like_holders):
                continue  # without a stack nobody knows what it runs
            if functions & leading_to_readers or (place.module.static_offset is None and place.has_touched(thread)):
                endangered.append(thread)
        if not endangered:
            return []
        return [Finding("unchecked-null", SCORE, who_uses_it(answer), endangered)]

    @staticmethod
    def _is_made_at_first_use(variable: Variable) -> bool:
        """Whether some function makes it where it finds it null: then others may run that first."""
        path = variable.module.path
        size = variable.size or 1
        return bool(path and code_index(path).first_uses(variable.offset, variable.offset + size))

    def unset_copies(self) -> Iterator[tuple[Column, Finding]]:
        """Copies of a variable that code reads and nothing writes, where another module's copy is set.

        A header gave each of the modules its own, by hidden visibility or as a static variable.
        """
        by_name: dict[str, list[Column]] = defaultdict(list)
        for column in self._survey.columns:
            if column.candidate.symbol.source != BY_OFFSET:
                by_name[column.candidate.symbol.name].append(column)
        for columns in by_name.values():
            own = {column.module.id: column for column in columns}
            if len(own) < 2 or len({column.size for column in columns}) > 1:
                continue
            have = {number: _holders(column) for number, column in own.items()}
            for number, column in own.items():
                others = [one for other, one in own.items() if have[other] and other != number]
                if (
                    not have[number]
                    and others
                    and not is_too_large(column.module)
                    and (finding := self._unset_copy(column, others[0]))
                ):
                    yield column, finding

    def _unset_copy(self, column: Column, other: Column) -> Finding | None:
        try:
            answer = access(self._survey.program, Found(column.variable, ""))
        except (TlsError, OSError) as error:
            reason(error)
            return None
        users = answer.users
        rows = [row for row in answer.rows if not row.function.linkage_name.startswith(WRAPPER)]
        quiet = not any(row.writes or ADDRESS in row.uses for row in rows)
        if not rows or not quiet or users.unread or users.undecided or users.interrupted:
            return None
        name, module = column.variable.name, column.module.name
        have = _holders(other)
        sentence = (
            f"{module} has its own copy of {name}, which its code reads and none that was found writes: it is empty in "
            f"every thread, while {other.module.name}'s copy is set in {count(len(have), 'thread')}."
        )
        return Finding("unset-copy", COPY_SCORE, f"{sentence} {who_uses_it(answer)}", range(len(self._survey.threads)))

    def _leading_to(self, functions: set[int]) -> set[int]:
        if self._reach is None:
            objects = self._survey.program.objects
            self._reach = Reach(self._code, [one for one in objects.all if not is_libc_name(one.name)])
        return self._reach.leading_to(functions)

    def _functions(self, thread: int) -> set[int]:
        """The functions on a thread's stack, without the C library's: all threads begin, and wait, in these."""
        found = set()
        for frame in self._threads.stack(thread):
            spot = self._code.at(frame.pc - 1)
            function = spot.function if spot and not is_libc_name(spot.loaded.name) else None
            if function is not None:
                found.add(function)
        return found


def _holders(column: Column) -> list[int]:
    """The threads whose instance is not all zero."""
    return [index for index, raw in enumerate(column.raws()) if any(raw)]
