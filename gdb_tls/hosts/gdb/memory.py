"""The inspected program's memory: through GDB, and past it where that gives the same bytes faster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress

import gdb

from gdb_tls.elf.file import NotElf
from gdb_tls.elf.headers import PF_W
from gdb_tls.hosts.native.core_file import CoreFile, open_core
from gdb_tls.hosts.native.core_reads import CoreReads
from gdb_tls.hosts.native.reads import OneByOne, Scattered
from gdb_tls.hosts.native.scatter import ScatteredReads
from gdb_tls.target.protocol import UnreadableMemory

AT_PHDR = 3


class GdbMemory(OneByOne):
    """Reads through GDB, which also knows the pages that a core leaves to the program's files."""

    def __init__(self, inferior: gdb.Inferior) -> None:
        """Takes the inferior."""
        self._inferior = inferior

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        if size == 0:
            return b""
        # The last byte of all is no program's; of a core GDB 16 gives zeros for it.
        if address + size >= 1 << 64:
            raise UnreadableMemory(address)
        try:
            return bytes(self._inferior.read_memory(address, size))
        except (gdb.MemoryError, gdb.error, OverflowError, ValueError):
            raise UnreadableMemory(address) from None


class ProcessMemory(Scattered, GdbMemory):
    """A native process's `/proc/PID/mem`; what it does not give is asked of GDB."""

    def __init__(self, inferior: gdb.Inferior, pid: int) -> None:
        """Opens the file.

        Raises:
            OSError: where the kernel does not let us.
        """
        super().__init__(inferior)
        self._reads = ScatteredReads(pid)
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

    def _read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        return self._reads.read(addresses, size)


class CoreMemory(CoreReads, GdbMemory):
    """A core file's own segments; what it does not hold is asked of GDB.

    GDB looks a segment up among all of them one by one, and a core of ten thousand threads
    has twenty thousand.
    """

    def __init__(self, inferior: gdb.Inferior, core: CoreFile) -> None:
        """Takes the file."""
        super().__init__(inferior)
        self._file = core

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        held = self._file.read(address, size)
        if held is not None:
            return held
        segment = self._file.segment(address)
        # Of what could be written, GDB would show how the program's file has it, or zeros.
        if segment and segment.flags & PF_W:
            raise UnreadableMemory(address)
        found = super().read(address, size)
        # core_target::xfer_partial reads what the core left out as zeros, where no file has it.
        if segment and not any(found):
            raise UnreadableMemory(address)
        return found

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`; the headers also list the pages that the core left out."""
        segment = self._file.segment
        return [segment(address) is not None or self._read_one(address, 1) is not None for address in addresses]


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
            core = open_core(core_file)
            direct = CoreMemory(inferior, core)
            probe = core.any_address() if probe is None else probe
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
