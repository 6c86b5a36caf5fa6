"""One look at the program under inspection: its objects, C library, modules and threads.

A `Program` is made for one command and thrown away with it: whatever it has read is from
one stop of the process.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gdb_tls.libc import find as c_libraries
from gdb_tls.libc.library import CLibrary
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.symbols import Candidate, Symbols
from gdb_tls.target.model import Module, TargetInfo, Thread
from gdb_tls.target.protocol import Frame, Region, Target

if TYPE_CHECKING:
    from gdb_tls.libc.thread_data import ThreadData


class Program:
    """The target, with what is derived from it; each part is read once, when it is needed."""

    def __init__(self, target: Target, announce: Callable[[str], None] = lambda text: None) -> None:
        """Reads nothing yet.

        Args:
            target: the debugger's target.
            announce: tells the user something at once: what is about to be done in the process.
        """
        self.target = target
        self.announce = announce
        self.objects = LoadedObjects(target)

    @cached_property
    def libc(self) -> CLibrary:
        """The C library; what is read instead of files of other builds is said on the way."""
        found = c_libraries.find(self.target, self.objects)
        own = {loaded.path for loaded in self.objects.all}
        for loaded in self.objects.all:
            if not loaded.set_aside or not loaded.path or not self.objects.tls_segment_at(loaded.load_base):
                continue
            # Of a program that was started by the loader's name, the debugger takes the loader for the executable.
            if not any(f"{path} is " in loaded.set_aside for path in own):
                self.announce(f"Note: {loaded.set_aside}; {loaded.path} is read instead.")
        return found

    @cached_property
    def thread_data(self) -> ThreadData:
        """What the C library keeps for its threads besides blocks."""
        from gdb_tls.libc.thread_data import HasThreadData, UnknownThreadData

        library = self.libc
        return library.thread_data if isinstance(library, HasThreadData) else UnknownThreadData(library.name)

    @property
    def modules(self) -> Sequence[Module]:
        """All modules, by id."""
        return self.libc.modules()

    def symbols(self, pattern: str | None = None) -> Symbols:
        """The variables, of all modules or of those that a --module pattern means."""
        return Symbols(self.target, self.modules, pattern)

    @cached_property
    def tls_symbols(self) -> list[Candidate]:
        """Every TLS symbol of every module."""
        return self.symbols().candidates()

    @cached_property
    def info(self) -> TargetInfo:
        """What the program is."""
        target = self.target
        return TargetInfo(target.kind, target.pid, target.executable, target.architecture.name, self.libc.name)

    @cached_property
    def threads(self) -> list[Thread]:
        """Every thread, with its name; the names of a live process cost a system call each."""
        return [self.named(thread) for thread in self.unnamed_threads]

    def named(self, thread: Thread) -> Thread:
        """The thread with its name."""
        num, lwp, _, pointer, exited, running, problem = thread
        return Thread(num, lwp, self.target.name_of(thread), pointer, exited, running, problem)

    @cached_property
    def unnamed_threads(self) -> list[Thread]:
        """Every thread of the debugger, with its thread pointer, then the ended ones that only libc lists.

        libc's lists give all thread pointers without reading a register.  A thread that is
        not on them (a damaged list, ids of another pid namespace) is asked for its registers.
        """
        pointers, lwps = self.libc.threads()
        by_lwp = dict(zip(lwps, pointers))
        by_lwp.pop(0, None)
        threads = self.target.threads(by_lwp)
        shown = {thread.thread_pointer for thread in threads}
        if None in shown:
            threads = [one if one.thread_pointer is not None else self._by_registers(one) for one in threads]
            shown = {thread.thread_pointer for thread in threads}
        others = [(pointer, lwp) for pointer, lwp in zip(pointers, lwps) if pointer not in shown]
        # Ids that match nowhere are of another pid namespace: then only a zero id means "ended".
        comparable = bool(others) and not by_lwp.keys().isdisjoint([thread.lwp for thread in threads])
        return threads + [
            Thread(None, lwp or None, "", pointer, exited=True)
            for pointer, lwp in others
            if (not lwp or comparable) and not self.libc.check_thread_pointer(pointer)
        ]

    def _by_registers(self, thread: Thread) -> Thread:
        """A thread that libc does not list, with its thread pointer or why it has none."""
        if thread.running:
            return thread._replace(
                problem="the thread is running and libc does not list it: its registers cannot be read"
            )
        pointer = self.target.thread_pointer(thread)
        if pointer is None:
            return thread._replace(problem="its thread pointer is not known: its registers cannot be read")
        problem = self.libc.check_thread_pointer(pointer)
        return thread._replace(problem=problem) if problem else thread._replace(thread_pointer=pointer)

    @cached_property
    def regions(self) -> Sequence[Region]:
        """The memory map, by address; empty where the target does not tell."""
        return self.target.regions()

    @cached_property
    def _region_starts(self) -> list[int]:
        return [region.start for region in self.regions]

    def region(self, address: int) -> Region | None:
        """The mapped region that holds an address; None where none does, or where that is not known."""
        at = bisect_right(self._region_starts, address) - 1
        return self.regions[at] if at >= 0 and address < self.regions[at].end else None

    def where(self, thread: Thread) -> Frame | None:
        """The innermost frame of a thread that has a name; None where its stack cannot be read."""
        frames = self.target.frames(thread, 4)
        return next((frame for frame in frames if frame.function), frames[0] if frames else None)
