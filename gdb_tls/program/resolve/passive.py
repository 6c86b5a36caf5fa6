"""The default: reads memory as the C library lays it out, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        return self._in_blocks(variable, self._program.blocks(variable.module, threads))

    def resolve_all(
        self, variables: Sequence[Variable], threads: Sequence[Thread]
    ) -> Iterator[list[Place] | Exception]:
        """The same of each variable, or why that failed; the blocks of a module are read once."""
        blocks: dict[int, list[Place]] = {}
        for variable in variables:
            module = variable.module
            try:
                if module.id not in blocks:
                    blocks[module.id] = self._program.blocks(module, threads)
                yield self._in_blocks(variable, blocks[module.id])
            except Exception as error:  # one bad module is no failed command
                yield error

    def _in_blocks(self, variable: Variable, blocks: Sequence[Place]) -> list[Place]:
        offset, mask = variable.offset, self._mask
        return [block + offset & mask if isinstance(block, int) else block for block in blocks]
