"""All resolvers on all instances, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument, ResolverUnavailable, reason
from gdb_tls.program import resolve
from gdb_tls.program.program import Program
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Place, Thread, Variable


class Disagreement(NamedTuple):
    """Two resolvers that give different addresses for one instance."""

    variable: Variable
    thread: Thread
    places: dict[str, Place]


class Comparison(NamedTuple):
    """What came of a verification.

    Attributes:
        variables: how many variables were compared.
        threads: how many threads each has.
        compared: instances for which two or more resolvers had an address.
        answered: resolver -> how many addresses it gave.
        unavailable: resolver -> why it could not run, for the first variable that it could not.
        disagreements: those for which the addresses differ.
    """

    variables: int
    threads: int
    compared: int
    answered: dict[str, int]
    unavailable: dict[str, str]
    disagreements: Sequence[Disagreement]


def compare(
    program: Program, variables: Sequence[Variable], threads: Sequence[Thread], names: Sequence[str]
) -> Comparison:
    """Resolves every variable in every thread by every resolver."""
    answered = dict.fromkeys(names, 0)
    unavailable: dict[str, str] = {}
    disagreements = []
    compared = 0
    for variable in variables:
        places: dict[str, Sequence[Place]] = {}
        for name in names:
            try:
                places[name] = resolve.make(name, program).resolve(variable, threads)
            except ResolverUnavailable as error:
                unavailable.setdefault(name, error.what)
            except Exception as error:  # one bad variable is one bad row
                unavailable.setdefault(name, f"{variable.name}: {reason(error)}")
        for index, thread in enumerate(threads):
            here = {name: found[index] for name, found in places.items()}
            addresses = [place for place in here.values() if isinstance(place, int)]
            for name, place in here.items():
                answered[name] += isinstance(place, int)
            compared += len(addresses) > 1
            if len(set(addresses)) > 1:
                disagreements.append(Disagreement(variable, thread, here))
    return Comparison(len(variables), len(threads), compared, answered, unavailable, disagreements)


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
            raise ResolverUnavailable(
                "--calls calls functions in the process, and a core dump has none", "Leave it out."
            )
        # The calls last: they allocate blocks that the others should see as they were.
        names += ["dlsym", "tls-get-addr"]
    return compare(program, variables, request.chosen(program) or program.threads, names)


def unanswered(found: Comparison) -> bool:
    """Whether there was no instance for which two resolvers had an address."""
    return not found.compared


def flagged(found: Comparison) -> bool:
    """Whether two resolvers disagree."""
    return bool(found.disagreements)
