"""The objects that the program has loaded, from its own memory.

The kernel's auxiliary vector leads to the executable's program headers, those to its
dynamic section, DT_DEBUG to `struct r_debug` and that to the chain of `struct link_map`
(System V gABI, "Program Interpreter"; glibc elf/link.h).  This needs no help from the
debugger beyond reading memory, so it works where GDB lists no libraries.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import (
    PROGRAM_HEADER,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    PT_PHDR,
    PT_TLS,
    ProgramHeader,
    TlsSegment,
    program_headers,
    table_size,
)
from gdb_tls.elf.notes import find_build_id
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import Target, UnreadableMemory

AT_PHDR, AT_PHNUM, AT_EXECFN = 3, 5, 31
DT_NULL, DT_DEBUG = 0, 21

# The vDSO: the kernel's own object, which has no file.
KERNEL_OBJECTS = ("linux-vdso.so", "linux-gate.so", "linux-vdso64.so", "linux-vdso32.so")
MOST_OBJECTS = 100_000
MOST_HEADERS = 1024
LONGEST_NAME = 4096
LARGEST_DYNAMIC_SECTION = 1 << 16


class Words:
    """Words and strings of the program's memory, in its own size and byte order."""

    def __init__(self, target: Target) -> None:
        """Takes pointer size and byte order from the target's architecture."""
        self._memory = target.memory
        self.size = target.architecture.pointer_size
        self.order = "<" if target.architecture.byte_order == "little" else ">"
        self.format = self.order + ("Q" if self.size == 8 else "I")

    def read(self, address: int) -> int:
        """Reads one unsigned word."""
        return int(struct.unpack(self.format, self._memory.read(address, self.size))[0])

    def read_some(self, address: int, count: int) -> tuple[int, ...]:
        """Reads adjacent unsigned words."""
        data = self._memory.read(address, count * self.size)
        return struct.unpack(f"{self.order}{count}{self.format[1]}", data)

    def string(self, address: int) -> str:
        """Reads a zero-terminated string, a piece at a time so as not to run into a hole."""
        found = b""
        while len(found) < LONGEST_NAME:
            piece = 256 - address % 256
            found += self._memory.read(address, piece)
            if b"\0" in found:
                return os.fsdecode(found.split(b"\0", 1)[0])
            address += piece
        raise UnreadableMemory(address)


class LoadedObject(NamedTuple):
    """One entry of the program's link map.

    Attributes:
        link_map: the address of its `struct link_map`; 0 where there is none (a static executable).
        load_base: what is added to the file's addresses (`l_addr`).
        target_path: `l_name`; empty for the executable.
        dynamic: the address of its dynamic section (`l_ld`); 0 where there is none.
        path: the file on this machine; None where it is missing.
        build_id: of the object in memory or else of the file; None where neither has one.
        problem: why `path` is None; empty where it is not.
    """

    link_map: int
    load_base: int
    target_path: str
    dynamic: int
    path: str | None
    build_id: str | None
    problem: str = ""

    @property
    def name(self) -> str:
        """The last part of the file's name."""
        return os.path.basename(self.target_path or self.path or "") or "the executable"

    @property
    def file(self) -> ElfFile | None:
        """The opened file; None where it is missing."""
        return open_elf(self.path) if self.path else None

    def module(self, number: int, segment: TlsSegment, static_offset: int | None) -> Module:
        """The object as a TLS module, for a C library that keeps no list of them."""
        return Module(
            id=number,
            name=self.name,
            path=self.path,
            target_path=self.target_path,
            load_base=self.load_base,
            generation=0,
            static_offset=static_offset,
            segment=segment,
            build_id=self.build_id,
            problem=self.problem,
        )


