"""What `tls-symbols` finds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gdb_tls.errors import BadArgument
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Module, TargetInfo, Variable
from gdb_tls.tuples import NamedTuple


class Answer(NamedTuple):
    """What `tls-symbols` found.

    Attributes:
        target: the program.
        variables: by module and offset.
        missing: why symbols of some modules are not known.
        hidden_copies: how many of them, which no code uses, are left out.
        used_instead: (module id, offset) of a definition that no code uses -> the module whose definition is used.
        folds: whether a table leaves out the compiler's guards, and counts them.
    """

    target: TargetInfo
    variables: Sequence[Variable]
    missing: Sequence[str]
    hidden_copies: int = 0
    used_instead: Mapping[tuple[int, int], Module] = {}
    folds: bool = False

    def instead_of(self, variable: Variable) -> Module | None:
        """The module whose definition is used instead of one; None for one that is used itself."""
        return self.used_instead.get((variable.module.id, variable.offset))


def query(request: Request) -> Answer:
    """Lists the variables whose names match."""
    program = request.program()
    symbols = program.symbols(request.arguments.module, request.arguments.copies)
    text = " ".join(request.arguments.regex)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadArgument(
            f"{text} is no regular expression ({error})", "Put a backslash before a special character."
        ) from None
    variables = symbols.variables(lambda linkage, name: bool(pattern.search(name) or pattern.search(linkage)))
    hidden = [one.symbol.name for one in symbols.hidden]
    left_out = sum(
        bool(pattern.search(name) or pattern.search(linkage))
        for linkage, name in zip(hidden, program.target.debug.demangle(hidden))
    )
    instead = {(one.module.id, one.symbol.value): used.module for one, used in symbols.unused.items()}
    missing = [module.problem for module in symbols.modules if module.problem]
    # Who names a variable or a module wants to see it.
    folds = not (text or request.arguments.module or request.arguments.all)
    return Answer(program.info, variables, missing, left_out, instead, folds)


def unanswered(answer: Answer) -> bool:
    """Whether no symbol is known, and files are missing that may have some."""
    return not answer.variables and bool(answer.missing)
