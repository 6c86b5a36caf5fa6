"""ELF files: program headers, build ids, symbols.

Symbol tables are scanned, because a table of half a million symbols must not cost half a million
Python objects: only the rows that are wanted become `ElfSymbol`s.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from io import BytesIO
from typing import BinaryIO, NamedTuple

from gdb_tls.elf import headers
from gdb_tls.elf.headers import ProgramHeader, SectionHeader
from gdb_tls.target.model import TlsSegment

STT_TLS = 6
STT_FILE = 4
SHN_UNDEF = 0


class NotElf(Exception):
    """The file cannot be read as ELF; the text says why."""


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
    """

    name: str
    value: int
    size: int
    exported: bool
    is_local: bool
    file: str
    source: str


class ElfFile:
    """One ELF file, open for as long as the object lives.

    Args:
        path: the file's name, for messages.
        stream: its bytes.  A file is read piece by piece and not mapped: were it rewritten
            in place, touching a mapping would kill the debugger (SIGBUS).

    Raises:
        NotElf: where the header cannot be read.
    """

    def __init__(self, path: str, stream: BinaryIO) -> None:
        """Reads the header; see the class."""
        self.path = path
        self._stream = stream
        try:
            self._header = headers.read_file_header(self._read(0, headers.LARGEST_HEADER))
        except (ValueError, OSError) as error:
            raise NotElf(f"{path} is not a whole ELF file ({error})") from error
        self.pointer_size = self._header.pointer_size
        self._order = self._header.order
        self.byte_order = "little" if self._order == "<" else "big"

    @cached_property
    def segments(self) -> list[ProgramHeader]:
        """All program headers.

        Raises:
            NotElf: where the file ends before they do.
        """
        count = self._header.program_header_count
        if count == headers.PN_XNUM and self._first_section:
            count = self._first_section.info
        size = headers.table_size(count, self.pointer_size, headers.PROGRAM_HEADER)
        table = self._read(self._header.program_headers, size)
        if len(table) < size:
            raise NotElf(f"{self.path} is not a whole ELF file (it ends in its program headers)")
        return list(headers.program_headers(table, self.pointer_size, self._order))

    @cached_property
    def is_relocatable(self) -> bool:
        """Whether it may be loaded anywhere (ET_DYN)."""
        return self._header.type == headers.ET_DYN

    @cached_property
    def is_core(self) -> bool:
        """Whether it is a core dump (ET_CORE)."""
        return self._header.type == headers.ET_CORE

    @cached_property
    def notes(self) -> list[tuple[int, bytes, bytes]]:
        """(type, name, contents) of every note, however damaged what comes after it."""
        found: list[tuple[int, bytes, bytes]] = []
        for header in self.segments:
            if header.type == headers.PT_NOTE:
                found += notes_in(self._read(header.offset, header.file_size), self._order)
        return found

    @cached_property
    def tls_segment(self) -> TlsSegment | None:
        """The PT_TLS header; None for a file without thread-local storage."""
        for header in self.segments:
            if header.type == headers.PT_TLS:
                return TlsSegment(header.address, header.file_size, header.size, max(header.alignment, 1))
        return None

    @cached_property
    def has_debug_info(self) -> bool:
        """Whether the file itself has DWARF that describes variables."""
        return not self._sections.keys().isdisjoint((".debug_info", ".zdebug_info"))

    @cached_property
    def build_id(self) -> str | None:
        """The NT_GNU_BUILD_ID note in lower-case hex."""
        for header in self.segments:
            if header.type == headers.PT_NOTE:
                found = find_build_id(self._read(header.offset, header.file_size), self._order)
                if found:
                    return found
        return None

    def at_address(self, address: int, size: int) -> bytes | None:
        """Reads bytes by the address they are linked at; None where the file has none there."""
        for header in self.segments:
            end = header.address + header.file_size
            if header.type == headers.PT_LOAD and header.address <= address and address + size <= end:
                found = self._read(header.offset + address - header.address, size)
                return found if len(found) == size else None
        return None

    def symbols(self, names: Iterable[str]) -> dict[str, ElfSymbol]:
        """Finds defined symbols by exact name, `.dynsym` before `.symtab`."""
        wanted = set(names)
        found: dict[str, ElfSymbol] = {}
        for table in self._tables:
            for symbol in table.by_name(wanted - found.keys()):
                found.setdefault(symbol.name, symbol)
        return found

    def symbols_with_prefix(self, prefix: str) -> dict[str, ElfSymbol]:
        """Finds all defined symbols whose names begin with a prefix."""
        found: dict[str, ElfSymbol] = {}
        for table in self._tables:
            for symbol in table.by_name_prefix(prefix):
                found.setdefault(symbol.name, symbol)
        return found

    def tls_symbols(self) -> list[ElfSymbol]:
        """All defined STT_TLS symbols; the same one in two tables comes once, from the fuller table."""
        exported = (
            {(s.name, s.value): s for s in self._dynamic_table.tls() if s.exported} if self._dynamic_table else {}
        )
        found: dict[tuple[str, int, str], ElfSymbol] = {}
        for table in self._tables[::-1]:
            for symbol in table.tls():
                dynamic = (symbol.name, symbol.value) in exported
                if table.is_dynamic and any((symbol.name, symbol.value) == key[:2] for key in found):
                    continue
                found[symbol.name, symbol.value, symbol.file] = symbol._replace(exported=dynamic)
        return list(found.values())

    @cached_property
    def _dynamic_table(self) -> _SymbolTable | None:
        return next((table for table in self._tables if table.is_dynamic), None)

    @cached_property
    def _tables(self) -> list[_SymbolTable]:
        return [*self._own_tables(".dynsym"), *(self._own_tables(".symtab") or self._mini_debug_tables())]

    def _own_tables(self, name: str) -> list[_SymbolTable]:
        section, table = self._sections.get(name), self._section_table
        strings = table[section.link] if section and section.link < len(table) else None
        if section is None or strings is None or headers.SHT_NOBITS in (section.type, strings.type):
            return []
        rows, names = self._contents(section), self._contents(strings)
        return [_SymbolTable(rows, names, self.pointer_size, self._order, name == ".dynsym")]

    @cached_property
    def _sections(self) -> dict[str, SectionHeader]:
        """The sections by name, as far as the headers are whole."""
        table = self._section_table
        index = self._header.names
        if index == headers.SHN_XINDEX and table:
            index = table[0].link
        names = self._contents(table[index]) if index < len(table) else b""
        return {name_at(names, section.name): section for section in table[::-1] if section.name < len(names)}

    @cached_property
    def _section_table(self) -> list[SectionHeader]:
        count = self._header.section_header_count
        if not count and self._first_section:
            count = self._first_section.size
        return self._section_headers(count)

    @cached_property
    def _first_section(self) -> SectionHeader | None:
        """Section header 0, which has the numbers that are too large for the file's header."""
        return next(iter(self._section_headers(1)), None)

    def _section_headers(self, count: int) -> list[SectionHeader]:
        if not self._header.section_headers:
            return []
        size = headers.table_size(count, self.pointer_size, headers.SECTION_HEADER)
        table = self._read(self._header.section_headers, size)
        return list(headers.section_headers(table, self.pointer_size, self._order))

    def _contents(self, section: SectionHeader) -> bytes:
        return self._read(section.offset, section.size)

    def _read(self, offset: int, size: int) -> bytes:
        # A damaged header may ask for more than there is, or than can be asked for.
        if not 0 <= offset < self._length:
            return b""
        self._stream.seek(offset)
        return self._stream.read(min(size, self._length - offset))

    @cached_property
    def _length(self) -> int:
        return self._stream.seek(0, os.SEEK_END)

    def _mini_debug_tables(self) -> list[_SymbolTable]:
        # "MiniDebugInfo" of the GDB manual: an xz-compressed ELF file that holds a .symtab.
        section = self._sections.get(".gnu_debugdata")
        if section is None:
            return []
        import lzma

        try:
            inner = ElfFile(f"{self.path} (.gnu_debugdata)", BytesIO(lzma.decompress(self._contents(section))))
        except (lzma.LZMAError, NotElf):
            return []
        return inner._own_tables(".symtab")

    @cached_property
    def debug_link(self) -> str | None:
        """The file name in `.gnu_debuglink`."""
        section = self._sections.get(".gnu_debuglink")
        if section is None:
            return None
        return self._contents(section).split(b"\0", 1)[0].decode(errors="replace")


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
            if symbol:
                yield symbol

    def _file_before(self, index: int) -> str:
        # gABI: the STT_FILE symbol precedes the other local symbols of its file.
        before = self._kinds.rfind(bytes([STT_FILE]), 0, index)
        return name_at(self._strings, self._row(before)[0]) if before >= 0 else ""

    def by_name(self, names: Iterable[str]) -> Iterator[ElfSymbol]:
        """All defined rows with one of these names."""
        for name in names:
            wanted = name.encode() + b"\0"
            for offset in _positions(self._strings, wanted):
                yield from self._at_string(offset)

    def by_name_prefix(self, prefix: str) -> Iterator[ElfSymbol]:
        """All defined rows whose names begin so."""
        offsets = {offset + 1 for offset in _positions(self._strings, b"\0" + prefix.encode())}
        for index, offset in enumerate(self._names):
            if offset in offsets:
                symbol = self._symbol(index)
                if symbol:
                    yield symbol

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


