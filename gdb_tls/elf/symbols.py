"""Symbol tables, searched without making an object of every symbol."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from gdb_tls.tuples import NamedTuple

STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_TLS, STT_GNU_IFUNC = 0, 1, 2, 6, 10
STT_FILE = 4
FUNCTIONS = (STT_FUNC, STT_GNU_IFUNC)
PLACES = (STT_NOTYPE, STT_OBJECT, *FUNCTIONS)
SHN_UNDEF, SHN_LORESERVE = 0, 0xFF00


class ElfSymbol(NamedTuple):
    """One row of a symbol table.

    Attributes:
        name: as in the string table.
        value: `st_value`: the address, or for a TLS symbol the offset in the block.
        size: `st_size` in bytes.
        exported: in `.dynsym`, not local, and of default visibility.
        is_local: STB_LOCAL: `static` in C.
        file: the source file of a local symbol (the STT_FILE row before it); else empty.
        source: "symtab", "debug-file" or "dynsym".
        emulated: of emulated TLS: the name and size are the variable's, and the value is 0.
    """

    name: str
    value: int
    size: int
    exported: bool
    is_local: bool
    file: str
    source: str
    emulated: bool = False


class _SymbolTable:
    """A symbol section and its strings, scanned without an object for each row."""

    def __init__(self, rows: bytes, strings: bytes, pointer_size: int, order: str, is_dynamic: bool) -> None:
        self._wide = pointer_size == 8
        self._row_size = 24 if self._wide else 16
        self._rows = rows[: len(rows) // self._row_size * self._row_size]
        self._strings = strings
        self._order = order
        self.is_dynamic = is_dynamic

    def _row(self, index: int) -> tuple[int, int, int, int, int, int]:
        """(name, info, other, section, value, size) of one row (gABI, "Symbol Table")."""
        at = index * self._row_size
        if self._wide:
            name, info, other, section, value, size = struct.unpack_from(self._order + "IBBHQQ", self._rows, at)
        else:
            name, value, size, info, other, section = struct.unpack_from(self._order + "IIIBBH", self._rows, at)
        return name, info, other, section, value, size

    def _symbol(self, index: int, file: str = "") -> ElfSymbol | None:
        name, info, other, section, value, size = self._row(index)
        if section == SHN_UNDEF:
            return None
        exported = self.is_dynamic and info >> 4 != 0 and other & 3 == 0
        source = "dynsym" if self.is_dynamic else "symtab"
        return ElfSymbol(name_at(self._strings, name), value, size, exported, info >> 4 == 0, file, source)

    @cached_property
    def _kinds(self) -> bytes:
        """One byte a row: its type (STT_...)."""
        return self._rows[4 if self._wide else 12 :: self._row_size].translate(bytes(byte & 15 for byte in range(256)))

    @cached_property
    def _names(self) -> array[int]:
        """One string offset a row."""
        words = array("I", self._rows)
        if (self._order == "<") != (struct.pack("=H", 1) == b"\1\0"):
            words.byteswap()
        return words[:: self._row_size // 4]

    def tls(self) -> Iterator[ElfSymbol]:
        """All defined STT_TLS rows."""
        for index in _positions(self._kinds, bytes([STT_TLS])):
            _, info, _, _, _, _ = self._row(index)
            symbol = self._symbol(index, self._file_before(index) if info >> 4 == 0 else "")
            # Arm's ABIs mark data in every section with a symbol of the section's kind (AAELF64, "Mapping symbols").
            if symbol and symbol.name != "$d" and not symbol.name.startswith("$d."):
                yield symbol

    def objects(self, size: int) -> Iterator[ElfSymbol]:
        """All defined STT_OBJECT rows of a size in bytes."""
        for index in _positions(self._kinds, bytes([STT_OBJECT])):
            _, _, _, section, _, own = self._row(index)
            symbol = self._symbol(index) if own == size and section != SHN_UNDEF else None
            if symbol:
                yield symbol

    def _every_row(self) -> Iterator[tuple[int, int, int, int]]:
        """(name, info, section, value) of all rows: as `_row`, in a tenth of the time."""
        if self._wide:
            for name, info, _, section, value, _ in struct.iter_unpack(self._order + "IBBHQQ", self._rows):
                yield name, info, section, value
        else:
            for name, value, _, info, _, section in struct.iter_unpack(self._order + "IIIBBH", self._rows):
                yield name, info, section, value

    @cached_property
    def _functions(self) -> tuple[list[int], list[int]]:
        """(addresses, rows) of all defined functions, by address."""
        found = sorted(
            (value, index)
            for index, (_, info, section, value) in enumerate(self._every_row())
            if info & 15 in FUNCTIONS and section != SHN_UNDEF
        )
        return [value for value, _ in found], [index for _, index in found]

    def function_at(self, address: int) -> ElfSymbol | None:
        """The function that begins at an address, or the last one before it."""
        addresses, rows = self._functions
        at = bisect_right(addresses, address) - 1
        return self._symbol(rows[bisect_left(addresses, addresses[at])]) if at >= 0 else None

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        """(addresses, rows) of all that is defined at an address, by address and, there, by the place of the name."""
        found = sorted(
            (value, name, index)
            for index, (name, info, section, value) in enumerate(self._every_row())
            if value and name and SHN_UNDEF < section < SHN_LORESERVE and info & 15 in PLACES
        )
        return [value for value, _, _ in found], [index for _, _, index in found]

    def place_at(self, address: int) -> ElfSymbol | None:
        """What is defined at an address, or last before it."""
        addresses, rows = self._places
        at = bisect_right(addresses, address) - 1
        return self._symbol(rows[at]) if at >= 0 else None

    def _file_before(self, index: int) -> str:
        # gABI: the STT_FILE symbol precedes the other local symbols of its file.
        before = self._kinds.rfind(bytes([STT_FILE]), 0, index)
        return name_at(self._strings, self._row(before)[0]) if before >= 0 else ""

    def files(self) -> Iterator[str]:
        """The names of all STT_FILE rows."""
        for index in _positions(self._kinds, bytes([STT_FILE])):
            yield name_at(self._strings, self._row(index)[0])

    def by_name(self, names: Iterable[str]) -> Iterator[ElfSymbol]:
        """All defined rows with one of these names."""
        for name in names:
            wanted = name.encode() + b"\0"
            for offset in _positions(self._strings, wanted):
                yield from self._at_string(offset)

    def by_name_prefix(self, prefix: str) -> Iterator[ElfSymbol]:
        """All defined rows whose names begin so."""
        offsets = {offset + 1 for offset in _positions(self._strings, b"\0" + prefix.encode())}
        if not offsets:
            return
        for index, offset in enumerate(self._names):
            if offset in offsets:
                is_local = self._row(index)[1] >> 4 == 0
                symbol = self._symbol(index, self._file_before(index) if is_local else "")
                if symbol:
                    yield symbol

    def mentions(self, text: bytes) -> bool:
        """Whether its strings hold a text."""
        return text in self._strings

    def _at_string(self, offset: int) -> Iterator[ElfSymbol]:
        try:
            index = self._names.index(offset)
        except ValueError:
            return
        symbol = self._symbol(index)
        if symbol:
            yield symbol


def name_at(strings: bytes, offset: int) -> str:
    """The zero-terminated name at an offset of a string table."""
    end = strings.find(b"\0", offset)
    return strings[offset : end if end >= 0 else None].decode(errors="replace")


def _positions(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)
