"""Dynamic relocations: what the dynamic linker writes into a loaded object (gABI, "Relocation").

They are found through PT_DYNAMIC, which stripped files keep: section headers are not needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gdb_tls.elf.dynamic import DT_STRSZ, DT_STRTAB, DT_SYMTAB
from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.symbols import name_at
from gdb_tls.tuples import NamedTuple

# Tags of the dynamic section (gABI, "Dynamic Section").
DT_PLTRELSZ, DT_RELA, DT_RELASZ = 2, 7, 8
DT_REL, DT_RELSZ, DT_PLTREL, DT_JMPREL = 17, 18, 20, 23
# x86-64 psABI, table "Relocation Types"; AAELF64, "Dynamic relocations".
R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE = 6, 7, 8
R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TPOFF64, R_X86_64_TLSDESC = 16, 17, 18, 36
R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT, R_AARCH64_RELATIVE = 1025, 1026, 1027
R_AARCH64_TLS_DTPMOD, R_AARCH64_TLS_DTPREL, R_AARCH64_TLS_TPREL, R_AARCH64_TLSDESC = 1028, 1029, 1030, 1031

# By the size of an address: Elf_Rel(a), Elf_Sym's st_name, st_value and st_shndx.
_REL, _RELA = {4: "II", 8: "QQ"}, {4: "IIi", 8: "QQq"}
_SYMBOL = {4: "II4x2xH", 8: "I2xHQ8x"}


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
    """One entry of a REL or RELA table.

    Attributes:
        address: what is written to, as the file is linked.
        type: the architecture's number (R_...).
        symbol: None where the entry names none.
        addend: `r_addend`; of a REL table, the word that the file has there.
    """

    address: int
    type: int
    symbol: RelocationSymbol | None
    addend: int


def relocations(file: ElfFile, types: frozenset[int]) -> Iterator[Relocation]:
    """Yields the dynamic relocations of some types.

    A file without a dynamic section (a static executable) has none; tables that are cut off end early.
    """
    dynamic = file.dynamic
    shift, mask = (32, 0xFFFFFFFF) if file.pointer_size == 8 else (8, 0xFF)
    for table, size, form in (
        (DT_RELA, DT_RELASZ, _RELA),
        (DT_REL, DT_RELSZ, _REL),
        (DT_JMPREL, DT_PLTRELSZ, _REL if dynamic.get(DT_PLTREL) == DT_REL else _RELA),
    ):
        rows = file.at_address(dynamic.get(table, 0), dynamic.get(size, 0)) if table in dynamic else None
        for address, info, *addend in _unpack(file, form, rows):
            if info & mask in types:
                symbol = _symbol(file, dynamic, info >> shift)
                yield Relocation(address, info & mask, symbol, addend[0] if addend else _word(file, address))


def _unpack(file: ElfFile, form: dict[int, str], data: bytes | None) -> Iterator[tuple[int, ...]]:
    """The whole rows of a table."""
    row = struct.Struct(("<" if file.byte_order == "little" else ">") + form[file.pointer_size])
    return row.iter_unpack(data[: len(data) // row.size * row.size] if data else b"")


def _word(file: ElfFile, address: int) -> int:
    data = file.at_address(address, file.pointer_size)
    return int.from_bytes(data, "big" if file.byte_order == "big" else "little", signed=True) if data else 0


def _symbol(file: ElfFile, dynamic: dict[int, int], index: int) -> RelocationSymbol | None:
    size = 24 if file.pointer_size == 8 else 16
    row = file.at_address(dynamic.get(DT_SYMTAB, 0) + index * size, size) if index else None
    if row is None:
        return None
    if file.pointer_size == 8:
        ((name, section, value),) = _unpack(file, _SYMBOL, row)
    else:
        ((name, value, section),) = _unpack(file, _SYMBOL, row)
    strings = dynamic.get(DT_STRTAB, 0)
    size = min(4096, dynamic.get(DT_STRSZ, 0) - name)
    text = file.at_address(strings + name, size) if size > 0 else None
    return RelocationSymbol(name_at(text, 0) if text else "", value, section != 0)
