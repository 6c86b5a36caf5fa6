"""The debugger's own answer: `&variable` in each thread."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from gdb_tls.program.program import Program
from gdb_tls.target.model import Absence, Place, State, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress

# Each question costs GDB some 0.02 ms, and more with more threads.
MOST_QUESTIONS = 50_000
# Threads in which every variable is asked for, however many there are.
SAMPLE = 16
# Then GDB is asked in further threads for so long, in seconds: among 10,000 a question costs it 0.4 ms at least, as
# libthread_db looks for the thread in a list, and 4 ms where it searches all files for the name.
LONGEST = 3.0

_NOT_LISTED = Absence(State.UNRESOLVED, "GDB does not list this thread")
NOT_ASKED = Absence(State.UNRESOLVED, "GDB was asked in other threads only")


class Asked(NamedTuple):
    """What GDB has said of several variables.

    Attributes:
        places: for each thread, by its position, those of all variables; for threads in which GDB was asked only.
        derived: how many addresses were not asked for: GDB adds a variable's offset to its module's block.
        interrupted: whether the user stopped it; else threads are missing where there were too many for the time.
    """

    places: Mapping[int, Sequence[Place]]
    derived: int
    interrupted: bool


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
        self,
        variables: Sequence[Variable],
        threads: Sequence[Thread],
        progress: Progress = SILENT,
        longest: float | None = None,
    ) -> Asked:
        """Asks for all variables in all threads, or in as many as there is time for, spread evenly.

        Where that were too many questions, all are asked in some threads only.  In the others a variable that was in
        its place beside the first one of its module there is taken to be so.

        Args:
            variables: what is asked for.
            threads: where.
            progress: shows how far it is.
            longest: the time in seconds after which no further thread is asked, in some of them; None for no limit.
        """
        order = _spread(len(threads))
        full = order if len(threads) * len(variables) <= MOST_QUESTIONS else order[:SAMPLE]
        end = None if longest is None else time.monotonic() + longest
        found: dict[int, Sequence[Place]] = {}
        derived = 0
        with progress.task("Asking GDB", len(threads)) as task, closing(self._asked(variables, threads, full)) as said:
            for at, places in said:
                found[at] = places
                task.advance()
                if len(found) >= SAMPLE and _is_over(end):
                    break
        if task.interrupted or len(found) < len(full) or len(full) == len(order):
            return Asked(found, 0, task.interrupted)
        searches = self._program.target.searches_for
        ranked = sorted(range(len(variables)), key=lambda at: searches(variables[at]))
        leaders = _leaders(variables, ranked, list(found.values()))
        asked = [at for at in range(len(variables)) if at not in leaders]
        some = [variables[at] for at in asked]
        with (
            progress.task("Asking GDB", len(threads) - len(found)) as task,
            closing(self._asked(some, threads, order[SAMPLE:])) as said,
        ):
            for at, answers in said:
                known = dict(zip(asked, answers))
                for follower, leader in leaders.items():
                    place = known[leader]
                    if isinstance(place, int):
                        place += variables[follower].offset - variables[leader].offset
                        derived += 1
                    known[follower] = place
                found[at] = [known[one] for one in range(len(variables))]
                task.advance()
                if _is_over(end):
                    break
        return Asked(found, derived, task.interrupted)

    def _asked(
        self, variables: Sequence[Variable], threads: Sequence[Thread], order: Sequence[int]
    ) -> Generator[tuple[int, list[Place]], None, None]:
        """The positions of threads in some order, each with the places of all variables there."""
        with closing(self._by_thread(variables, [threads[at] for at in order])) as answers:
            yield from zip(order, answers)

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


def _spread(number: int) -> list[int]:
    """So many positions in an order of which any beginning is spread evenly; few ones as they are."""
    if number <= SAMPLE:
        return list(range(number))
    bits = (number - 1).bit_length()
    # van der Corput's sequence: the bits of each number backwards.
    return sorted(range(number), key=lambda at: int(f"{at:0{bits}b}"[::-1], 2))


def _is_over(end: float | None) -> bool:
    return end is not None and time.monotonic() > end


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