class LoadedObjects:
    """Finds the loaded objects and their files.  Every walk is bounded."""

    def __init__(self, target: Target) -> None:
        """Reads nothing yet."""
        self._target = target
        self._words = Words(target)

    @cached_property
    def all(self) -> list[LoadedObject]:
        """The executable and everything on its link map, in load order."""
        found: list[LoadedObject] = []
        with suppress(UnreadableMemory):  # what came before a damaged link is still good
            for address in self._link_maps():
                found.append(self.from_link_map(address))
        return found or [self._executable()]

    @property
    def list_is_lost(self) -> bool:
        """Whether the program has a dynamic loader, but its link map cannot be read."""
        dynamic = any(header.type == PT_INTERP for header in self._executable_headers)
        return dynamic and not any(loaded.link_map for loaded in self.all)

    @cached_property
    def interpreter(self) -> str:
        """The dynamic loader that the executable asks for (PT_INTERP); empty for a static one."""
        header = next((one for one in self._executable_headers if one.type == PT_INTERP), None)
        if header is None:
            return ""
        try:
            return self._words.string(self._interpreter_address)
        except UnreadableMemory:
            file = self._executable().file
            raw = file.at_address(header.address, header.file_size) if file else None
            return os.fsdecode(raw.rstrip(b"\0")) if raw else "?"

    @cached_property
    def _interpreter_address(self) -> int:
        header = next((one for one in self._executable_headers if one.type == PT_INTERP), None)
        return (self._executable_base or 0) + header.address if header else 0

    def symbol_address(self, *names: str, likely: str = "") -> tuple[LoadedObject, ElfSymbol, int] | None:
        """Finds an object that defines one of the symbols, and the symbol's address in memory.

        Args:
            names: the symbols, the best first.
            likely: how the name of the object begins that is asked first.
        """
        for loaded in sorted(self.all, key=lambda one: not (likely and one.name.startswith(likely))):
            symbols = loaded.file.symbols(names) if loaded.file else {}
            for name in names:
                if name in symbols:
                    return loaded, symbols[name], loaded.load_base + symbols[name].value
        return None

    def from_link_map(self, address: int) -> LoadedObject:
        """Reads one `struct link_map` (its public head: l_addr, l_name, l_ld).

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        load_base, name, dynamic = self._words.read_some(address, 3)
        try:
            target_path = self._words.string(name) if name else ""
        except UnreadableMemory:
            # The loader's own name is the executable's PT_INTERP string, which a core need not hold.
            target_path = self.interpreter if name == self._interpreter_address else ""
        return self._identify(address, load_base, target_path, dynamic)

    def _executable(self) -> LoadedObject:
        return self._identify(0, self._executable_base or 0, "", 0)

    def _identify(self, link_map: int, load_base: int, target_path: str, dynamic: int) -> LoadedObject:
        # The executable has no name, and a static one is on no list.
        if link_map and not target_path and self._first_link_map not in (0, link_map):
            problem = f"the name of the object that is loaded at 0x{load_base:x} cannot be read"
            return LoadedObject(link_map, load_base, "", dynamic, None, self._build_id(load_base), problem)
        path = self._target.file_for(target_path, dynamic) if target_path or dynamic else self._target.executable
        in_memory = self._build_id(load_base)
        shown = target_path or self._target.executable or self._noted_name or "the executable"
        wanted = f"{shown} (build id {in_memory})" if in_memory else shown
        if path is None and target_path.startswith(KERNEL_OBJECTS):
            return LoadedObject(link_map, load_base, target_path, dynamic, None, in_memory)
        if path is None:
            return LoadedObject(
                link_map, load_base, target_path, dynamic, None, in_memory, f"the file {wanted} is not on this machine"
            )
        try:
            in_file = open_elf(path).build_id
        except NotElf as error:
            return LoadedObject(link_map, load_base, target_path, dynamic, None, in_memory, str(error))
        if in_memory and in_file and in_memory != in_file:
            problem = f"{path} is another build (build id {in_file}) than the program's {wanted}"
            return LoadedObject(link_map, load_base, target_path, dynamic, None, in_memory, problem)
        return LoadedObject(link_map, load_base, target_path, dynamic, path, in_memory or in_file)

    @cached_property
    def _noted_name(self) -> str:
        """The name under which the kernel started the executable."""
        try:
            return self._words.string(self._target.auxiliary_vector().get(AT_EXECFN, 0))
        except UnreadableMemory:
            return ""

    def _build_id(self, load_base: int) -> str | None:
        for header in self.headers_at(load_base):
            if header.type == PT_NOTE and header.size < 1 << 16:
                try:
                    notes = self._target.memory.read(load_base + header.address, header.size)
                except UnreadableMemory:
                    continue
                found = find_build_id(notes, self._words.order)
                if found:
                    return found
        return None

    def tls_segment_at(self, load_base: int) -> TlsSegment | None:
        """The PT_TLS header from memory, for an object whose file is missing."""
        for header in self.headers_at(load_base):
            if header.type == PT_TLS:
                return TlsSegment(header.address, header.file_size, header.size, max(header.alignment, 1))
        return None

    def headers_at(self, load_base: int) -> list[ProgramHeader]:
        """The program headers of the ELF image that is loaded at a base; empty where they cannot be read."""
        if load_base == self._executable_base:
            return self._executable_headers
        wide = self._words.size == 8
        try:
            head = self._target.memory.read(load_base, 64 if wide else 52)
            if not load_base or head[:4] != b"\x7fELF":
                return []
            offset = struct.unpack_from(self._words.format, head, 32 if wide else 28)[0]
            count = struct.unpack_from(self._words.order + "H", head, 56 if wide else 44)[0]
            return self._headers(load_base + offset, count)
        except UnreadableMemory:
            return []

    def _headers(self, address: int, count: int) -> list[ProgramHeader]:
        size = table_size(min(count, MOST_HEADERS), self._words.size, PROGRAM_HEADER)
        return list(program_headers(self._target.memory.read(address, size), self._words.size, self._words.order))

    @cached_property
    def _executable_headers(self) -> list[ProgramHeader]:
        vector = self._target.auxiliary_vector()
        if AT_PHDR not in vector:
            return []
        try:
            found = self._headers(vector[AT_PHDR], vector.get(AT_PHNUM, 0))
        except UnreadableMemory:
            return self._file_headers()
        return found if any(header.type == PT_LOAD for header in found) else self._file_headers()

    def _file_headers(self) -> list[ProgramHeader]:
        try:
            return open_elf(self._target.executable).segments if self._target.executable else []
        except NotElf:
            return []

    @cached_property
    def _executable_base(self) -> int | None:
        start = self._target.auxiliary_vector().get(AT_PHDR)
        if start is None:
            return None
        for header in self._executable_headers:
            if header.type == PT_PHDR:
                return start - header.address
        # A static executable has no PT_PHDR: its headers lie in the segment that maps offset 0.
        for header in self._executable_headers:
            if header.type == PT_LOAD and header.offset == 0:
                return start - 64 - header.address if self._words.size == 8 else start - 52 - header.address
        return None

    def _link_maps(self) -> Iterator[int]:
        seen: set[int] = set()
        address = self._first_link_map
        while address and address not in seen and len(seen) < MOST_OBJECTS:
            seen.add(address)
            yield address
            try:
                address = self._words.read(address + 3 * self._words.size)
            except UnreadableMemory:
                return

    @cached_property
    def _first_link_map(self) -> int:
        base = self._executable_base
        if base is None:
            return 0
        for header in self._executable_headers:
            if header.type == PT_DYNAMIC:
                count = min(header.size, LARGEST_DYNAMIC_SECTION) // self._words.size
                entries = self._words.read_some(base + header.address, count)
                for tag, value in zip(entries[::2], entries[1::2]):
                    if tag == DT_DEBUG and value:
                        return self._words.read(value + self._words.size)  # r_map follows r_version
                    if tag == DT_NULL:
                        break
        return 0
