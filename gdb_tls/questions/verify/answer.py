"""All resolvers on all instances, compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument, ResolverUnavailable, reason
from gdb_tls.program import resolve
from gdb_tls.program.program import Program
from gdb_tls.program.resolve.native import LONGEST, NOT_ASKED, Native
from gdb_tls.program.resolve.passive import Passive
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Place, TargetInfo, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress


class Disagreement(NamedTuple):
    """Two resolvers that give different addresses for one instance."""

    variable: Variable
    thread: Thread
    places: dict[str, Place]


class Comparison(NamedTuple):
    """What came of a verification.

    Attributes:
        variables: how many variables were compared.
        threads: in how many threads.
        compared: instances for which two or more resolvers had an address.
        answered: resolver -> how many addresses it gave.
        unavailable: resolver -> why it could not run, for the first variable that it could not, or why it has not one
            answer.
        disagreements: those for which the addresses differ.
        left: how many more threads there are, where the user stopped it before they were looked at.
        derived: how many of GDB's addresses follow from what it said of another variable of the same module.
        asked: in how many of the threads GDB was asked; None where it was not to be asked.
        unlisted: how many of the threads GDB does not list.
        target: the program.
    """

    variables: int
    threads: int
    compared: int
    answered: dict[str, int]
    unavailable: dict[str, str]
    disagreements: Sequence[Disagreement]
    left: int = 0
    derived: int = 0
    asked: int | None = None
    unlisted: int = 0
    target: TargetInfo | None = None


def compare(
    program: Program,
    variables: Sequence[Variable],
    threads: Sequence[Thread],
    names: Sequence[str],
    progress: Progress = SILENT,
    longest: float | None = None,
) -> Comparison:
    """Resolves every variable in every thread by every resolver, one resolver after the other.

    Args:
        program: whose variables they are.
        variables: which.
        threads: where.
        names: the resolvers.
        progress: shows how far it is.
        longest: for how many seconds GDB is asked; in the threads that are left then it is not.  None for no limit.
    """
    unavailable: dict[str, str] = {}
    places: dict[str, list[Sequence[Place]]] = {}
    all_threads, derived, answering = len(threads), 0, None
    for name in names:
        if name == "gdb":
            asked = Native(program).resolve_all(variables, threads, progress, longest)
            derived, answering = asked.derived, len(asked.places)
            silent = _silent(list(asked.places.values()))
            if silent:
                unavailable[name] = silent
            if asked.interrupted:
                reached = sorted(asked.places)
                threads = [threads[at] for at in reached]
                places = {other: [[one[at] for at in reached if one] for one in its] for other, its in places.items()}
            else:
                reached = list(range(len(threads)))
            without = [NOT_ASKED] * len(variables)
            by_thread = [asked.places.get(at, without) for at in reached]
            places[name] = list(zip(*by_thread)) or [()] * len(variables)
            continue
        places[name] = []
        for variable, found in zip(variables, _resolved(program, name, variables, threads)):
            if isinstance(found, ResolverUnavailable):
                unavailable.setdefault(name, found.what)
            elif isinstance(found, Exception):  # one bad variable is one bad row
                unavailable.setdefault(name, f"{variable.name}: {reason(found)}")
            places[name].append(() if isinstance(found, Exception) else found)
    answered = dict.fromkeys(names, 0)
    compared = 0
    disagreements = []
    for at, variable in enumerate(variables):
        here = {name: of_all[at] for name, of_all in places.items() if of_all[at]}
        for index, thread in enumerate(threads):
            addresses = []
            for name, found in here.items():
                if isinstance(found[index], int):
                    addresses.append(found[index])
                    answered[name] += 1
            compared += len(addresses) > 1
            if len(set(addresses)) > 1:
                here_too = {name: found[index] for name, found in here.items()}
                disagreements.append(Disagreement(variable, thread, here_too))
    left, unlisted = all_threads - len(threads), sum(thread.num is None for thread in threads)
    return Comparison(
        *(len(variables), len(threads), compared, answered, unavailable, disagreements),
        *(left, derived, answering, unlisted, program.info),
    )


def _resolved(
    program: Program, name: str, variables: Sequence[Variable], threads: Sequence[Thread]
) -> Iterator[Sequence[Place] | Exception]:
    """What a resolver says of each variable, or why it failed."""
    if name == Passive.name:
        yield from Passive(program).resolve_all(variables, threads)
        return
    for variable in variables:
        try:
            yield resolve.make(name, program).resolve(variable, threads)
        except Exception as error:
            yield error


def _silent(places: Sequence[Sequence[Place]]) -> str:
    """Why there is no address at all, as is said most often; empty where there is one."""
    reasons = Counter[str]()
    for of_thread in places:
        for place in of_thread:
            if isinstance(place, int):
                return ""
            # GDB names the thread and its id.
            reasons[re.sub(r" for Thread 0x[0-9a-f]+ \(LWP \d+\)", "", place.reason)] += 1
    return reasons.most_common(1)[0][0] if reasons else ""


def query(request: Request) -> Comparison:
    """Finds the variables and compares the resolvers."""
    arguments = request.arguments
    if bool(arguments.name) == arguments.all:
        raise BadArgument("tls-verify takes a NAME or --all", "Type `help tls-verify` for what it takes.")
    program = request.program()
    symbols = program.symbols(arguments.module)
    variables = symbols.variables() if arguments.all else symbols.find_some(" ".join(arguments.name).lstrip("*& "))
    names = ["passive", "gdb"]
    if arguments.calls:
        if program.target.kind == "core":
            raise ResolverUnavailable("--calls calls functions in a process, and a core dump is none", "Leave it out.")
        # The calls last: they allocate blocks that the others should see as they were.
        names += ["dlsym", "tls-get-addr"]
    chosen = request.chosen(program)
    # Who names the threads wants each of them.
    longest = LONGEST if chosen is None else None
    return compare(program, variables, chosen or program.threads, names, request.progress, longest)


def unanswered(found: Comparison) -> bool:
    """Whether there was no instance for which two resolvers had an address."""
    return not found.compared


def flagged(found: Comparison) -> bool:
    """Whether two resolvers disagree."""
    return bool(found.disagreements)
