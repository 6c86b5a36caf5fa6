"""`tls-verify`: every resolver that can run here, compared instance by instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.errors import BadArgument, ResolverUnavailable
from gdb_tls.questions import options
from gdb_tls.questions.command import Action, CommandSpec, Option, Request

if TYPE_CHECKING:
    from gdb_tls.questions.verify.reading import Comparison


def query(request: Request) -> Comparison:
    """Finds the variables and compares the resolvers."""
    from gdb_tls.questions.verify.reading import compare

    arguments = request.arguments
    if bool(arguments.name) == arguments.all:
        raise BadArgument("tls-verify takes a NAME or --all", "Type `help tls-verify` for what it takes.")
    program = request.program()
    symbols = program.symbols(arguments.module)
    variables = symbols.variables() if arguments.all else [symbols.find(" ".join(arguments.name))[0]]
    names = ["passive", "gdb"]
    if arguments.calls:
        if program.target.kind == "core":
            raise ResolverUnavailable(
                "--calls calls functions in the process, and a core dump has none", "Leave it out."
            )
        # The calls last: they allocate blocks that the others should see as they were.
        names += ["dlsym", "tls-get-addr"]
    return compare(program, variables, request.chosen(program) or program.threads, names)


def _action() -> Action:
    from gdb_tls.questions.verify import table as views

    return Action(query, views.table, views.document, views.records, flagged=lambda found: bool(found.disagreements))


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
    load=_action,
)
