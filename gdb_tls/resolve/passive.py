"""The default: reads memory as the C library lays it out, and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.libc import CLibrary
from gdb_tls.model import Absence, Place, State, Thread, Variable


class Passive:
    """Thread pointer -> DTV -> block -> variable."""

    name = "passive"

    def __init__(self, libc: CLibrary, pointer_size: int) -> None:
        """Takes the program's C library, and the size of its addresses in bytes."""
        self._libc = libc
        self._mask = (1 << 8 * pointer_size) - 1

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; threads without a thread pointer keep their own reason."""
        known = [thread.thread_pointer for thread in threads if thread.thread_pointer is not None]
        blocks = iter(self._libc.blocks(variable.module, known))
        places: list[Place] = []
        for thread in threads:
            block = next(blocks) if thread.thread_pointer is not None else Absence(State.UNRESOLVED, thread.problem)
            places.append(block + variable.offset & self._mask if isinstance(block, int) else block)
        return places
