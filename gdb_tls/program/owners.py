"""Which thread-local variable of a thread an address lies in."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from gdb_tls.program.module_symbols import Candidate
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module, Place, Thread, Variable


class OwnVariables:
    """Looks up addresses in the blocks of threads."""

    def __init__(self, program: Program) -> None:
        """Reads nothing yet."""
        self._program = program
        self._symbols = program.symbols()
        self._places: dict[int, list[Place]] = {}
        # Many threads ask for few variables, and the debugger takes a millisecond to describe one.
        self._described: dict[tuple[int, int], Variable] = {}

    def at(self, thread: Thread, address: int) -> tuple[Module | None, Variable | None, int]:
        """(module, variable, offset) of an address in this thread's own blocks.

        The offset is one in the variable or, where no symbol says which variable it is, in the module's block; without
        a module the address lies in none of them.
        """
        index = self._index.get(thread)
        for module in self._symbols.modules if index is not None else ():
            if module.segment is None or module.emulated:
                continue
            if module.id not in self._places:
                self._places[module.id] = self._program.blocks(module, self._program.threads)
            block = self._places[module.id][index or 0]
            if isinstance(block, int) and block <= address < block + module.segment.size:
                offset = address - block
                candidate = self._candidate(module, offset)
                if candidate is None:
                    return module, None, offset
                return module, self._variable(candidate), offset - candidate.symbol.value
        return None, None, 0

    def _variable(self, candidate: Candidate) -> Variable:
        key = candidate.module.id, candidate.symbol.value
        if key not in self._described:
            self._described[key] = self._symbols.variable(candidate)
        return self._described[key]

    @cached_property
    def _index(self) -> dict[Thread, int]:
        return {thread: index for index, thread in enumerate(self._program.threads)}

    @cached_property
    def _by_module(self) -> dict[int, list[Candidate]]:
        found: dict[int, list[Candidate]] = {}
        for one in sorted(self._symbols.every, key=lambda one: one.symbol.value):
            found.setdefault(one.module.id, []).append(one)
        return found

    def _candidate(self, module: Module, offset: int) -> Candidate | None:
        own = self._by_module.get(module.id, [])
        at = bisect_right([one.symbol.value for one in own], offset) - 1
        if at < 0:
            return None
        # Of several names of one place the first in the symbol table is shown everywhere.
        found = next(one for one in own if one.symbol.value == own[at].symbol.value)
        return found if offset < found.symbol.value + max(found.symbol.size, 1) else None
