"""`tls-verify`: every resolver that can run here, compared instance by instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls import resolve
from gdb_tls.commands import CommandSpec, Invocation, Option, options, parse_threads
from gdb_tls.errors import BadArgument, ResolverUnavailable
from gdb_tls.model import Place, Thread, Variable
from gdb_tls.program import Program
from gdb_tls.report import wanted


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


def compare(program: Program, variables: Sequence[Variable], threads: Sequence[Thread], names: Sequence[str]) -> Comparison:
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
        for index, thread in enumerate(threads):
            here = {name: found[index] for name, found in places.items()}
            addresses = [place for place in here.values() if isinstance(place, int)]
            for name, place in here.items():
                answered[name] += isinstance(place, int)
            compared += len(addresses) > 1
            if len(set(addresses)) > 1:
                disagreements.append(Disagreement(variable, thread, here))
    return Comparison(len(variables), len(threads), compared, answered, unavailable, disagreements)


def run(invocation: Invocation) -> None:
    """Answers one `tls-verify`."""
    arguments = invocation.arguments
    if bool(arguments.name) == arguments.all:
        raise BadArgument("tls-verify takes a NAME or --all", "Type `help tls-verify` for what it takes.")
    program = invocation.program()
    symbols = program.symbols(arguments.module)
    variables = symbols.variables() if arguments.all else [symbols.find(" ".join(arguments.name))[0]]
    names = ["passive", "gdb"]
    if arguments.calls:
        if program.target.kind == "core":
            raise ResolverUnavailable("--calls calls functions in the process, and a core dump has none", "Leave it out.")
        # The calls last: they allocate blocks that the others should see as they were.
        names += ["dlsym", "tls-get-addr"]
    threads = wanted(program.threads, parse_threads(arguments.threads) if arguments.threads else None)
    found = compare(program, variables, threads, names)
    if arguments.format == "json":
        from gdb_tls.render import json

        invocation.output.write(json.render_comparison(found))
    else:
        from gdb_tls.render import table

        invocation.output.show(table.render_comparison(found))


SPEC = CommandSpec(
    name="tls-verify",
    summary="Compare all ways of finding a thread-local variable, in every thread.",
    description="""
Finds the variable NAME, or with --all every thread-local variable of every module, in each thread by each resolver
that can run here, and lists the threads for which they disagree.

Only memory is read, by gdb-tls and by GDB, unless --calls is given: then dlsym and __tls_get_addr are
called in each thread too, which allocates blocks that were not there.
""",
    options=(
        Option("name", "The variable", {"nargs": "*", "metavar": "NAME"}, complete="names"),
        Option("--all", "Compare every variable of every module", {"action": "store_true"}),
        Option("--calls", "Also call dlsym and __tls_get_addr in the process", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
    ),
    examples=(
        ("tls-verify errno", "Compares what gdb-tls and GDB say of one variable"),
        ("tls-verify --all --module libfoo.so", "Compares all variables of one library"),
    ),
    run=run,
)
