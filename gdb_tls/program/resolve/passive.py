"""The default: reads memory as the C library lays it out, and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.program import Program
from gdb_tls.target.model import Place, Thread, Variable


class Passive:
    """Thread pointer -> DTV -> block -> variable."""

    name = "passive"

    def __init__(self, program: Program) -> None:
        """Takes the program."""
        self._program = program
        self._mask = (1 << 8 * program.target.architecture.pointer_size) - 1

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; threads without a thread pointer keep their own reason."""
        offset, mask = variable.offset, self._mask
        blocks = self._program.blocks(variable.module, threads)
        return [block + offset & mask if isinstance(block, int) else block for block in blocks]
