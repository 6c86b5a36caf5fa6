"""What the kernel put on the stack for a signal handler: the address that the interrupted code was refused."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.evidence.code import Code
from gdb_tls.program.program import Program
from gdb_tls.target.facts import CallFrame
from gdb_tls.tuples import NamedTuple


class Layout(NamedTuple):
    """Offsets from the stack pointer in the kernel's way into a handler.

    Attributes:
        program_counter: of the interrupted code.
        stack_pointer: of the interrupted code.
        refused: of the page fault's address.
        trap: of the number of the trap; None where the kernel tells none.
        page_fault: the number that a page fault has.
    """

    program_counter: int
    stack_pointer: int
    refused: int
    trap: int | None = None
    page_fault: int = 0


# x86-64: struct ucontext, which holds struct sigcontext_64 from its byte 40 on (Linux, arch/x86/include/uapi/asm/
# sigcontext.h).  AArch64: struct siginfo, then struct ucontext, which holds struct sigcontext from its byte 176 on
# (arch/arm64/kernel/signal.c).
LAYOUTS = {
    "x86-64": Layout(program_counter=168, stack_pointer=160, refused=216, trap=200, page_fault=14),
    "aarch64": Layout(program_counter=128 + 176 + 264, stack_pointer=128 + 176 + 256, refused=128 + 176),
}


def refused_before(program: Program, code: Code, frames: Sequence[CallFrame], number: int) -> int | None:
    """The address that the code was refused which a signal interrupted; None where it is not known.

    The kernel leaves what an earlier fault of the thread had said where the signal was none: the caller has to know
    that the code did fault.

    Args:
        program: the program.
        code: its code.
        frames: of the thread.
        number: the frame that is the kernel's way into the handler.
    """
    layout = LAYOUTS.get(program.target.architecture.name)
    base = frames[number].registers.get("sp")
    if layout is None or base is None or number + 1 == len(frames):
        return None
    interrupted = frames[number + 1]
    if code.word(base + layout.program_counter) != interrupted.pc:
        return None
    if code.word(base + layout.stack_pointer) != interrupted.registers.get("sp"):
        return None
    if layout.trap is not None and code.word(base + layout.trap) != layout.page_fault:
        return None
    return code.word(base + layout.refused)
