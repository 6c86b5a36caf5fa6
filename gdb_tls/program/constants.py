"""Which addresses are of what no program can change: string literals, constants and code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property

from gdb_tls.elf.file import NotElf
from gdb_tls.elf.headers import PF_W, PT_LOAD
from gdb_tls.objects.loaded import LoadedObjects


class Constants:
    """The segments of the loaded objects that may not be written to."""

    def __init__(self, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        self._objects = objects

    def among(self, addresses: Iterable[int]) -> set[int]:
        """Those of the addresses that are in one."""
        starts = [start for start, _ in self._ranges]
        found = set()
        for address in addresses:
            at = bisect_right(starts, address) - 1
            if at >= 0 and address < self._ranges[at][1]:
                found.add(address)
        return found

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        found = []
        for loaded in self._objects.all:
            headers = self._objects.headers_at(loaded.load_base)
            if not headers and loaded.file:
                try:
                    headers = loaded.file.segments
                except NotElf:
                    continue
            found += [
                (loaded.load_base + header.address, loaded.load_base + header.address + header.size)
                for header in headers
                if header.type == PT_LOAD and not header.flags & PF_W
            ]
        return sorted(found)
