"""The inspected program's memory, as GDB sees it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import gdb

from gdb_tls.elf import NotElf, open_elf
from gdb_tls.target import UnreadableMemory


class GdbMemory:
    """Reads through GDB, which also knows the pages that a core took from its files."""

    def __init__(self, inferior: gdb.Inferior, core_file: str | None) -> None:
        """Takes the inferior and, for a core dump, the core's file name."""
        self._inferior = inferior
        self._core_file = core_file
        self._ranges: list[tuple[int, int]] | None = None

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        if size == 0:
            return b""
        try:
            return bytes(self._inferior.read_memory(address, size))
        except (gdb.MemoryError, gdb.error, OverflowError, ValueError):
            raise UnreadableMemory(address) from None

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        found: list[bytes | None] = []
        for address in addresses:
            try:
                found.append(self.read(address, size))
            except UnreadableMemory:
                found.append(None)
        return found

    def is_mapped(self, address: int) -> bool:
        """See `Memory.is_mapped`; a core's program headers also list the pages it left out."""
        try:
            self.read(address, 1)
            return True
        except UnreadableMemory:
            ranges = self._core_ranges()
            at = bisect.bisect_right(ranges, (address, 1 << 64)) - 1
            return at >= 0 and address < ranges[at][1]

    def _core_ranges(self) -> list[tuple[int, int]]:
        if self._ranges is None:
            self._ranges = []
            if self._core_file:
                try:
                    headers = open_elf(self._core_file).segments
                    self._ranges = sorted((h.p_vaddr, h.p_vaddr + h.p_memsz) for h in headers if h.p_type == "PT_LOAD")
                except NotElf:
                    pass
        return self._ranges