def find_build_id(notes: bytes, order: str) -> str | None:
    """Finds NT_GNU_BUILD_ID (3, "GNU") in the bytes of a note segment."""
    return next((data.hex() for kind, name, data in notes_in(notes, order) if (kind, name) == (3, b"GNU")), None)


def notes_in(notes: bytes, order: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields (type, name, contents) from the bytes of a note segment (gABI, "Note Section")."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, at)
        name_at = at + 12
        data_at = name_at + (name_size + 3 & ~3)
        if data_at + size > len(notes):
            return
        yield kind, notes[name_at : name_at + name_size].rstrip(b"\0"), notes[data_at : data_at + size]
        at = data_at + (size + 3 & ~3)


_open_files: dict[str, tuple[tuple[int, int, int], ElfFile]] = {}


def version(path: str) -> tuple[int, int, int]:
    """What changes when a file on disk does.

    Raises:
        OSError: where there is none.
    """
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def open_elf(path: str) -> ElfFile:
    """Opens a file, once for as long as it does not change on disk.

    Raises:
        NotElf: where it cannot be opened or is not ELF.
    """
    try:
        key = version(path)
        known = _open_files.get(path)
        if known and known[0] == key:
            return known[1]
        stream = open(path, "rb")  # noqa: SIM115 - open as long as the ElfFile
        try:
            found = ElfFile(path, stream)
        except NotElf:
            stream.close()
            raise
    except OSError as error:
        raise NotElf(f"{path} cannot be read ({error.strerror})") from error
    _open_files[path] = (key, found)
    return found
