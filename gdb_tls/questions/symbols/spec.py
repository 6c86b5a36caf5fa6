"""`tls-symbols`: the thread-local variables, without looking at a thread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gdb_tls.errors import BadArgument
from gdb_tls.questions import options
from gdb_tls.questions.command import Action, CommandSpec, Option, Request

if TYPE_CHECKING:
    from gdb_tls.questions.symbols import table as views


def query(request: Request) -> views.Answer:
    """Lists the variables whose names match."""
    from gdb_tls.questions.symbols import table as views

    program = request.program()
    symbols = program.symbols(request.arguments.module)
    text = " ".join(request.arguments.regex)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadArgument(
            f"{text} is no regular expression ({error})", "Put a backslash before a special character."
        ) from None
    variables = symbols.variables(lambda linkage, name: bool(pattern.search(name) or pattern.search(linkage)))
    return views.Answer(program.info, variables, [module.problem for module in symbols.modules if module.problem])


def _action() -> Action:
    from gdb_tls.questions.symbols import table as views

    return Action(query, views.table, views.document, views.records)


SPEC = CommandSpec(
    name="tls-symbols",
    summary="List thread-local variables with their offsets, sizes and types.",
    description="""
Lists all thread-local variables, or those whose name (as in the source, or as in the symbol table) matches REGEX, a
regular expression that may match anywhere in the name. Offsets are from the beginning of the module's block.

No thread is looked at. Several names of one place are listed once. A variable without a source line is known from a
symbol table only; what stands in parentheses says from which.
""",
    options=(
        Option("regex", "What the name must match", {"nargs": "*", "metavar": "REGEX"}, complete="names"),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
    ),
    examples=(
        ("tls-symbols", "Lists all variables"),
        ("tls-symbols _buffer$ --module swoole.so", "Lists some of one module"),
    ),
    load=_action,
)
