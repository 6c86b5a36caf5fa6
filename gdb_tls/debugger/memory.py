"""The inspected program's memory: through GDB, and past it where that gives the same bytes faster."""

from __future__ import annotations

import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress

import gdb

from gdb_tls.elf import NotElf, open_elf
from gdb_tls.target import UnreadableMemory

AT_PHDR = 3
MOST_RANGES = 1024  # IOV_MAX of Linux


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
        found: list[bytes | None] = []
        for address in addresses:
            try:
                found.append(self.read(address, size))
            except UnreadableMemory:
                found.append(None)
        return found

    def is_mapped(self, address: int) -> bool:
        """See `Memory.is_mapped`."""
        try:
            self.read(address, 1)
        except UnreadableMemory:
            return False
        return True


class ProcessMemory(GdbMemory):
    """A native process's `/proc/PID/mem`; what it does not give is asked of GDB."""

    def __init__(self, inferior: gdb.Inferior, pid: int) -> None:
        """Opens the file.

        Raises:
            OSError: where the kernel does not let us.
        """
        super().__init__(inferior)
        self._pid = pid
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

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`: process_vm_readv(2), which takes a thousand ranges in one call."""
        found: list[bytes | None] = []
        while size and len(found) < len(addresses):
            some = addresses[len(found) : len(found) + MOST_RANGES]
            data = self._read_ranges(some, size)
            found += [data[at : at + size] for at in range(0, len(data) - size + 1, size)]
            if len(data) < size * len(some):
                # The call stops at the first range that cannot be read.
                found += super().read_many(addresses[len(found) : len(found) + 1], size)
        return found if size else [b""] * len(addresses)

    def _read_ranges(self, addresses: Sequence[int], size: int) -> bytes:
        import ctypes

        buffer = ctypes.create_string_buffer(size * len(addresses))
        words = array("L", [size]) * (2 * len(addresses))
        words[::2] = array("L", [address & (1 << 64) - 1 for address in addresses])
        local = array("L", [ctypes.addressof(buffer), len(buffer)])
        call = ctypes.CDLL(None).process_vm_readv
        call.restype = ctypes.c_ssize_t
        count = call(
            self._pid,
            *(ctypes.c_void_p(local.buffer_info()[0]), ctypes.c_ulong(1)),
            *(ctypes.c_void_p(words.buffer_info()[0]), ctypes.c_ulong(len(addresses))),
            ctypes.c_ulong(0),
        )
        return buffer.raw[: max(count, 0)]


class CoreMemory(GdbMemory):
    """A core file's own segments; what it does not hold is asked of GDB.

    GDB looks a segment up among all of them one by one, and a core of ten thousand threads
    has twenty thousand.  The file is read and not mapped: a mapping of a file that somebody
    truncates would kill GDB.
    """

    def __init__(self, inferior: gdb.Inferior, path: str) -> None:
        """Opens the file and reads its program headers.

        Raises:
            OSError, NotElf: where it cannot be read.
        """
        super().__init__(inferior)
        segments = sorted(_load_segments(path))
        self._starts = [segment[0] for segment in segments]
        self._segments = segments
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        """Closes the file."""
        with suppress(OSError, AttributeError):
            os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        at = bisect_right(self._starts, address) - 1
        if at >= 0:
            start, held, _, offset, _ = self._segments[at]
            if address + size <= start + held:
                found = os.pread(self._file, size, address - start + offset)
                if len(found) == size:
                    return found
        left_out = at >= 0 and address < self._segments[at][0] + self._segments[at][2]
        # Of what could be written, GDB would show how the program's file has it, or zeros.
        if left_out and self._segments[at][4]:
            raise UnreadableMemory(address)
        found = super().read(address, size)
        # core_target::xfer_partial reads what the core left out as zeros, where no file has it.
        if left_out and not any(found):
            raise UnreadableMemory(address)
        return found

    def is_mapped(self, address: int) -> bool:
        """See `Memory.is_mapped`; the headers also list the pages that the core left out."""
        at = bisect_right(self._starts, address) - 1
        if at >= 0 and address < self._segments[at][0] + self._segments[at][2]:
            return True
        return super().is_mapped(address)


def open_memory(inferior: gdb.Inferior, kind: str, core_file: str | None, probe: int | None) -> GdbMemory:
    """The fastest way to the memory that gives what GDB would give.

    Args:
        inferior: GDB's inferior.
        kind: "live", "core" or "remote".
        core_file: the core's file name; None where it is not known.
        probe: an address that the program has mapped; None where none is known.
    """
    through_gdb = GdbMemory(inferior)
    direct: GdbMemory | None = None
    with suppress(OSError, NotElf):
        if kind == "core" and core_file:
            direct = CoreMemory(inferior, core_file)
        elif kind == "live" and not _view_differs(inferior):
            direct = ProcessMemory(inferior, inferior.pid)
    if direct is None or probe is None:
        return through_gdb
    # A process id of another pid namespace, or another core of the same name, would give other bytes.
    try:
        return direct if direct.read(probe, 64) == through_gdb.read(probe, 64) else through_gdb
    except UnreadableMemory:
        return direct if kind == "core" else through_gdb


def _view_differs(inferior: gdb.Inferior) -> bool:
    """Whether GDB may show other bytes than the process has: replay, checkpoints, inserted breakpoints."""
    if gdb.current_recording() is not None:
        return True
    if gdb.parameter("breakpoint always-inserted") is True or any(thread.is_running() for thread in inferior.threads()):
        return True
    try:
        return not gdb.execute("info checkpoints", to_string=True).startswith("No checkpoints")
    except gdb.error:
        return True


def _load_segments(path: str) -> list[tuple[int, int, int, int, bool]]:
    """(address, bytes held, bytes of memory, file offset, writable) of every PT_LOAD (gABI, "Program Header").

    Not through pyelftools: twenty thousand headers would take it a second.
    """
    file = open_elf(path)
    order = "<" if file.byte_order == "little" else ">"
    wide = file.pointer_size == 8
    size = 56 if wide else 32
    found = []
    for row in struct.iter_unpack(order + ("IIQQQQQQ" if wide else "IIIIIIII"), file.program_header_table(size)):
        kind = row[0]
        offset, address, held, memory = (row[2], row[3], row[5], row[6]) if wide else (row[1], row[2], row[4], row[5])
        if kind == 1:
            found.append((address, held, memory, offset, bool((row[1] if wide else row[6]) & 2)))
    return found
