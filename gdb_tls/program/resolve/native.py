"""The debugger's own answer: `&variable` in each thread."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing

from gdb_tls.program.program import Program
from gdb_tls.target.model import Absence, Place, State, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple

# Each question costs GDB some 0.02 ms, and more with more threads.
MOST_QUESTIONS = 50_000
# Threads in which every variable is asked for, however many there are.
SAMPLE = 16

_NOT_LISTED = Absence(State.UNRESOLVED, "GDB does not list this thread")


class Asked(NamedTuple):
    """What GDB has said of several variables.

    Attributes:
        places: for each thread those of all variables; of fewer threads where the user has stopped it.
        derived: how many addresses were not asked for: GDB adds a variable's offset to its module's block.
    """

    places: Sequence[Sequence[Place]]
    derived: int


class Native:
    """Asks GDB, which asks libthread_db (or, from GDB 17, knows by itself)."""

    name = "gdb"

    def __init__(self, program: Program) -> None:
        """Takes the program."""
        self._program = program

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; a thread in which GDB fails carries GDB's own sentence."""
        return [places[0] for places in self._by_thread([variable], threads)]

    def resolve_all(
        self, variables: Sequence[Variable], threads: Sequence[Thread], progress: Progress = SILENT
    ) -> Asked:
        """Asks for all variables in all threads.

        Where that were too many questions, all are asked in some threads only.  In the others a variable that was in
        its place beside the first one of its module there is taken to be so.
        """
        sample = threads if len(threads) * len(variables) <= MOST_QUESTIONS else threads[:SAMPLE]
        found: list[Sequence[Place]] = []
        derived = 0
        with progress.task("Asking GDB", len(threads)) as task:
            for places in self._by_thread(variables, sample):
                found.append(places)
                task.advance()
            searches = self._program.target.searches_for
            order = sorted(range(len(variables)), key=lambda at: searches(variables[at]))
            leaders = _leaders(variables, order, found)
            asked = [at for at in range(len(variables)) if at not in leaders]
            for answers in self._by_thread([variables[at] for at in asked], threads[len(sample) :]):
                known = dict(zip(asked, answers))
                for at, leader in leaders.items():
                    place = known[leader]
                    if isinstance(place, int):
                        place += variables[at].offset - variables[leader].offset
                        derived += 1
                    known[at] = place
                found.append([known[at] for at in range(len(variables))])
                task.advance()
        return Asked(found, derived)

    def _by_thread(
        self, variables: Sequence[Variable], threads: Sequence[Thread]
    ) -> Generator[list[Place], None, None]:
        """For each thread the places of all variables."""
        reasons = [self._reason(variable) for variable in variables]
        asked = [variable for variable, reason in zip(variables, reasons) if reason is None]
        listed = [thread for thread in threads if thread.num is not None]
        with closing(self._program.target.addresses_in(listed, asked)) as answers:
            for thread in threads:
                said = map(_place, next(answers)) if thread.num is not None else iter([_NOT_LISTED] * len(asked))
                yield [next(said) if reason is None else reason for reason in reasons]

    def _reason(self, variable: Variable) -> Absence | None:
        """Why GDB cannot be asked of a variable; None where it can."""
        if variable.module.emulated:
            return Absence(State.UNRESOLVED, "GDB does not know where emulated TLS is; use --via passive")
        if self._has_twin(variable):
            reason = "GDB cannot tell this variable from another of the same name; use --via passive"
            return Absence(State.UNRESOLVED, reason)
        return None

    def _has_twin(self, variable: Variable) -> bool:
        """Whether GDB would have to guess: it takes the first of several by name, or of one file loaded twice."""
        twins = [one.module for one in self._program.tls_symbols if one.symbol.name == variable.linkage_name]
        if variable.debugger_symbol is None:
            return len(twins) > 1
        return len({module.id for module in twins if module.path == variable.module.path}) > 1


def _leaders(
    variables: Sequence[Variable], order: Sequence[int], sample: Sequence[Sequence[Place]]
) -> Mapping[int, int]:
    """For variables (by position) the one from which they follow: the first of their module that GDB has found."""
    first: dict[object, int] = {}
    found: dict[int, int] = {}
    for at in order:
        variable = variables[at]
        if not any(isinstance(places[at], int) for places in sample):
            continue
        leader = first.setdefault(variable.module.id, at)
        distance = variable.offset - variables[leader].offset
        if leader != at and all(_follows(places[leader], places[at], distance) for places in sample):
            found[at] = leader
    return found


def _follows(leader: Place, place: Place, distance: int) -> bool:
    if isinstance(leader, int) and isinstance(place, int):
        return place == leader + distance
    return leader == place


def _place(answer: int | str) -> Place:
    return answer if isinstance(answer, int) else Absence(State.UNRESOLVED, f"GDB says: {answer}")
