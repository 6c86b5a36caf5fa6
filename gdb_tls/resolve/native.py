"""The debugger's own answer: `&variable` in each thread."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.model import Absence, Place, State, Thread, Variable
from gdb_tls.target import CallFailed, Target


class Native:
    """Asks GDB, which asks libthread_db (or, from GDB 17, knows by itself)."""

    name = "gdb"

    def __init__(self, target: Target) -> None:
        """Takes the debugger's target."""
        self._target = target

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; a thread in which GDB fails carries GDB's own sentence."""
        return [self._in_thread(variable, thread) for thread in threads]

    def _in_thread(self, variable: Variable, thread: Thread) -> Place:
        if thread.num is None:
            return Absence(State.UNRESOLVED, "GDB does not list this thread")
        try:
            return self._target.address_in(thread, variable)
        except CallFailed as error:
            return Absence(State.UNRESOLVED, f"GDB says: {error}")
