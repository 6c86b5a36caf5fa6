"""The threads and modules of a program, as the rules ask about them."""

from __future__ import annotations

import os
from collections.abc import Collection, Hashable, Sequence
from functools import cached_property

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.errors import reason
from gdb_tls.libc.heap import KnowsFreed
from gdb_tls.program.places import LIBC_SYMBOL
from gdb_tls.program.starts import start_routines
from gdb_tls.program.survey import Survey
from gdb_tls.questions.audit.rules import Crash
from gdb_tls.target.facts import Fault, Frame
from gdb_tls.target.model import Module, Thread

# Unwinding costs GDB up to milliseconds a thread.
MOST_UNWOUND = 256
DEEPEST = 48
# What tells two kinds of threads apart is near the beginning of the stack ...
OUTER_FRAMES = 4
# ... and what crashed is near its end.
INNER_FRAMES = 4
# x86-64 psABI, 3.2.2: so many bytes below the stack pointer are in use, too.
RED_ZONE = 128


class Threads:
    """The threads of a survey: who is main, who crashed, and what each runs.

    Attributes:
        sees_stacks: whether `stack` answers for more than the thread that crashed.
    """

    sees_stacks = True

    def __init__(self, survey: Survey) -> None:
        """Reads nothing yet."""
        self._survey = survey
        self._target = survey.program.target
        self._stacks: dict[int, list[Frame]] = {}
        self._stack_pointers: dict[int, int | None] = {}

    @cached_property
    def main(self) -> int | None:
        """The main thread's position: on Linux its LWP is the process id.

        Where the process id does not fit (another pid namespace), it is the lowest, for it came first.
        """
        lwps = [(thread.lwp, index) for index, thread in enumerate(self._survey.threads) if thread.lwp and thread.num]
        return next((index for lwp, index in lwps if lwp == self._target.pid), min(lwps)[1] if lwps else None)

    @cached_property
    def stop(self) -> Fault | None:
        """The signal the program stopped on, where it is one of a program that went wrong."""
        return self._target.fault()

    @cached_property
    def crashed(self) -> int | None:
        """The position of the thread that stopped on a signal."""
        if self.stop is None:
            return None
        numbers = [thread.num for thread in self._survey.threads]
        return numbers.index(self.stop.num) if self.stop.num in numbers else None

    def told_from(self, cause: int | None) -> int:
        """The frame from which on the crashed thread's stack says something: what is inside of it raised the signal.

        Args:
            cause: the address of the code that the cause speaks of; None where no cause was found.
        """
        frames = self.stack(self.crashed) if self.crashed is not None else ()
        at = next((index for index, frame in enumerate(frames) if frame.pc == cause), 0)
        if at or cause is not None or self.stop is None or self.stop.address is not None:
            return at
        own = next((index for index, frame in enumerate(frames) if self._survey.program.is_own(frame)), 0)
        return max(own - 1, 0)

    @cached_property
    def start_routines(self) -> Sequence[int | None]:
        """What each thread was started with."""
        return start_routines(self._survey.program, self._survey.threads)

    def freed(self, pointers: Sequence[int]) -> Collection[int]:
        """See `rules.Scene`."""
        program = self._survey.program
        library = program.libc
        try:
            return library.freed(pointers, program.regions) if isinstance(library, KnowsFreed) else ()
        except Exception as error:  # it only adds to what is known of the pointers
            reason(error)
            return ()

    def is_dead(self, thread: int, pointer: int) -> bool:
        """See `rules.Scene`.

        A thread that runs on another stack (a signal handler's, a coroutine's) does not say how far its own is used.
        """
        if thread not in self._stack_pointers:
            asked = self._survey.threads[thread]
            is_stopped = asked.num is not None and not asked.running
            self._stack_pointers[thread] = self._target.stack_pointer(asked) if is_stopped else None
        lowest = self._stack_pointers[thread]
        region = self._survey.program.region(pointer)
        return lowest is not None and region is not None and region.start <= pointer < lowest - RED_ZONE < region.end

    def stack(self, thread: int) -> Sequence[Frame]:
        """The frames of a thread, innermost first; empty where too many threads have been asked for already."""
        if thread not in self._stacks:
            asked = self._survey.threads[thread]
            if asked.num is None or asked.running or len(self._stacks) >= MOST_UNWOUND:
                return ()
            self._stacks[thread] = self._survey.program.frames(asked, DEEPEST)
        return self._stacks[thread]

    def function(self, thread: int) -> Hashable:
        """What a thread runs: how it was started, and the outermost frames, where they could be read.

        A start routine alone says little: C++ and most runtimes start all threads through one of their own.
        """
        outer = tuple(frame.function or frame.pc for frame in self.stack(thread)[-OUTER_FRAMES:])
        return (self.start_routines[thread], outer) if outer else None


