"""Where an executable's own block lies, which its code may know without asking."""

from __future__ import annotations

import struct
from functools import cached_property

from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import EM_X86_64, PF_W, PT_LOAD

PT_GNU_RELRO = 0x6474E552
# The size of what lies between the thread pointer and the executable's block (AArch64: two words).
AARCH64_TCB = 16


class OwnBlock:
    """The block of one file."""

    def __init__(self, file: ElfFile) -> None:
        """Reads nothing yet."""
        self._file = file

    @cached_property
    def place(self) -> tuple[int, int, int] | None:
        """(first, behind the last) offset from the thread pointer of an executable's block, and what to add.

        Drepper, "ELF Handling For Thread-Local Storage", section 3: the executable's block is next to the thread
        pointer, below it (variant II, x86-64) or above it (variant I, AArch64).
        """
        segment = self._file.tls_segment
        if segment is None or not self._file.is_program:
            return None
        if self._file.machine == EM_X86_64:
            below = segment.size + (-segment.address - segment.size) % segment.alignment
            return -below, segment.size - below, below
        above = AARCH64_TCB + (segment.address - AARCH64_TCB) % segment.alignment
        return above, above + segment.size, -above

    def word(self, address: int) -> int | None:
        """The offset from the thread pointer that the linker itself put into a fixed place; None for other words.

        In an executable an initial-exec slot needs no relocation, and in a static one there are none.
        """
        place = self.place
        if place is None or not any(start <= address <= end - 8 for start, end in self._fixed):
            return None
        data = self._file.at_address(address, 8)
        word = struct.unpack("<q", data)[0] if data else 0
        return word if place[0] <= word < place[1] else None

    @cached_property
    def _fixed(self) -> list[tuple[int, int]]:
        """Where the file's own bytes stay what they are, at the latest after relocation."""
        return [
            (header.address, header.address + header.size)
            for header in self._file.segments
            if header.type == PT_GNU_RELRO or (header.type == PT_LOAD and not header.flags & PF_W)
        ]
