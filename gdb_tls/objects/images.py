"""The ELF images in the program's memory: their program headers, build ids and dynamic sections.

The kernel's auxiliary vector has the headers of the object that it started.  Every other image begins with its
ELF header at its load base or, where that is 0 (not position-independent), at the beginning of its first mapping.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property

from gdb_tls.elf.headers import (
    PF_W,
    PROGRAM_HEADER,
    PT_DYNAMIC,
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
from gdb_tls.objects.words import Words
from gdb_tls.target.protocol import Target, UnreadableMemory

AT_PHDR, AT_PHNUM = 3, 5
DT_NULL = 0
MOST_HEADERS = 1024
LARGEST_DYNAMIC_SECTION = 1 << 16
PAGE = 4096


class Images:
    """Reads images by their load base.  Every read is bounded."""

    def __init__(self, target: Target) -> None:
        """Reads nothing yet."""
        self._target = target
        self._words = Words(target)
        self._starts: dict[int, int] = {}

    def learn(self, load_base: int, dynamic: int) -> None:
        """Notes where the image is whose load base is 0, by an address inside it."""
        if load_base or not dynamic or load_base in self._starts:
            return
        regions = sorted(self._target.regions())
        inside = next((region for region in regions if region.start <= dynamic < region.end), None)
        if inside is None:
            return
        same = [one.start for one in regions if one.file == inside.file and one.file] or [
            one.start for one in regions if one.start <= dynamic
        ][::-1]
        for start in same:
            headers = self._at(start)
            if any(one.type == PT_DYNAMIC and one.address == dynamic for one in headers):
                self._starts[load_base] = start
                return

    def start(self, load_base: int) -> int:
        """Where the image's ELF header is in memory."""
        return self._starts.get(load_base, load_base)

    def headers(self, load_base: int) -> list[ProgramHeader]:
        """The program headers of an image; empty where they cannot be read."""
        if load_base == self.started_base:
            return self.started_headers
        return self._at(self.start(load_base))

    def _at(self, start: int) -> list[ProgramHeader]:
        wide = self._words.size == 8
        try:
            head = self._target.memory.read(start, 64 if wide else 52) if start else b""
            if head[:4] != b"\x7fELF":
                return []
            offset = struct.unpack_from(self._words.format, head, 32 if wide else 28)[0]
            count = struct.unpack_from(self._words.order + "H", head, 56 if wide else 44)[0]
            return self._table(start + offset, count)
        except (UnreadableMemory, OverflowError):
            return []

    def _table(self, address: int, count: int) -> list[ProgramHeader]:
        size = table_size(min(count, MOST_HEADERS), self._words.size, PROGRAM_HEADER)
        return program_headers(self._target.memory.read(address, size), self._words.size, self._words.order)

    @cached_property
    def started_headers(self) -> list[ProgramHeader]:
        """The program headers to which AT_PHDR points; empty where they cannot be read."""
        vector = self._target.auxiliary_vector()
        if AT_PHDR not in vector:
            return []
        try:
            found = self._table(vector[AT_PHDR], vector.get(AT_PHNUM, 0))
        except UnreadableMemory:
            return []
        return found if any(header.type == PT_LOAD for header in found) else []

    @cached_property
    def started_base(self) -> int | None:
        """The load base of what the kernel started; None where nothing tells."""
        return self.base_of(self.started_headers)

    def base_of(self, headers: list[ProgramHeader]) -> int | None:
        """The load base of the image whose headers AT_PHDR points to."""
        start = self._target.auxiliary_vector().get(AT_PHDR)
        if start is None:
            return None
        for header in headers:
            if header.type == PT_PHDR:
                return start - header.address
        # A static executable has no PT_PHDR: its headers lie in the segment that maps offset 0.
        for header in headers:
            if header.type == PT_LOAD and header.offset == 0:
                return start - 64 - header.address if self._words.size == 8 else start - 52 - header.address
        return None

    def all(self) -> Iterator[tuple[int, list[ProgramHeader]]]:
        """Load base and program headers of every image that begins a mapping."""
        starts = [region.start for region in self._target.regions() if region.start]
        for start, head in zip(starts, self._target.memory.read_many(starts, 4)):
            if head == b"\x7fELF":
                headers = self._at(start)
                first = next((one for one in headers if one.type == PT_LOAD), None)
                if first:
                    yield start - (first.address - first.offset), headers

    def dynamic_entries(self, load_base: int, headers: list[ProgramHeader]) -> Iterator[tuple[int, int]]:
        """(tag, value) of the dynamic section; ends where it cannot be read."""
        for header in headers:
            if header.type == PT_DYNAMIC:
                count = min(header.size, LARGEST_DYNAMIC_SECTION) // self._words.size
                try:
                    entries = self._words.read_some(load_base + header.address, count)
                except UnreadableMemory:
                    continue
                for tag, value in zip(entries[::2], entries[1::2]):
                    if tag == DT_NULL:
                        break
                    yield tag, value

    def build_id(self, load_base: int) -> str | None:
        """The build id of the image in memory; None where there is none or it cannot be read."""
        for header in self.headers(load_base):
            if header.type == PT_NOTE and header.size < 1 << 16:
                try:
                    notes = self._target.memory.read(load_base + header.address, header.size)
                except UnreadableMemory:
                    continue
                found = find_build_id(notes, self._words.order)
                if found:
                    return found
        return None

    def notes_are_readable(self, load_base: int) -> bool:
        """Whether memory would tell the build id, were there one."""
        headers = self.headers(load_base)
        try:
            for header in headers:
                if header.type == PT_NOTE:
                    self._target.memory.read(load_base + header.address, min(header.size, 1 << 16))
        except UnreadableMemory:
            return False
        return bool(headers)

    def beginning(self, load_base: int) -> Mapping[int, bytes]:
        """The rest of the image's first page behind its ELF header, by offset in the file.

        Linkers put the symbols for dynamic linking there; the loader does not write there.
        """
        headers = self.headers(load_base)
        first = next((one for one in headers if one.type == PT_LOAD), None)
        if first is None or first.flags & PF_W or first.offset:
            return {}
        behind = 64 if self._words.size == 8 else 52
        size = min(first.file_size, PAGE) - behind
        try:
            return {behind: self._target.memory.read(load_base + first.address + behind, size)} if size > 0 else {}
        except UnreadableMemory:
            return {}

    def tls_segment(self, load_base: int) -> TlsSegment | None:
        """The PT_TLS header from memory, for an object whose file is missing."""
        for header in self.headers(load_base):
            if header.type == PT_TLS:
                return TlsSegment(header.address, header.file_size, header.size, max(header.alignment, 1))
        return None