class ModuleScene:
    """One module, as the rules and the weights ask about it; implements `rules.Scene`."""

    def __init__(self, threads: Threads, survey: Survey, module: Module) -> None:
        """Reads nothing yet."""
        self.main = threads.main
        self.module = module
        self._threads = threads
        self._survey = survey
        self._blocks = survey.blocks[module.id]

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """Where the module is in memory; empty where nothing tells."""
        objects = self._survey.program.objects
        for loaded in objects.all:
            if loaded.load_base == self.module.load_base and loaded.target_path == self.module.target_path:
                return objects.bounds(loaded) or (0, 0)
        return 0, 0

    def holds(self, frame: Frame) -> bool:
        """Whether a frame is code of the module."""
        return self.bounds[0] <= frame.pc < self.bounds[1]

    def fault(self) -> Crash | None:
        """See `rules.Scene`."""
        if self._threads.stop is None or self._threads.crashed is None:
            return None
        inner = self._threads.stack(self._threads.crashed)[:INNER_FRAMES]
        return Crash(self._threads.crashed, self._threads.stop.address, any(map(self.holds, inner)))

    def has_touched(self, thread: int) -> bool | None:
        """See `rules.Scene`; a block of dynamic TLS is made when it is first touched."""
        if self.module.static_offset is None:
            return isinstance(self._blocks.places[thread], int)
        if not self._threads.sees_stacks:
            return None
        return any(map(self.holds, self._threads.stack(thread)))

    def function(self, thread: int) -> Hashable:
        """See `rules.Scene`."""
        return self._threads.function(thread)

    def thread(self, thread: int) -> Thread:
        """See `rules.Scene`."""
        return self._survey.threads[thread]

    def has_ended(self, thread: int) -> bool:
        """See `rules.Scene`."""
        return self._survey.threads[thread].exited

    def freed(self, pointers: Sequence[int]) -> Collection[int]:
        """See `rules.Scene`."""
        return self._threads.freed(pointers)

    def is_dead(self, thread: int, pointer: int) -> bool:
        """See `rules.Scene`."""
        return self._threads.is_dead(thread, pointer)

    # What is known of the module

    @cached_property
    def is_libc(self) -> bool:
        """Whether it is the C library or comes with it (the loader's own TLS is the C library's, too)."""
        if not self.module.target_path or not self.module.path:
            return False
        try:
            return LIBC_SYMBOL in open_elf(self.module.path).symbols([LIBC_SYMBOL])
        except NotElf:
            return False

    @cached_property
    def is_system(self) -> bool:
        """Whether it lies beside the C library: a library of the distribution, not the program's own."""
        objects = self._survey.program.objects
        for loaded in objects.all:
            if loaded.name.startswith(("libc.so", "libc-2", "ld-musl")) and self.module.target_path:
                return _folder(loaded.target_path) == _folder(self.module.target_path)
        return False

    @cached_property
    def is_described(self) -> bool:
        """Whether debug information describes it."""
        return self._survey.symbols.is_described(self.module)


def _folder(path: str) -> str:
    # /lib is /usr/lib on systems with a merged /usr.
    return os.path.dirname(path).removeprefix("/usr")


def is_libc_name(name: str) -> bool:
    """Whether a file is the C library's, by its name."""
    return name.startswith(("libc.so", "libc-2", "ld-", "libpthread", "libm."))
