"""Function calls in the process, with everything put back afterwards."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import gdb

from gdb_tls.errors import ResolverUnavailable
from gdb_tls.hosts.gdb.selection import selection, setting, shown
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.model import Thread
from gdb_tls.target.protocol import CallFailed

LONGEST_CALL = 2
SIGINT = 2

# For the time of the calls: only the asked thread runs; a call that is stopped is undone.
SETTINGS = {
    "scheduler-locking": "on",
    "unwindonsignal": "on",
    "unwind-on-timeout": "on",
    "language": "c",
    "confirm": "off",
}
TIME_LIMITS = ("direct-call-timeout", "indirect-call-timeout")


class GdbCalls:
    """Calls through GDB; implements `gdb_tls.target.Calls`."""

    def __init__(self, threads: Mapping[int, gdb.InferiorThread], architecture: Architecture, pid: int | None) -> None:
        """Takes GDB's threads by number, and the process id where it is a process of this machine.

        Raises:
            ResolverUnavailable: where GDB's settings or the architecture do not allow calls.
        """
        if shown("may-call-functions") == "off":
            raise ResolverUnavailable(
                "GDB's setting may-call-functions is off", "Use --via passive, or `set may-call-functions on`."
            )
        if gdb.parameter("scheduler-locking") == "replay" and _is_recording():
            raise ResolverUnavailable("The process is being replayed, and a call would end the recording")
        if not architecture.red_zone:
            raise ResolverUnavailable(f"Calls of functions are not supported on {architecture.name}")
        self._threads = threads
        self._architecture = architecture
        self._pid = pid
        self._stack = ExitStack()

    def __enter__(self) -> GdbCalls:
        """Changes the settings.

        Raises:
            ResolverUnavailable: where this GDB cannot write the processor's registers.
        """
        with ExitStack() as stack:
            stack.enter_context(selection())
            self._check_registers()
            stack.enter_context(_breakpoints_disabled())
            for name, value in {**SETTINGS, **dict.fromkeys(TIME_LIMITS, str(LONGEST_CALL))}.items():
                stack.enter_context(setting(name, value))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """Puts everything back."""
        self._stack.close()

    def call(self, thread: Thread, function: int, data: bytes, arguments: Sequence[int | None]) -> int:
        """See `Calls.call`."""
        try:
            gdb_thread = self._threads[thread.num or 0]
            gdb_thread.switch()
            gdb.newest_frame().select()
            with self._on_stack(data) as address:
                words = [f"(unsigned long) {address if argument is None else argument}" for argument in arguments]
                prototype = ", ".join(["unsigned long"] * len(words))
                started = time.monotonic()
                with self._time_limit(thread):
                    try:
                        result = gdb.parse_and_eval(
                            f"((unsigned long (*) ({prototype})) {function}) ({', '.join(words)})"
                        )
                    except gdb.error as error:
                        # By the clock: which of the two limits ended it, GDB's own or ours, makes no difference.
                        if time.monotonic() - started >= LONGEST_CALL - 0.1:
                            raise CallFailed(
                                f"the call did not return within {LONGEST_CALL} s and was undone (is a lock held?); "
                                "use --via passive"
                            ) from None
                        raise CallFailed(f"the call failed: {' '.join(str(error).split()).rstrip('.')}") from None
            return int(result)
        except (gdb.error, KeyError) as error:
            raise CallFailed(f"no call can be made in this thread: {error}") from None

    def _check_registers(self) -> None:
        """Tries in one thread whether GDB can write the registers that a call writes: flips a flag, and back.

        GDB before 14 cannot where the kernel keeps more of them (AMX) than it knows of. A call would fail only after
        GDB has cancelled the system call in which the thread waits (`orig_rax`), which then returns an error.
        """
        register = self._architecture.vector_status
        stopped = next((thread for thread in self._threads.values() if not thread.is_running()), None)
        if not register or stopped is None:
            return
        try:
            stopped.switch()
            before = int(gdb.newest_frame().read_register(register))
            gdb.execute(f"set var ${register} = {before ^ 1}", to_string=True)
            gdb.execute(f"set var ${register} = {before}", to_string=True)
        except gdb.error as error:
            raise ResolverUnavailable(
                f"This GDB cannot write this processor's registers ({str(error).rstrip('.')}), so it can call nothing",
                "Use --via passive, which only reads memory, or a newer GDB.",
            ) from None

    @contextmanager
    def _on_stack(self, data: bytes) -> Iterator[int]:
        """Puts bytes below the stack pointer and its red zone, and the stack pointer below them.

        GDB would call `malloc` in the process to make room for them.
        """
        inferior = gdb.selected_inferior()
        before = int(gdb.parse_and_eval("(unsigned long) $sp"))
        address = (before - self._architecture.red_zone - len(data)) & ~63
        kept = bytes(inferior.read_memory(address, len(data)))
        try:
            inferior.write_memory(address, data)
            gdb.execute(f"set var $sp = {address}", to_string=True)
            yield address
        finally:
            with suppress(gdb.error):
                gdb.newest_frame().select()
            gdb.execute(f"set var $sp = {before}", to_string=True)
            inferior.write_memory(address, kept)

    @contextmanager
    def _time_limit(self, thread: Thread) -> Iterator[None]:
        """Interrupts the calling thread when it takes too long (a GDB without call timeouts waits for ever)."""
        pid, lwp = self._pid, thread.lwp

        def interrupt() -> None:
            if pid and lwp:
                ctypes.CDLL(None).tgkill(pid, lwp, SIGINT)

        timer = threading.Timer(LONGEST_CALL + 0.5 if _has_call_timeout() else LONGEST_CALL, interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _has_call_timeout() -> bool:
    try:
        shown("indirect-call-timeout")
    except (gdb.error, RuntimeError):
        return False
    return True


def _is_recording() -> bool:
    return bool(gdb.current_recording() is not None)


@contextmanager
def _breakpoints_disabled() -> Iterator[None]:
    """No breakpoint of the user may stop a call half way."""
    enabled = [breakpoint for breakpoint in gdb.breakpoints() or () if breakpoint.enabled]
    try:
        for breakpoint in enabled:
            breakpoint.enabled = False
        yield
    finally:
        for breakpoint in enabled:
            if breakpoint.is_valid():
                breakpoint.enabled = True
