"""The inspected program's memory: through GDB, and past it where that gives the same bytes faster."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import repeat
from operator import attrgetter

import gdb

from gdb_tls.debugger.scatter import MOST_RANGES, MappedFile, ScatteredReads
from gdb_tls.elf import NotElf, open_elf
from gdb_tls.elf_headers import PF_W, PT_LOAD, ProgramHeader
from gdb_tls.target import UnreadableMemory

AT_PHDR = 3


class GdbMemory:
    """Reads through GDB, which also knows the pages that a core leaves to the program's files."""

    def __init__(self, inferior: gdb.Inferior) -> None:
        """Takes the inferior."""
        self._inferior = inferior

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
        return [self._read_one(address, size) for address in addresses]

    def _read_one(self, address: int, size: int) -> bytes | None:
        try:
            return self.read(address, size)
        except UnreadableMemory:
            return None

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """See `Memory.read_ahead`."""
        found: list[bytes] = []
        with suppress(UnreadableMemory):
            for address in addresses:
                found.append(self.read(address, size))
        return found

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`."""
        return [raw is not None for raw in self.read_many(addresses, 1)]


class DirectMemory(GdbMemory):
    """Reads many addresses in one system call; where that stops, each is read by itself."""

    _scattered: ScatteredReads | None = None

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        if not size:
            return [b""] * len(addresses)
        found: list[bytes | None] = []
        width = MOST_RANGES
        while len(found) < len(addresses):
            some = addresses[len(found) : len(found) + width]
            read = self._read_some(some, size)
            found += read
            # Holes come in crowds: after one, it is tried with few addresses first.
            width = min(2 * width, MOST_RANGES)
            if len(read) < len(some):
                found.append(self._read_one(some[len(read)], size))
                width = 1
        return found

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """See `Memory.read_ahead`."""
        found: list[bytes] = []
        while len(found) < len(addresses):
            some = addresses[len(found) : len(found) + MOST_RANGES]
            read = self._read_some(some, size)
            found += read
            if len(read) < len(some):
                break
        return found or super().read_ahead(addresses[:1], size)

    def _read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """The bytes at the first addresses, up to one that the kernel cannot read."""
        return self._scattered.read(self._places(addresses, size), size) if self._scattered else []

    def _places(self, addresses: Sequence[int], size: int) -> Sequence[int]:
        """Where the bytes of the program's addresses are for `_scattered`."""
        del size
        return addresses


class ProcessMemory(DirectMemory):
    """A native process's `/proc/PID/mem`; what it does not give is asked of GDB."""

    def __init__(self, inferior: gdb.Inferior, pid: int) -> None:
        """Opens the file.

        Raises:
            OSError: where the kernel does not let us.
        """
        super().__init__(inferior)
        self._scattered = ScatteredReads(pid)
        self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        """Closes the file."""
        with suppress(OSError, AttributeError):
            os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        with suppress(OSError, OverflowError, ValueError):
            found = os.pread(self._file, size, address)
            if len(found) == size:
                return found
        return super().read(address, size)


class CoreMemory(DirectMemory):
    """A core file's own segments; what it does not hold is asked of GDB.

    GDB looks a segment up among all of them one by one, and a core of ten thousand threads
    has twenty thousand.
    """

    def __init__(self, inferior: gdb.Inferior, path: str) -> None:
        """Opens the file and reads its program headers.

        Raises:
            OSError, NotElf: where it cannot be read.
        """
        super().__init__(inferior)
        segments = sorted((one for one in open_elf(path).segments if one.type == PT_LOAD), key=attrgetter("address"))
        self._starts = [segment.address for segment in segments]
        self._segments = segments
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with suppress(OSError, OverflowError):
            self._mapped = MappedFile(self._file)
            self._scattered = self._mapped.reads
            # As `bisect` counts: at 0 is what lies before the first segment. The file may be cut off.
            base, length = self._mapped.address, self._mapped.size
            self._ends = [-1, *(one.address + min(one.file_size, length - one.offset) for one in segments)]
            self._shifts = [0, *(base + one.offset - one.address for one in segments)]

    def __del__(self) -> None:
        """Closes the file."""
        with suppress(OSError, AttributeError):
            os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        segment = self._segment(address)
        if segment and address + size <= segment.address + segment.file_size:
            found = os.pread(self._file, size, address - segment.address + segment.offset)
            if len(found) == size:
                return found
        # Of what could be written, GDB would show how the program's file has it, or zeros.
        if segment and segment.flags & PF_W:
            raise UnreadableMemory(address)
        found = super().read(address, size)
        # core_target::xfer_partial reads what the core left out as zeros, where no file has it.
        if segment and not any(found):
            raise UnreadableMemory(address)
        return found

    def _segment(self, address: int) -> ProgramHeader | None:
        """The segment that holds an address, be its bytes in the file or not."""
        at = bisect_right(self._starts, address) - 1
        found = self._segments[at] if at >= 0 else None
        return found if found and address < found.address + found.size else None

    def _places(self, addresses: Sequence[int], size: int) -> Sequence[int]:
        ends, shifts = self._ends, self._shifts
        segments = map(bisect_right, repeat(self._starts), addresses)
        # 0, which nobody can read, for what the file does not hold.
        return [address + shifts[at] if address + size <= ends[at] else 0 for address, at in zip(addresses, segments)]

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`; the headers also list the pages that the core left out."""
        return [self._segment(address) is not None or self._read_one(address, 1) is not None for address in addresses]


def open_memory(
    inferior: gdb.Inferior, kind: str, core_file: str | None, probe: int | None, any_running: Callable[[], bool]
) -> GdbMemory:
    """The fastest way to the memory that gives what GDB would give.

    Args:
        inferior: GDB's inferior.
        kind: "live", "core" or "remote".
        core_file: the core's file name; None where it is not known.
        probe: an address that the program has mapped; None where none is known.
        any_running: whether any of the inferior's threads is running.
    """
    through_gdb = GdbMemory(inferior)
    direct: GdbMemory | None = None
    with suppress(OSError, NotElf):
        if kind == "core" and core_file:
            direct = CoreMemory(inferior, core_file)
        elif kind == "live" and not _view_differs() and not any_running():
            direct = ProcessMemory(inferior, inferior.pid)
    if direct is None or probe is None:
        return through_gdb
    # A process id of another pid namespace, or another core of the same name, would give other bytes.
    try:
        return direct if direct.read(probe, 64) == through_gdb.read(probe, 64) else through_gdb
    except UnreadableMemory:
        return direct if kind == "core" else through_gdb


def _view_differs() -> bool:
    """Whether GDB may show other bytes than the process has: replay, checkpoints, inserted breakpoints."""
    if gdb.current_recording() is not None:
        return True
    if gdb.parameter("breakpoint always-inserted") is True:
        return True
    try:
        return not gdb.execute("info checkpoints", to_string=True).startswith("No checkpoints")
    except gdb.error:
        return True
