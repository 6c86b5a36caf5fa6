"""Stubs of the procedure linkage table: by which name the dynamic linker looks for what they jump to.

x86-64 psABI, "Procedure Linkage Table"; AAELF64, "PLT".
"""

from __future__ import annotations

from functools import cached_property

from gdb_tls.code.functions import Functions
from gdb_tls.elf import relocations as numbers
from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import EM_X86_64
from gdb_tls.elf.relocations import relocations

_ENDBR64 = b"\xf3\x0f\x1e\xfa"
_BTI = (0xD503245F, 0xD503201F)  # bti c, nop


class Stubs:
    """The stubs of one file."""

    def __init__(self, file: ElfFile, functions: Functions) -> None:
        """Reads nothing yet."""
        self._file = file
        self._functions = functions
        self._known: dict[int, str | None] = {}

    def name(self, address: int) -> str | None:
        """The symbol that is called by a stub at an address, or through a GOT entry there; None for neither."""
        if address not in self._known:
            self._known[address] = self._slots.get(address) or self._slots.get(self.pointer(address) or 0)
        return self._known[address]

    @cached_property
    def names(self) -> frozenset[str]:
        """All that the file calls so."""
        return frozenset(self._slots.values())

    @cached_property
    def _slots(self) -> dict[int, str]:
        """The symbols of the GOT entries for functions, by the entry's address."""
        types = (
            (numbers.R_X86_64_JUMP_SLOT, numbers.R_X86_64_GLOB_DAT)
            if self._file.machine == EM_X86_64
            else (numbers.R_AARCH64_JUMP_SLOT, numbers.R_AARCH64_GLOB_DAT)
        )
        return {one.address: one.symbol.name for one in relocations(self._file, frozenset(types)) if one.symbol}

    def has(self, address: int) -> bool:
        """Whether an address lies in the table."""
        return any(start <= address < end for start, end in self._tables)

    @cached_property
    def _tables(self) -> list[tuple[int, int]]:
        found = [self._file.section_contents(name) for name in (".plt", ".plt.sec", ".plt.got", ".plt.bnd")]
        return [(one[0], one[0] + len(one[1])) for one in found if one]

    def pointer(self, address: int) -> int | None:
        """Where the pointer is through which a stub at an address jumps; None for other code."""
        code = self._functions.code(address, address + 20)
        if self._file.machine == EM_X86_64:
            at = 4 if code.startswith(_ENDBR64) else 0
            at += code[at : at + 1] == b"\xf2"
            if code[at : at + 2] != b"\xff\x25" or len(code) < at + 6:
                return None
            return address + at + 6 + int.from_bytes(code[at + 2 : at + 6], "little", signed=True)
        words = [int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code) // 4 * 4, 4)]
        if words and words[0] in _BTI:
            words, address = words[1:], address + 4
        # adrp x16, page; ldr x17, [x16, #low]
        if len(words) < 2 or words[0] & 0x9F00001F != 0x90000000 | 16 or words[1] & 0xFFC003FF != 0xF9400211:
            return None
        pages = (words[0] >> 5 & 0x7FFFF) << 2 | words[0] >> 29 & 3
        page = (address >> 12) + (pages - (1 << 21) if pages >> 20 else pages)
        return (page << 12) + (words[1] >> 10 & 0xFFF) * 8
