"""The default: reads memory as the C library lays it out, and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.libc.library import CLibrary, blocks_in
from gdb_tls.target.model import Place, Thread, Variable


class Passive:
    """Thread pointer -> DTV -> block -> variable."""

    name = "passive"

    def __init__(self, libc: CLibrary, pointer_size: int) -> None:
        """Takes the program's C library, and the size of its addresses in bytes."""
        self._libc = libc
        self._mask = (1 << 8 * pointer_size) - 1

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; threads without a thread pointer keep their own reason."""
        offset, mask = variable.offset, self._mask
        blocks = blocks_in(self._libc, variable.module, threads)
        return [block + offset & mask if isinstance(block, int) else block for block in blocks]
