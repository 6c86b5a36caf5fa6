"""Dynamic relocations: what the dynamic linker writes into a loaded object (gABI, "Relocation").

They are found through PT_DYNAMIC, which stripped files keep: section headers are not needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import PT_DYNAMIC
from gdb_tls.elf.symbols import name_at

# Tags of the dynamic section (gABI, "Dynamic Section").
DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ, DT_JMPREL = 2, 5, 6, 7, 8, 10, 23
# x86-64 psABI, table "Relocation Types"; AAELF64, "Dynamic relocations".
R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT = 6, 7
R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TPOFF64, R_X86_64_TLSDESC = 16, 17, 18, 36
R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT = 1025, 1026
R_AARCH64_TLS_DTPMOD, R_AARCH64_TLS_DTPREL, R_AARCH64_TLS_TPREL, R_AARCH64_TLSDESC = 1028, 1029, 1030, 1031

_RELA = struct.Struct("<QQq")
_SYMBOL = struct.Struct("<IBBHQQ")


class RelocationSymbol(NamedTuple):
    """The symbol that a relocation names.

    Attributes:
        name: as in the string table.
        value: `st_value`; for a TLS symbol the offset in its module's block.
        defined: whether this file defines it; another file's definition may still come first.
    """

    name: str
    value: int
    defined: bool


class Relocation(NamedTuple):
    """One entry of a RELA table.

    Attributes:
        address: what is written to, as the file is linked.
        type: the architecture's number (R_...).
        symbol: None where the entry names none.
        addend: `r_addend`.
    """

    address: int
    type: int
    symbol: RelocationSymbol | None
    addend: int


def relocations(file: ElfFile, types: frozenset[int]) -> Iterator[Relocation]:
    """Yields the dynamic relocations of some types, of a 64-bit little-endian file.

    A file without a dynamic section (a static executable) has none; tables that are cut off end early.
    """
    dynamic = _dynamic_section(file)
    for table, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        rows = file.at_address(dynamic.get(table, 0), dynamic.get(size, 0)) if table in dynamic else None
        for address, info, addend in _RELA.iter_unpack(rows[: len(rows) // 24 * 24] if rows else b""):
            kind = info & 0xFFFFFFFF
            if kind in types:
                yield Relocation(address, kind, _symbol(file, dynamic, info >> 32), addend)


def _dynamic_section(file: ElfFile) -> dict[int, int]:
    header = next((one for one in file.segments if one.type == PT_DYNAMIC), None)
    data = file.at_address(header.address, header.file_size) if header else None
    found: dict[int, int] = {}
    for tag, value in struct.iter_unpack("<qQ", data[: len(data) // 16 * 16] if data else b""):
        if tag == 0:
            break
        found.setdefault(tag, value)
    return found


def _symbol(file: ElfFile, dynamic: dict[int, int], index: int) -> RelocationSymbol | None:
    row = file.at_address(dynamic.get(DT_SYMTAB, 0) + index * _SYMBOL.size, _SYMBOL.size) if index else None
    if row is None:
        return None
    name, _, _, section, value, _ = _SYMBOL.unpack(row)
    strings = dynamic.get(DT_STRTAB, 0)
    size = min(4096, dynamic.get(DT_STRSZ, 0) - name)
    text = file.at_address(strings + name, size) if size > 0 else None
    return RelocationSymbol(name_at(text, 0) if text else "", value, section != 0)
