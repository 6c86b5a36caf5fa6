"""Which variables are watched."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.errors import BadArgument
from gdb_tls.program.lookup import Found
from gdb_tls.program.program import Program
from gdb_tls.program.report import matching
from gdb_tls.program.runtimes import is_runtime
from gdb_tls.program.survey import Survey
from gdb_tls.program.value import untyped
from gdb_tls.target.model import Flag, Kind, Path, Type, Variable
from gdb_tls.tuples import NamedTuple

VIA = "passive"


class Watched(NamedTuple):
    """A variable, or a part of one.

    Attributes:
        name: as the user writes it.
        variable: the root.
        path: the path into it; None for itself.
        kind: how it is read.
        assumed: what is said of it as its type is not known.
    """

    name: str
    variable: Variable
    path: Path | None
    kind: Type
    assumed: tuple[Flag, ...]

    @property
    def matters(self) -> bool:
        """Whether its state depends on what is in it: a pointer may be null, a number is always set."""
        kind = self.kind
        has_pointer = kind.kind is Kind.POINTER or kind.owner is not None
        return bool(has_pointer or kind.witness is not None or kind.container or self.path)


def choose(program: Program, names: Sequence[str]) -> list[Watched]:
    """The variables of these names; without any, all of the program's own.

    Raises:
        TlsError: where a name is none, or there is nothing to watch.
    """
    found = _named(program, names) if names else _own(program)
    if not found:
        raise BadArgument("The program has no thread-local variables of its own", "Name one of its C library's.")
    return found


def _named(program: Program, names: Sequence[str]) -> list[Watched]:
    found: dict[tuple[int, int, str], Watched] = {}
    for name in names:
        if name.strip()[:1] == "&":
            raise BadArgument(f"{name} is an address, which does not change", "Leave the & out.")
        _, several = matching(program, name)
        for one in several or [program.symbols().find(name.strip().lstrip("* "))]:
            stars = 0 if several else len(name.strip()) - len(name.strip().lstrip("* "))
            made = _watched(program, one, one.path + "[0]" * stars)
            found.setdefault((made.variable.module.id, made.variable.offset, made.name), made)
    return list(found.values())


def _watched(program: Program, found: Found, text: str) -> Watched:
    variable, target = found.variable, program.target
    size = target.architecture.pointer_size
    kind, assumed = (variable.type, ()) if variable.type else untyped(variable.size, size, variable.linkage_name)
    path = None
    if text:
        if variable.type is None:
            raise BadArgument(f"The type of {variable.name} is not known, so {text} cannot be followed", "")
        path = target.debug.parse_path(variable.name, kind, text)
        kind = path.type
    return Watched(variable.name + text, variable, path, kind, assumed)


def _own(program: Program) -> list[Watched]:
    found = []
    for column in Survey(program).columns:
        if not is_runtime(column.module.name) and not column.is_helper:
            kind, assumed = column.judged_as
            found.append(Watched(column.variable.name, column.variable, None, kind, assumed))
    return found
