"""A running process as /proc has it: nothing here stops it, or changes anything in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.errors import NoProcess
from gdb_tls.hosts.native.permission import denied, ended
from gdb_tls.hosts.native.reads import Scattered
from gdb_tls.hosts.native.scatter import ScatteredReads
from gdb_tls.target.protocol import UnreadableMemory

MOST_BYTES = 1 << 30
LARGEST_ADDRESS = (1 << 63) - 1
# What is no larger is read by the kernel in one piece, so that it is a value that was there.
WORD = 8
MOST_LOOKS = 4


class ProcessMemory(Scattered):
    """`/proc/PID/mem`, and process_vm_readv(2) for many addresses.

    What is larger than a word is read until two reads agree: the process goes on meanwhile.

    Attributes:
        changing: the addresses at which no two reads have agreed.
    """

    def __init__(self, pid: int) -> None:
        """Opens the memory.

        Raises:
            NoProcess: where there is no such process, or it may not be looked at.
        """
        self._file = -1
        self.changing: set[int] = set()
        try:
            # The file stays that of this program, also if the process runs another one or its id is used again.
            self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise refusal(pid, error) from error
        self._reads = ScatteredReads(pid)

    def __del__(self) -> None:
        """Closes the file."""
        with suppress(OSError):
            if self._file >= 0:
                os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        if size <= 0:
            return b""
        if not 0 <= address <= LARGEST_ADDRESS or size > MOST_BYTES:
            raise UnreadableMemory(address)
        try:
            found = os.pread(self._file, size, address)
            if 0 < len(found) < size:  # the kernel may stop at the end of a mapping
                found += os.pread(self._file, size - len(found), address + len(found))
        except (OSError, OverflowError):
            raise UnreadableMemory(address) from None
        if len(found) != size:
            raise UnreadableMemory(address)
        return found

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        found = super().read_many(addresses, size)
        if size <= WORD:
            return found
        pending = [index for index, raw in enumerate(found) if raw is not None]
        for _ in range(MOST_LOOKS):
            again = super().read_many([addresses[index] for index in pending], size)
            differing = [index for index, raw in zip(pending, again) if raw != found[index]]
            for index, raw in zip(pending, again):
                found[index] = raw
            self.changing.difference_update(addresses[index] for index in pending)
            pending = differing
            if not pending:
                break
        self.changing.update(addresses[index] for index in pending)
        return found

    def _read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        return self._reads.read(addresses, size)


def refusal(pid: int, error: OSError, *, tracing: bool = False) -> NoProcess:
    """Why a process cannot be looked at, or traced."""
    if isinstance(error, (FileNotFoundError, ProcessLookupError)) and os.path.exists(f"/proc/{pid}"):
        return ended(pid) if is_zombie(pid, pid) else denied(pid, tracing=tracing)
    if isinstance(error, (FileNotFoundError, ProcessLookupError)):
        return NoProcess(f"There is no process {pid}", "Type `pgrep NAME` for a program's process ids.")
    if isinstance(error, PermissionError):
        return denied(pid, tracing=tracing)
    return NoProcess(f"Process {pid} cannot be looked at ({error.strerror or error})", "")


def is_zombie(pid: int, tid: int) -> bool:
    """Whether a thread has ended; the main thread may, while others go on (pthread_exit)."""
    try:
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in ("Z", "X")
    except (OSError, IndexError):
        return True


def door(pid: int) -> int:
    """The id under which /proc shows the process's memory and files: the main thread's while it has not ended.

    Raises:
        NoProcess: where there is no such process, or all of it has ended.
    """
    return tasks(pid)[0]


def tasks(pid: int) -> list[int]:
    """The ids of the threads, the main thread's first, unless it has ended, the others in their order.

    Raises:
        NoProcess: where there is no such process, or it may not be looked at.
    """
    try:
        found = sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError as error:
        raise refusal(pid, error) from error
    if pid in found and is_zombie(pid, pid):
        found.remove(pid)
    if not found:
        raise ended(pid)
    return sorted(found, key=lambda tid: (tid != pid, tid))


def name_of(pid: int, tid: int) -> str:
    """A thread's name (proc(5), comm); empty where it has ended."""
    with suppress(OSError), open(f"/proc/{pid}/task/{tid}/comm", "rb") as file:
        return file.read().removesuffix(b"\n").decode("utf-8", errors="backslashreplace")
    return ""


def own_id(pid: int, tid: int) -> int:
    """The id by which a thread knows itself: another one in a container (proc(5), NSpid)."""
    with (
        suppress(OSError, ValueError),
        open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as file,
    ):
        for line in file:
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return tid


def is_in_namespace(pid: int) -> bool:
    """Whether the process has ids of its own."""
    return own_id(pid, pid) != pid


def blocked_at(pid: int, tid: int) -> tuple[int, int] | None:
    """(stack pointer, program counter) of a thread that waits in the kernel (proc(5), syscall); else None."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
        words = file.read().split()
        if len(words) >= 3:
            return int(words[-2], 16), int(words[-1], 16)
    return None


def started(pid: int) -> str:
    """When the process began, as /proc/PID/stat has it: its id may be used again later; empty where it ended."""
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]
    return ""
