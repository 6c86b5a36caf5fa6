"""One quiet line after a crash: that there is tls-audit."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from contextlib import suppress

import gdb

from gdb_tls.hosts.gdb.connection import kind_of
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.hosts.native.signals import FAULTS

# Files of the C library, whose own thread-local variables (errno) are in every program.
C_LIBRARY = re.compile(r"(libc|libpthread|ld)[-.]|ld-(linux|musl)|ld64")


class CrashHint:
    """Watches what GDB does, and says its line before the next prompt: after what GDB itself says of the crash.

    A prompt is what people get: nothing is said in batch mode, nor to a program that drives GDB.
    """

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        """Connects to GDB's events.

        Args:
            is_wanted: whether the user wants the line.
        """
        self._is_wanted = is_wanted
        self._crash = ""  # the signal of a stop of which nothing was said yet
        self._is_new = True  # whether a core may have come since the last prompt
        self._core: tuple[int, int] | None = None  # the core of which it was said
        gdb.events.stop.connect(self._stopped)
        gdb.events.new_objfile.connect(self._loaded)
        gdb.events.before_prompt.connect(self._before_prompt)

    def _stopped(self, event: object) -> None:
        name = event.stop_signal if isinstance(event, gdb.SignalEvent) else ""
        self._crash = name if name in FAULTS else ""

    def _loaded(self, event: object) -> None:
        self._is_new = True

    def _before_prompt(self) -> None:
        if not self._crash and not self._is_new:
            return
        name, self._crash, self._is_new = self._crash, "", False
        with suppress(gdb.error, RuntimeError, OSError):
            if not gdb.selected_inferior().pid or not self._is_wanted():
                return
            name = name if name and _is_still(name) else self._new_core()
            if name and has_own_variables():
                gdb.write(f"[Is a thread-local variable behind this {name}? Type tls-audit.]\n")

    def _new_core(self) -> str:
        """The signal that ended the program of a core that came since the last prompt; empty where there is none."""
        inferior = gdb.selected_inferior()
        core = (inferior.num, inferior.pid)
        if core == self._core or kind_of(inferior) != "core":
            return ""
        self._core = core
        # GDB's core_target_open (corelow.c) sets it, in the target's numbers.
        number = gdb.convenience_variable("_exitsignal")
        return next((name for name in FAULTS if number is not None and int(number) == getattr(signal, name)), "")


def _is_still(name: str) -> bool:
    """Whether the selected thread has the signal: a call that crashed in the program may have been undone since."""
    try:
        with own_language():
            return int(gdb.parse_and_eval("$_siginfo.si_signo")) == int(getattr(signal, name))
    except gdb.error:
        return True  # a target that does not tell


def has_own_variables() -> bool:
    """Whether any file of the program but the C library has thread-local storage, or may have."""
    from gdb_tls.elf.file import NotElf, open_elf

    if gdb.current_progspace().filename is None:
        return True
    for objfile in gdb.objfiles():
        name = objfile.filename or ""
        if objfile.owner is not None or name.startswith("system-supplied DSO") or C_LIBRARY.match(name.split("/")[-1]):
            continue
        try:
            if open_elf(name).tls_segment:
                return True
        except NotElf:
            return True
    return False
