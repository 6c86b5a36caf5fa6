"""Which threads have which functions on their stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.program.program import Program
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Thread
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple

# Unwinding costs GDB up to milliseconds a thread, and a stack may be endless.
MOST_THREADS = 256
DEEPEST = 64
# A signal handler returns there (glibc sysdeps/unix/sysv/linux/x86_64/libc_sigaction.c; Linux's vDSO on AArch64).
SIGNAL_FRAMES = ("__restore_rt", "__restore", "__kernel_rt_sigreturn", "<signal handler called>")


class Passage(NamedTuple):
    """A frame of a thread that is in a wanted function.

    Attributes:
        thread: whose stack.
        depth: how many frames are inside of it; 0 for the innermost.
        function: the wanted function's key.
        frame: the frame.
    """

    thread: Thread
    depth: int
    function: int
    frame: Frame


class Stacks(NamedTuple):
    """What was found on the stacks.

    Attributes:
        passages: by thread, in the order in which they were looked at, the innermost frame first.
        looked_at: how many threads were looked at.
        threads: how many there are.
        crashed: the number of the thread that stopped on a signal; None where none did.
    """

    passages: Sequence[Passage]
    looked_at: int
    threads: int
    crashed: int | None


def passages(program: Program, function_of: Callable[[int], int | None], progress: Progress = SILENT) -> Stacks:
    """Looks for functions on the stacks of all threads, or of a sample: the crashed, selected and main ones first.

    Args:
        program: the program.
        function_of: the key of the wanted function in which a code address is; None for other addresses.
        progress: shows how far it is.
    """
    threads = program.unnamed_threads
    fault = program.target.fault()
    crashed = fault.num if fault else None
    ordered = _ordered(program, threads, crashed)[:MOST_THREADS]
    found: list[Passage] = []
    looked_at = 0
    with progress.task("Reading stacks", len(ordered)) as task:
        for thread, frames in zip(ordered, program.frames_of_many(ordered, DEEPEST)):
            for depth, frame in enumerate(frames):
                key = function_of(_inside(frames, depth))
                if key is not None:
                    found.append(Passage(thread, depth, key, frame))
            looked_at += bool(frames)
            task.advance()
    return Stacks(found, looked_at, len(threads), crashed)


def _ordered(program: Program, threads: Sequence[Thread], crashed: int | None) -> list[Thread]:
    """Those whose stacks can be read, the most telling first."""
    asked = [thread for thread in threads if thread.num is not None and not thread.running]
    selected = program.target.selected_thread()
    # Linux: the main thread's LWP is the process id.
    return sorted(
        asked,
        key=lambda one: (one.num != crashed, one.num != selected, one.lwp is None or one.lwp != program.target.pid),
    )


def _inside(frames: Sequence[Frame], depth: int) -> int:
    """An address in the call that a frame has made: what it will return to may belong to another function already."""
    pc = frames[depth].pc
    exact = depth == 0 or frames[depth - 1].function in SIGNAL_FRAMES
    return pc if exact else pc - 1
