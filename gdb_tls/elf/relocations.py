"""Dynamic relocations (gABI, "Dynamic Section", "Relocation"), as the loader finds them: stripped files keep these."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import PT_DYNAMIC

DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ, DT_JMPREL = 2, 5, 6, 7, 8, 10, 23
DT_FLAGS_1, DF_1_PIE = 0x6FFFFFFB, 0x08000000
SHN_UNDEF, STT_TLS = 0, 6
SYMBOL_SIZE, RELOCATION = 24, "QQq"


class Relocation(NamedTuple):
    """One row of `Elf64_Rela`.

    Attributes:
        address: the word it fills, without the load base.
        type: R_X86_64_..., R_AARCH64_...
        symbol: the name it refers to; empty for none.
        value: the symbol's `st_value`; 0 without a symbol, and for one that is defined elsewhere.
        defined: whether the symbol is defined in this file.
        addend: `r_addend`.
    """

    address: int
    type: int
    symbol: str
    value: int
    defined: bool
    addend: int


def dynamic_entries(file: ElfFile) -> dict[int, int]:
    """The dynamic section as {tag: value}; empty for a static executable.  Of a repeated tag the first counts."""
    found: dict[int, int] = {}
    for segment in file.segments:
        if segment.type == PT_DYNAMIC:
            table = file.at_address(segment.address, segment.file_size) or b""
            for tag, value in struct.iter_unpack("<QQ", table[: len(table) // 16 * 16]):
                if tag == 0:
                    break
                found.setdefault(tag, value)
    return found


def relocations(file: ElfFile, types: frozenset[int]) -> Iterator[Relocation]:
    """All dynamic relocations of some types in a 64-bit little-endian file that uses RELA.

    Files without section headers have them too.  RELR (relative relocations only) has none of interest.
    """
    dynamic = dynamic_entries(file)
    for start, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        table = file.at_address(dynamic.get(start, 0), dynamic.get(size, 0)) if dynamic.get(size) else None
        form = struct.Struct("<" + RELOCATION)
        for address, info, addend in form.iter_unpack((table or b"")[: len(table or b"") // form.size * form.size]):
            if info & 0xFFFFFFFF in types:
                symbol, value, defined = _symbol(file, dynamic, info >> 32)
                yield Relocation(address, info & 0xFFFFFFFF, symbol, value, defined, addend)


def _symbol(file: ElfFile, dynamic: dict[int, int], index: int) -> tuple[str, int, bool]:
    row = file.at_address(dynamic.get(DT_SYMTAB, 0) + index * SYMBOL_SIZE, SYMBOL_SIZE) if index else None
    if row is None:
        return "", 0, True
    name, _, _, section, value, _ = struct.unpack("<IBBHQQ", row)
    return _string(file, dynamic, name), value, section != SHN_UNDEF


def _string(file: ElfFile, dynamic: dict[int, int], offset: int) -> str:
    size = min(512, dynamic.get(DT_STRSZ, 0) - offset)
    found = file.at_address(dynamic.get(DT_STRTAB, 0) + offset, size) if size > 0 else None
    name, end, _ = (found or b"").partition(b"\0")
    if found and not end and size == 512:  # longer than most: the whole rest
        rest = file.at_address(dynamic[DT_STRTAB] + offset, dynamic[DT_STRSZ] - offset) or b""
        name = rest.split(b"\0", 1)[0]
    return name.decode(errors="replace")
