"""A core dump as a file: its segments and their bytes, opened once for all commands."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import compress, repeat
from operator import add, attrgetter, sub

from gdb_tls.elf.file import open_elf, version
from gdb_tls.elf.headers import PF_W, PT_LOAD, PT_NOTE, ProgramHeader
from gdb_tls.hosts.native.kept_ranges import MOST_KEPT, KeptRanges

# What is that close on average is read together with what lies between, in pieces of so many bytes, which the
# processor's cache holds.
FEWEST_TOGETHER = 64
CLOSE = 2048
PIECE = 1 << 18


class CoreFile:
    """The segments of a core dump.

    Attributes:
        length: of the file, in bytes.
        wanted: the length that its headers tell of.
        lacks_notes: whether the file ends before the notes do, which tell of the threads.

    The file is read and not mapped: a mapping of a file that somebody truncates would kill GDB, and what was looked at
    would count as GDB's memory.
    """

    def __init__(self, path: str) -> None:
        """Opens the file and reads its program headers.

        Raises:
            OSError, NotElf: where it cannot be read.
        """
        every = open_elf(path).segments
        self._kept = KeptRanges()
        loaded = [one for one in every if one.type == PT_LOAD]
        self._segments = loaded = sorted(loaded, key=attrgetter("address"))
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.length = length = os.fstat(self._file).st_size
        # There are two segments for each thread: whole columns of them are gone through, at the speed of C.
        _, _, offsets, addresses, held, _, _ = zip(*loaded) if loaded else [()] * len(ProgramHeader._fields)
        ends = list(map(add, offsets, held))
        shifts = list(map(sub, offsets, addresses))
        # As `bisect` counts: at 0 is what lies before the first segment. The file may be cut off.
        self._starts, self._shifts = list(addresses), [0, *shifts]
        self._ends = [-1, *map(sub, map(min, ends, repeat(length)), shifts)]
        notes = [one.offset + one.file_size for one in every if one.type == PT_NOTE]
        self.wanted = max([*compress(ends, held), *notes], default=0)
        self.lacks_notes = any(end > length for end in notes)

    def __del__(self) -> None:
        """Closes the file."""
        with suppress(OSError, AttributeError):
            os.close(self._file)

    def segment(self, address: int) -> ProgramHeader | None:
        """The segment that holds an address, be its bytes in the file or not."""
        at = bisect_right(self._starts, address) - 1
        found = self._segments[at] if at >= 0 else None
        return found if found and address < found.address + found.size else None

    def any_address(self) -> int | None:
        """An address of what the program may have written, whose memory it holds; None where it holds none."""
        held = (one for one in reversed(self._segments) if one.flags & PF_W and one.file_size)
        return next((one.address for one in held if one.offset + one.file_size <= self.length), None)

    def read(self, address: int, size: int) -> bytes | None:
        """Reads bytes, of one segment or of several that adjoin; None where the file does not hold all of them."""
        found = bytearray()
        while True:
            at = bisect_right(self._starts, address)
            some = min(size - len(found), self._ends[at] - address)
            if some < 0 or (some == 0 and len(found) < size):
                return None
            raw = os.pread(self._file, some, address + self._shifts[at])
            if len(raw) < some:
                return None
            if some == size:
                return raw
            found += raw
            address += some
            if len(found) == size:
                return bytes(found)

    def read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """Reads `size` bytes at each of the first addresses, up to one that the file does not hold."""
        ends, shifts = self._ends, self._shifts
        found = zip(addresses, map(bisect_right, repeat(self._starts), addresses))
        offsets = [one + shifts[at] if one + size <= ends[at] else -1 for one, at in found]
        return self.read_at(offsets[: offsets.index(-1)] if -1 in offsets else offsets, size)

    def expect(self, addresses: Sequence[int], size: int) -> None:
        """Keeps the `size` bytes at each address, as far as the file holds them."""
        if len(addresses) < FEWEST_TOGETHER or size * len(addresses) > MOST_KEPT:
            return
        found = dict(zip(addresses, self.read_some(addresses, size)))
        for address in addresses[len(found) :] if len(found) < len(addresses) else ():
            raw = self.read(address, size)
            if raw is not None:
                found[address] = raw
        self._kept.keep(found, size)

    def read_together(self, addresses: Sequence[int], size: int) -> list[bytes | None] | None:
        """Reads `size` bytes at each of many addresses that are kept or lie close together; None where not.

        Of the few that do not there is None instead of their bytes.
        """
        if len(addresses) < FEWEST_TOGETHER:
            return None
        kept = self._kept.read(addresses, size)
        return kept if kept is not None else self._read_close(addresses, size)

    def _read_close(self, addresses: Sequence[int], size: int) -> list[bytes | None] | None:
        """The same of what one allocator gives out: to read what lies between costs less than many system calls."""
        at = bisect_right(self._starts, addresses[len(addresses) // 2])
        first, behind = self._starts[at - 1], self._ends[at] - size + 1
        inside = [address for address in addresses if first <= address < behind]
        if not at or (len(addresses) - len(inside)) * FEWEST_TOGETHER > len(addresses):
            return None
        low, last = min(inside), max(inside)
        if last - low > len(inside) * CLOSE:
            return None
        pieces: dict[int, list[int]] = {}
        for index, address in enumerate(addresses):
            if low <= address <= last:
                pieces.setdefault((address - low) // PIECE, []).append(index)
        found: list[bytes | None] = [None] * len(addresses)
        for number, indices in pieces.items():
            start = low + number * PIECE
            length = min(PIECE - 1, last - start) + size
            raw = os.pread(self._file, length, start + self._shifts[at])
            if len(raw) < length:
                return None
            for index in indices:
                place = addresses[index] - start
                found[index] = raw[place : place + size]
        return found

    def read_at(self, offsets: Sequence[int], size: int) -> list[bytes]:
        """Reads `size` bytes at each of the first offsets in the file, up to one that it does not hold."""
        found = list(map(os.pread, repeat(self._file), repeat(size), offsets))
        whole = [len(raw) == size for raw in found]
        return found if all(whole) else found[: whole.index(False)]


def gaps_in(core: CoreFile) -> str:
    """What a core lacks as a whole, as a sentence; empty where it has what its headers tell of."""
    if core.length < core.wanted:
        part = f"The core is cut off: {core.length:,} of {core.wanted:,} bytes are here"
        what = "threads are missing, and memory" if core.lacks_notes else "memory is missing"
        return f"{part}, so {what}. See `ulimit -c`, ProcessSizeMax of coredump.conf, and whether the disk was full."
    if core.any_address() is None:
        return (
            "The core has registers and nothing of what the program wrote: it was made with a narrow coredump_filter "
            "(0x33 is what the kernel starts with)."
        )
    return ""


def open_core(path: str) -> CoreFile:
    """Opens a core dump, once for as long as it does not change on disk.

    Raises:
        OSError, NotElf: where it cannot be read.
    """
    return _opened(path, version(path))


@lru_cache(maxsize=1)
def _opened(path: str, at: tuple[int, int, int]) -> CoreFile:
    del at
    return CoreFile(path)
