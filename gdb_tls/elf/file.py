"""ELF files: program headers, build ids, symbols.

Symbol tables are scanned, because a table of half a million symbols must not cost half a million
Python objects: only the rows that are wanted become `ElfSymbol`s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from io import BytesIO
from typing import BinaryIO

from gdb_tls.elf import headers
from gdb_tls.elf.compressed import has_zstd, is_of_zstd, unpacked, unpacked_as_gnu
from gdb_tls.elf.dynamic import entries, symbol_table
from gdb_tls.elf.headers import ProgramHeader, SectionHeader, TlsSegment
from gdb_tls.elf.notes import find_build_id
from gdb_tls.elf.symbols import ElfSymbol, _SymbolTable, name_at

MOST_AT_ONCE = 1 << 30


class NotElf(Exception):
    """The file cannot be read as ELF; the text says why."""


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
        return headers.program_headers(table, self.pointer_size, self._order)

    @property
    def type(self) -> int:
        """`e_type` (ET_...)."""
        return self._header.type

    def read(self, offset: int, size: int) -> bytes:
        """Reads bytes by their place in the file; fewer where it ends before."""
        return self._read(offset, size)

    @cached_property
    def is_debug_only(self) -> bool:
        """Whether it is a separate debug file: it has the headers of code and data, but not their bytes."""
        if self.is_core:
            return False  # its sections, where it has any, are as many as its segments
        held = [self._sections[name] for name in (".text", ".dynamic", ".eh_frame", ".data") if name in self._sections]
        return bool(held) and all(section.type == headers.SHT_NOBITS for section in held)

    @cached_property
    def is_relocatable(self) -> bool:
        """Whether it may be loaded anywhere (ET_DYN)."""
        return self._header.type == headers.ET_DYN

    @property
    def machine(self) -> int:
        """The architecture (`e_machine`, EM_...)."""
        return self._header.machine

    @cached_property
    def is_program(self) -> bool:
        """Whether it is an executable.

        One that may be loaded anywhere says so (DF_1_PIE) since binutils 2.26; before, it was what has an interpreter
        and no name for others to link with.  The C library has an interpreter, too.
        """
        if self._header.type == headers.ET_EXEC:
            return True
        has_interpreter = any(one.type == headers.PT_INTERP for one in self.segments)
        pie = bool(self.dynamic.get(headers.DT_FLAGS_1, 0) & headers.DF_1_PIE)
        return pie or (has_interpreter and headers.DT_SONAME not in self.dynamic)

    @cached_property
    def is_core(self) -> bool:
        """Whether it is a core dump (ET_CORE)."""
        return self._header.type == headers.ET_CORE

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
        # What dwz moves common parts to has no segments.
        section = None if self.segments else self._sections.get(".note.gnu.build-id")
        return find_build_id(self._contents(section), self._order) if section else None

    def at_address(self, address: int, size: int, *, constant: bool = False) -> bytes | None:
        """Reads bytes by the address they are linked at; None where the file has none there.

        Args:
            address: where.
            size: how many.
            constant: whether only those are wanted that cannot change, not even by relocation.
        """
        for header in self.segments if not self.is_debug_only else []:
            end = header.address + header.file_size
            if constant and header.flags & headers.PF_W:
                continue
            if header.type == headers.PT_LOAD and header.address <= address and address + size <= end:
                found = self._read(header.offset + address - header.address, size)
                return found if len(found) == size else None
        return None

    def has_section(self, name: str) -> bool:
        """Whether it has a section of a name."""
        return name in self._sections

    def section_contents(self, name: str) -> tuple[int, bytes] | None:
        """(address, bytes) of a section by its name; None where the file has no such section, or no bytes of it."""
        section = self._sections.get(name)
        if section is None or section.type == headers.SHT_NOBITS:
            return None
        return section.address, self._contents(section)

    def debug_section(self, name: str) -> bytes:
        """The bytes of a section of debug information, unpacked; empty where there is none that can be read."""
        section = self._sections.get(name)
        if section is None or section.type == headers.SHT_NOBITS:
            old = self._sections.get(f".z{name[1:]}")  # as before the gABI knew of compression: -gz=zlib-gnu
            return unpacked_as_gnu(self._contents(old)) if old else b""
        raw = self._contents(section)
        return unpacked(raw, self.pointer_size, self._order) if section.flags & headers.SHF_COMPRESSED else raw

    @cached_property
    def cannot_be_unpacked(self) -> bool:
        """Whether its debug information is zstd's, and nothing here unpacks that."""
        section = self._sections.get(".debug_info")
        packed = section is not None and section.flags & headers.SHF_COMPRESSED and not has_zstd()
        return bool(section and packed and is_of_zstd(self._read(section.offset, 4), self._order))

    @cached_property
    def is_stripped(self) -> bool:
        """Whether it has no table of its local symbols: no `.symtab`, nor a compressed one."""
        return not (self._own_tables(".symtab") or self._mini_debug_tables())

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

    def every_with_prefix(self, prefix: str) -> list[ElfSymbol]:
        """All defined symbols whose names begin with a prefix, those of one name too; the same one comes once."""
        found: dict[tuple[str, int], ElfSymbol] = {}
        for table in self._tables:
            for symbol in table.by_name_prefix(prefix):
                found.setdefault((symbol.name, symbol.value), symbol)
        return list(found.values())

    def objects(self, size: int) -> list[ElfSymbol]:
        """All defined variables of a size in bytes that are not thread-local; the same one comes once."""
        found = {(one.name, one.value): one for table in self._tables[::-1] for one in table.objects(size)}
        return list(found.values())

    def mentions(self, text: bytes) -> bool:
        """Whether the names of its symbols, defined here or not, hold a text."""
        return any(table.mentions(text) for table in self._tables)

    def function_at(self, address: int) -> ElfSymbol | None:
        """The defined function that begins at an address, or the last one before it."""
        tables = [table for table in self._tables if not table.is_dynamic] or self._tables
        best: ElfSymbol | None = None
        for table in tables:
            symbol = table.function_at(address)
            if symbol and (best is None or symbol.value > best.value):
                best = symbol
        return best

    def place_at(self, address: int) -> ElfSymbol | None:
        """The function or object of a name that holds an address, or begins before it where its size is not known."""
        best: ElfSymbol | None = None
        for table in self._tables:
            symbol = table.place_at(address)
            # Of one place's names that of the fuller table; it comes last.
            if symbol and (best is None or symbol.value >= best.value):
                best = symbol
        return best if best and (not best.size or address < best.value + best.size) else None

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
    def source_files(self) -> set[str]:
        """The source files that the symbol table names."""
        return {name for table in self._tables if not table.is_dynamic for name in table.files() if name}

    @cached_property
    def _dynamic_table(self) -> _SymbolTable | None:
        return next((table for table in self._tables if table.is_dynamic), None)

    @cached_property
    def _tables(self) -> list[_SymbolTable]:
        return [
            *(self._own_tables(".dynsym") or self._loaded_tables()),
            *(self._own_tables(".symtab") or self._mini_debug_tables()),
        ]

    def _own_tables(self, name: str) -> list[_SymbolTable]:
        section, table = self._sections.get(name), self._section_table
        strings = table[section.link] if section and section.link < len(table) else None
        if section is None or strings is None or headers.SHT_NOBITS in (section.type, strings.type):
            return []
        rows, names = self._contents(section), self._contents(strings)
        return [_SymbolTable(rows, names, self.pointer_size, self._order, name == ".dynsym")]

    @cached_property
    def dynamic(self) -> dict[int, int]:
        """Tag -> value of the dynamic section; empty where there is none."""
        header = next((one for one in self.segments if one.type == headers.PT_DYNAMIC), None)
        data = self.at_address(header.address, header.file_size) if header else None
        return entries(data or b"", self.pointer_size, self._order)

    def _loaded_tables(self) -> list[_SymbolTable]:
        """The loader's symbol table, of a file without section headers."""
        if self._section_table:
            return []
        found = symbol_table(self.dynamic, self.at_address, self._order)
        return [_SymbolTable(*found, self.pointer_size, self._order, True)] if found else []

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
        size = min(size, self._length - offset)
        if self._descriptor is not None and size <= MOST_AT_ONCE:
            # Forked processes share a file's position: none is used.
            return os.pread(self._descriptor, size, offset)
        self._stream.seek(offset)
        return self._stream.read(size)

    @cached_property
    def _descriptor(self) -> int | None:
        try:
            return self._stream.fileno()
        except OSError:  # bytes in memory
            return None

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
