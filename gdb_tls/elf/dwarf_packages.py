"""A package of .dwo files (.dwp), which `dwp` and the linker make: each unit's part of its sections.

Sources: DWARF 5, section 7.3.5; for version 4, gcc.gnu.org/wiki/DebugFissionDWP.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from gdb_tls.elf.file import ElfFile

# What is told apart by unit; texts belong to all of them.  Both versions number these alike.
SECTIONS = {1: ".debug_info", 3: ".debug_abbrev", 6: ".debug_str_offsets"}
MOST_SECTIONS = 16


class Package:
    """One package."""

    def __init__(self, file: ElfFile) -> None:
        """Takes the file; its index is read when it is asked for."""
        self.file = file
        self._index = file.debug_section(".debug_cu_index")

    def places(self, identity: int) -> Mapping[str, tuple[int, int]] | None:
        """Where the sections of a unit begin and how many bytes they have; None where it is not in here."""
        row = self._rows.get(identity)
        if row is None or not 0 < row <= self._counts[1]:
            return None
        columns, units, slots = self._counts
        heads = 16 + 12 * slots
        found = {}
        for column in range(columns):
            name = SECTIONS.get(self._number(heads + 4 * column))
            at = heads + 4 * columns * row + 4 * column
            if name:
                found[name] = (self._number(at), self._number(at + 4 * columns * units))
        return found

    @cached_property
    def _counts(self) -> tuple[int, int, int]:
        """How many sections, units and slots the index has."""
        counts = self._number(4), self._number(8), self._number(12)
        whole = 16 + 12 * counts[2] + 4 * counts[0] * (1 + 2 * counts[1])
        return counts if 0 < counts[0] <= MOST_SECTIONS and whole <= len(self._index) else (0, 0, 0)

    @cached_property
    def _rows(self) -> Mapping[int, int]:
        """Unit's identity -> its row, from 1 on."""
        slots = self._counts[2]
        return {self._number(16 + 8 * slot, 8): self._number(16 + 8 * slots + 4 * slot) for slot in range(slots)}

    def _number(self, at: int, size: int = 4) -> int:
        order = "little" if self.file.byte_order == "little" else "big"
        return int.from_bytes(self._index[at : at + size], order)  # type: ignore[arg-type]
