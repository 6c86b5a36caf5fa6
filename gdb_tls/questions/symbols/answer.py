"""What `tls-symbols` finds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument
from gdb_tls.questions.command import Request
from gdb_tls.target.model import TargetInfo, Variable


class Answer(NamedTuple):
    """What `tls-symbols` found.

    Attributes:
        target: the program.
        variables: by module and offset.
        missing: why symbols of some modules are not known.
        folds: whether a table leaves out the compiler's guards, and counts them.
    """

    target: TargetInfo
    variables: Sequence[Variable]
    missing: Sequence[str]
    folds: bool = False


def query(request: Request) -> Answer:
    """Lists the variables whose names match."""
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
    missing = [module.problem for module in symbols.modules if module.problem]
    # Who names a variable or a module wants to see it.
    return Answer(program.info, variables, missing, not (text or request.arguments.module or request.arguments.all))
