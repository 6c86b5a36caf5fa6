"""The memory of a core: what its own file holds, and what it leaves to the program's files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from operator import attrgetter

from gdb_tls.elf.core_notes import PAGE, Mapping, build_id_at
from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.headers import PF_W
from gdb_tls.hosts.direct.core import Core
from gdb_tls.hosts.direct.files import Files
from gdb_tls.hosts.native.core_reads import CoreReads
from gdb_tls.target.protocol import UnreadableMemory

MOST_BYTES = 1 << 30


class CoreMemory(CoreReads):
    """A core's segments; of what they leave out, pages that cannot have changed come from the mapped file.

    That is a file whose build id is the one that the core has of the object, and no other.
    """

    def __init__(self, core: Core, files: Files) -> None:
        """Takes the core and what finds files."""
        self._core = core
        self._file = core.file
        self._files = files
        self._found: dict[tuple[str, int], str | None] = {}

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        if size <= 0:
            return b""
        if address < 0 or size > MOST_BYTES:
            raise UnreadableMemory(address)
        held = self._file.read(address, size)
        return held if held is not None else b"".join(self._pieces(address, size))

    def _pieces(self, address: int, size: int) -> Iterator[bytes]:
        """The bytes of a range that lies in several segments or in a file."""
        start, end = address, address + size
        while address < end:
            # A page never lies in two segments or mappings.
            some = min(end, (address // PAGE + 1) * PAGE) - address
            found = self._file.read(address, some)
            if found is None:
                found = self._from_file(address, some)
            if found is None:
                raise UnreadableMemory(start)
            yield found
            address += some

    def _from_file(self, address: int, size: int) -> bytes | None:
        segment = self._file.segment(address)
        if segment and segment.flags & PF_W:
            return None  # it could be written: the file has it as it was before
        at = bisect_right(self._starts, address) - 1
        mapping = self._core.mappings[at] if at >= 0 else None
        if mapping is None or not address < mapping.end:
            return None
        path = self._file_of(at, mapping)
        if path is None:
            return None
        with suppress(NotElf):
            found = open_elf(path).read(mapping.offset + address - mapping.start, size)
            return found if len(found) == size else None
        return None

    @cached_property
    def _starts(self) -> list[int]:
        return list(map(attrgetter("start"), self._core.mappings))

    def _file_of(self, at: int, mapping: Mapping) -> str | None:
        """The file here that the program had mapped; None where there is none of the same build."""
        # An object's mappings stand one after the other; the first has its headers.
        while at and self._core.mappings[at].offset and self._core.mappings[at - 1].path == mapping.path:
            at -= 1
        base = self._core.mappings[at].start
        key = mapping.path, base
        if key not in self._found:
            self._found[key] = self._find(mapping.path, base)
        return self._found[key]

    def _find(self, name: str, base: int) -> str | None:
        build_id = build_id_at(self._core.elf, base)
        executable = self._files.executable
        for path in (*([executable] if executable else []), *(one.path for one in self._files.find(name, 0, build_id))):
            with suppress(NotElf):
                if build_id and open_elf(path).build_id == build_id:
                    return path
                # Without one, the file's first page may be in the core.
                page = self._file.read(base, PAGE)
                if build_id == "" and page and open_elf(path).read(0, PAGE) == page:
                    return path
        return None

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`; the headers also list the pages that the core left out."""
        return [self._file.segment(address) is not None or self._in_mapping(address) for address in addresses]

    def _in_mapping(self, address: int) -> bool:
        at = bisect_right(self._starts, address) - 1
        return at >= 0 and address < self._core.mappings[at].end
