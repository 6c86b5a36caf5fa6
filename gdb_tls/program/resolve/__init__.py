"""Ways to get from a thread and a variable to an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gdb_tls.errors import BadArgument

if TYPE_CHECKING:
    from gdb_tls.program.program import Program
    from gdb_tls.target.model import Place, Thread, Variable

NAMES = ("passive", "gdb", "dlsym", "tls-get-addr", "call")


class Resolver(Protocol):
    """One way; all of them answer the same question."""

    name: str

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """For each thread the variable's address, or why there is none."""
        ...


def make(name: str, program: Program) -> Resolver:
    """Makes a resolver by its name.

    Raises:
        BadArgument: where there is no such resolver.
        ResolverUnavailable: where it cannot work on this target.
    """
    if name == "passive":
        from gdb_tls.program.resolve.passive import Passive

        return Passive(program)
    if name == "gdb":
        from gdb_tls.program.resolve.native import Native

        return Native(program)
    if name in NAMES:
        from gdb_tls.program.resolve import calls

        return calls.make(name, program)
    raise BadArgument(f"There is no resolver called {name}", f"Choose one of {', '.join(NAMES)}.")
