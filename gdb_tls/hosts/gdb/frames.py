"""The frames of the selected thread: as people read them, and as the machine has them, with their registers."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import gdb

from gdb_tls.target.facts import CallFrame, Frame

_REGISTERS = {
    "x86-64": ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{number}" for number in range(8, 16))),
    "aarch64": tuple(f"x{number}" for number in range(31)),
}
# Frames without code of their own: GDB shows a function that was left by a jump as one.
_NO_FRAMES = (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)


def frames(most: int, until: Callable[[Frame], bool] | None) -> list[Frame]:
    """Unwinds the selected thread, as far as that is wanted and can be done; see `Target.frames`."""
    found: list[Frame] = []
    with suppress(gdb.error):
        frame: gdb.Frame | None = gdb.newest_frame()
        while frame is not None:
            line = frame.find_sal()
            file = os.path.basename(line.symtab.filename) if line.symtab else ""
            found.append(Frame(frame.name() or "", file, line.line if line.symtab else 0, frame.pc()))
            if len(found) == most or (until is not None and until(found[-1])):
                break
            frame = _caller(frame)  # costs GDB up to tens of milliseconds, where it reads tables for the first time
    return found


def _caller(frame: gdb.Frame) -> gdb.Frame | None:
    """The frame that a frame returns to; None at the end, which GDB may show as a caller at 0."""
    caller = frame.older()
    # Behind a signal's trampoline a 0 is what was called.
    is_end = caller is not None and not caller.pc() and frame.type() != gdb.SIGTRAMP_FRAME
    return None if is_end else caller


def call_frames(architecture: str, most: int) -> list[CallFrame]:
    """Unwinds the selected thread, as far as that can be done."""
    found: list[CallFrame] = []
    frame: gdb.Frame | None = gdb.newest_frame()
    innermost = None
    with suppress(gdb.error):
        while frame is not None and len(found) < most:
            innermost = innermost or frame
            if frame.type() not in _NO_FRAMES:
                found.append(_call_frame(frame, innermost, architecture))
                innermost = None
            frame = _caller(frame)
    return found


def _call_frame(frame: gdb.Frame, innermost: gdb.Frame, architecture: str) -> CallFrame:
    registers = {}
    for name in ("sp", *_REGISTERS.get(architecture, ())):
        with suppress(gdb.error, ValueError):
            registers[name] = int(frame.read_register(name)) % (1 << 64)
    line = innermost.find_sal()
    file = os.path.basename(line.symtab.filename) if line.symtab else ""
    is_trampoline = frame.type() == gdb.SIGTRAMP_FRAME
    return CallFrame(frame.pc(), registers, is_trampoline, frame.name() or "", file, line.line if line.symtab else 0)
