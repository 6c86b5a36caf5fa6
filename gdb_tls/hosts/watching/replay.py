"""Reading the same again: what an answer was made of says whether the answer is still true.

An answer about a process follows from the bytes that were read for it. Whoever has kept these reads all of them again
with a few system calls, and only where some differ is there anything to work out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence, Set

from gdb_tls.hosts.native.reads import OneByOne
from gdb_tls.hosts.native.scatter import MOST_RANGES

# Ranges closer than this are read as one: a range costs the kernel as much as some hundred bytes.
LARGEST_GAP = 256
LARGEST_ADDRESS = (1 << 63) - 1

Read = tuple[int, bytes]
"""An address, and what was read there."""


class Recorder(OneByOne):
    """Memory that notes what has been read, while somebody wants it noted."""

    def __init__(self, memory: OneByOne) -> None:
        """Takes the memory that is read."""
        self.memory = memory
        self.reads: list[Read] | None = None

    @property
    def changing(self) -> Set[int]:  # type: ignore[override]
        """See `Memory.changing`."""
        return self.memory.changing

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        found = self.memory.read(address, size)
        if self.reads is not None and size > 0:
            self.reads.append((address, found))
        return found

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        found = self.memory.read_many(addresses, size)
        if self.reads is not None and size > 0:
            self.reads += [(address, raw) for address, raw in zip(addresses, found) if raw is not None]
        return found

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """See `Memory.read_ahead`."""
        found = self.memory.read_ahead(addresses, size)
        if self.reads is not None and size > 0:
            self.reads += zip(addresses, found)
        return found

    def expect(self, addresses: Sequence[int], size: int) -> None:
        """See `Memory.expect`: what was read is all there is."""

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`; what is there does not matter, so it is not noted."""
        return self.memory.are_mapped(addresses)


class _Range(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Replay:
    """Ranges of memory in groups, read again and compared group by group."""

    def __init__(self, pid: int, groups: Sequence[Sequence[Read]]) -> None:
        """Prepares the system calls.

        Args:
            pid: the process.
            groups: what each answer was made of.
        """
        self._pid = pid
        self._call = ctypes.CDLL(None).process_vm_readv
        self._call.restype = ctypes.c_ssize_t
        self._reads = [sorted({(address, len(raw)): raw for address, raw in group}.items()) for group in groups]
        starts, sizes = _joined(sorted({place for group in self._reads for place, _ in group}))
        self._size = sum(sizes)
        self._chunks = []
        for at in range(0, len(starts), MOST_RANGES):
            some = slice(at, at + MOST_RANGES)
            ranges = [_Range(start, size) for start, size in zip(starts[some], sizes[some])]
            self._chunks.append(((_Range * len(ranges))(*ranges), len(ranges), sum(sizes[some])))
        self._places = [_places([place for place, _ in group], starts, sizes) for group in self._reads]
        self._known = b""

    def note(self) -> set[int] | None:
        """Reads all for the first time: the groups that are no longer as they were read; None where that cannot be."""
        found = self._read()
        if found is None:
            return None
        self._known = found
        return {number for number in range(len(self._reads)) if not self._agrees(number)}

    def _agrees(self, number: int) -> bool:
        places, group = self._places[number], self._reads[number]
        return all(self._known[start:end] == raw for (start, end), (_, raw) in zip(places, group))

    def again(self, number: int, reads: Sequence[Read]) -> bool | None:
        """Takes what a group's answer has been made of anew.

        Returns:
            Whether it is what has been noted; None where it was read at other places: then this is of no use any more.
        """
        group = sorted({(address, len(raw)): raw for address, raw in reads}.items())
        if [place for place, _ in group] != [place for place, _ in self._reads[number]]:
            return None
        self._reads[number] = group
        return self._agrees(number)

    def changed(self) -> set[int] | None:
        """The groups that differ from what was noted, and are noted anew; None where not all can be read any more."""
        found = self._read()
        if found is None:
            return None
        if found == self._known:
            return set()
        known, self._known = self._known, found
        return {
            number
            for number, places in enumerate(self._places)
            if any(found[start:end] != known[start:end] for start, end in places)
        }

    def _read(self) -> bytes | None:
        buffer = ctypes.create_string_buffer(self._size)
        at = ctypes.addressof(buffer)
        for ranges, count, size in self._chunks:
            local = _Range(at, size)
            done = self._call(
                self._pid,
                ctypes.byref(local),
                ctypes.c_ulong(1),
                ranges,
                ctypes.c_ulong(count),
                ctypes.c_ulong(0),
            )
            if done != size:
                return None
            at += size
        return buffer.raw


def _joined(ranges: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Sorted ranges, with those that are close made one: starts and sizes."""
    starts: list[int] = []
    sizes: list[int] = []
    for address, size in ranges:
        if not 0 <= address <= LARGEST_ADDRESS:
            continue
        if starts and address - (starts[-1] + sizes[-1]) <= LARGEST_GAP:
            sizes[-1] = max(sizes[-1], address + size - starts[-1])
        else:
            starts.append(address)
            sizes.append(size)
    return starts, sizes


def _places(group: Sequence[tuple[int, int]], starts: Sequence[int], sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where the ranges of a group are in the bytes that are read."""
    found = []
    number, before = 0, 0
    for address, size in group:
        while number < len(starts) and address >= starts[number] + sizes[number]:
            before += sizes[number]
            number += 1
        if number < len(starts) and address >= starts[number]:
            found.append((before + address - starts[number], before + address - starts[number] + size))
    return found
