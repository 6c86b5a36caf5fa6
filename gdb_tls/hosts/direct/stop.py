"""Stopping all threads of a process for a moment, without a signal: ptrace(2), PTRACE_SEIZE and PTRACE_INTERRUPT.

A process that is let go goes on as if nothing had been: no SIGSTOP, no system call that returns EINTR where it would
not for PTRACE_INTERRUPT; and it goes on by itself if this program ends in between (the kernel detaches).
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gdb_tls.errors import NoProcess
from gdb_tls.hosts.direct import process

PTRACE_DETACH, PTRACE_GETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4204, 0x4206, 0x4207
NT_PRSTATUS = 1
WALL = 0x40000000  # __WALL: threads, too (wait(2))
MOST_REGISTERS = 1 << 12
SECONDS = 10.0
MOST_ROUNDS = 100


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Stopped:
    """The threads that stand still; all of the process's."""

    def __init__(self, pid: int) -> None:
        """Stops nothing yet."""
        self._pid = pid
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.restype = ctypes.c_long
        self._ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._held: set[int] = set()

    def stop(self) -> None:
        """Stops all threads, also those that are born meanwhile.

        Raises:
            NoProcess: where that is not allowed, or the process has ended.
        """
        for _ in range(MOST_ROUNDS):
            new = [tid for tid in process.tasks(self._pid) if tid not in self._held]
            if not new:
                return
            asked = [tid for tid in new if self._seize(tid)]
            for tid in asked:
                self._wait(tid)
        raise NoProcess(f"Process {self._pid} makes threads faster than they can be stopped", "Leave --stop out.")

    def _seize(self, tid: int) -> bool:
        if self._ptrace(PTRACE_SEIZE, tid, None, None) < 0:
            error = ctypes.get_errno()
            if error == errno.ESRCH:
                return False  # it has ended
            if error == errno.EPERM and process.is_zombie(self._pid, tid):
                self._held.add(tid)
                return False
            raise process.refusal(self._pid, OSError(error, os.strerror(error)), tracing=True)
        self._held.add(tid)
        return bool(self._ptrace(PTRACE_INTERRUPT, tid, None, None) >= 0)

    def _wait(self, tid: int) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                found, _ = os.waitpid(tid, os.WNOHANG | WALL)
            except ChildProcessError:
                return  # it has ended
            if found:
                return
            time.sleep(0.001)
        raise NoProcess(
            f"Thread {tid} of process {self._pid} does not stop: it waits in the kernel, where nothing interrupts it",
            "Leave --stop out.",
        )

    def registers(self, tid: int) -> bytes:
        """The general registers of a thread, as NT_PRSTATUS has them behind its head; empty where it has ended."""
        buffer = ctypes.create_string_buffer(MOST_REGISTERS)
        vector = _Vector(ctypes.addressof(buffer), len(buffer))
        if self._ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, ctypes.addressof(vector)) < 0:
            return b""
        return buffer.raw[: vector.size]

    def let_go(self) -> None:
        """Lets every thread go on."""
        for tid in self._held:
            self._ptrace(PTRACE_DETACH, tid, None, None)
        self._held.clear()


@contextmanager
def stopped(pid: int) -> Iterator[Stopped]:
    """Stops a process for the time of the `with`; whatever happens, it goes on afterwards.

    Raises:
        NoProcess: where it cannot be stopped.
    """
    held = Stopped(pid)
    try:
        held.stop()
        yield held
    finally:
        held.let_go()
