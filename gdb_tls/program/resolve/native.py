"""The debugger's own answer: `&variable` in each thread."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.program import Program
from gdb_tls.target.model import Absence, Place, State, Thread, Variable
from gdb_tls.target.protocol import CallFailed


class Native:
    """Asks GDB, which asks libthread_db (or, from GDB 17, knows by itself)."""

    name = "gdb"

    def __init__(self, program: Program) -> None:
        """Takes the program."""
        self._program = program

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; a thread in which GDB fails carries GDB's own sentence."""
        if variable.module.emulated:
            reason = "GDB does not know where emulated TLS is; use --via passive"
            return [Absence(State.UNRESOLVED, reason)] * len(threads)
        if self._has_twin(variable):
            reason = "GDB cannot tell this variable from another of the same name; use --via passive"
            return [Absence(State.UNRESOLVED, reason)] * len(threads)
        return [self._in_thread(variable, thread) for thread in threads]

    def _has_twin(self, variable: Variable) -> bool:
        """Whether GDB would have to guess: it takes the first of several by name, or of one file loaded twice."""
        twins = [one.module for one in self._program.tls_symbols if one.symbol.name == variable.linkage_name]
        if variable.debugger_symbol is None:
            return len(twins) > 1
        return len({module.id for module in twins if module.path == variable.module.path}) > 1

    def _in_thread(self, variable: Variable, thread: Thread) -> Place:
        if thread.num is None:
            return Absence(State.UNRESOLVED, "GDB does not list this thread")
        try:
            return self._program.target.address_in(thread, variable)
        except CallFailed as error:
            return Absence(State.UNRESOLVED, f"GDB says: {error}")
