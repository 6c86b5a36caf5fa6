"""Which module's block a place in a file's code leads to: what the loader has bound its GOT entries to."""

from __future__ import annotations

from functools import cached_property

from gdb_tls.code.slots import Slot
from gdb_tls.code.values import TlsTarget, signed
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module


class Bindings:
    """Reads GOT entries of the process: they are the truth about interposed symbols and copies."""

    def __init__(self, program: Program, code: Code) -> None:
        """Reads nothing yet."""
        self._program = program
        self._code = code

    def bound(self, spot: Spot, target: TlsTarget, offset: int) -> tuple[int, int] | None:
        """The module's id and the offset in its block.

        Args:
            spot: in the file whose code it is.
            target: what the code refers to.
            offset: as an `Access` has it.
        """
        slot = spot.file_index.slots.get(target.slot) if target.slot is not None else None
        found = self._in_slot(spot, slot) if slot else None
        if slot and found:
            return found[0], found[1] + offset - slot.offset
        own = self.module_of(spot.loaded)
        return (own.id, offset) if own and target.defined else None

    def module_of(self, loaded: LoadedObject) -> Module | None:
        """The TLS module that an object is; None where it has no thread-local storage."""
        return self._modules.get((loaded.load_base, loaded.target_path))

    @cached_property
    def _modules(self) -> dict[tuple[int, str], Module]:
        return {(module.load_base, module.target_path): module for module in self._program.modules}

    def _in_slot(self, spot: Spot, slot: Slot) -> tuple[int, int] | None:
        """The module's id and the offset to which an entry leads, as the loader has filled it."""
        first = self._code.word(spot.base + slot.address)
        if first is None:
            return None
        if slot.kind == "offset":
            return self._static(first)
        second = self._code.word(spot.base + slot.address + 8)
        if second is None:
            return None
        if slot.kind == "index":
            return self._known(first, second)
        # glibc sysdeps/x86_64/tlsdesc.c: the argument is the offset from the thread pointer, or points to a
        # struct tlsdesc_dynamic_arg, which begins with a tls_index.
        found = self._static(second)
        if found:
            return found
        number, offset = self._code.word(second), self._code.word(second + 8)
        return None if number is None or offset is None else self._known(number, offset)

    def _known(self, number: int, offset: int) -> tuple[int, int] | None:
        return (number, offset) if any(one.id == number for one in self._program.modules) else None

    def _static(self, word: int) -> tuple[int, int] | None:
        """The block of static TLS in which an offset from the thread pointer lies."""
        offset = signed(word)
        below = self._program.target.architecture.static_below
        for module in self._program.modules:
            if module.static_offset is None or module.segment is None:
                continue
            start = -module.static_offset if below else module.static_offset
            if start <= offset < start + module.segment.size:
                return module.id, offset - start
        return None
