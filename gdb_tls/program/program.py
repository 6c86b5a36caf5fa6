"""One look at the program under inspection: its objects, C library, modules and threads.

A `Program` is made for one command and thrown away with it: whatever it has read is from
one stop of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gdb_tls.errors import reason
from gdb_tls.libc import find as c_libraries
from gdb_tls.libc.library import CLibrary, blocks_in
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.constants import Constants
from gdb_tls.program.interposed import Asking
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.program.names import is_rust_value
from gdb_tls.program.symbols import Symbols
from gdb_tls.program.threads import find_threads
from gdb_tls.program.where import DEEPEST, Ownership, Where, where_of
from gdb_tls.target.facts import CallFrame, Frame, Region
from gdb_tls.target.model import Module, Place, TargetInfo, Thread, Variable
from gdb_tls.target.protocol import Target
from gdb_tls.target.regions import region_at

if TYPE_CHECKING:
    from gdb_tls.libc.thread_data import ThreadData
    from gdb_tls.program.emulated import EmulatedStorage
    from gdb_tls.program.lifetimes import Lifetime, Lifetimes


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
        if self.target.gaps:
            self.announce(f"Note: {self.target.gaps}")
        found = c_libraries.find(self.target, self.objects)
        for loaded in self.objects.all:
            if loaded.set_aside and loaded.path and self.objects.tls_segment_at(loaded.load_base):
                self.announce(f"Note: {loaded.set_aside}; {loaded.path} is read instead.")
        return found

    @cached_property
    def thread_data(self) -> ThreadData:
        """What the C library keeps for its threads besides blocks."""
        from gdb_tls.libc.thread_data import HasThreadData, UnknownThreadData

        library = self.libc
        return library.thread_data if isinstance(library, HasThreadData) else UnknownThreadData(library.name)

    @cached_property
    def constants(self) -> Constants:
        """Which addresses are of constants and code."""
        return Constants(self.objects)

    @property
    def modules(self) -> Sequence[Module]:
        """All modules, by id."""
        return self.libc.modules()

    def symbols(self, pattern: str | None = None, copies: bool = False) -> Symbols:
        """The variables, of all modules or of those that a --module pattern means; those of emulated TLS, too.

        Args:
            pattern: the pattern; None for all.
            copies: whether definitions that no code uses are wanted, too.
        """
        modules = [*self.modules, *self.emulated.modules]
        return Symbols(self.target, modules, pattern, copies, self._asking, self._is_guard)

    def _is_guard(self, module: Module, offset: int) -> bool:
        return self.lifetimes.is_guard(module, offset)

    def _asking(self) -> list[Asking]:
        return [Asking(one.path, one.load_base) for one in self.objects.all if one.path]

    @cached_property
    def emulated(self) -> EmulatedStorage:
        """The variables of emulated TLS."""
        from gdb_tls.program.emulated import EmulatedStorage

        return EmulatedStorage(self.target, self.objects, lambda: self.thread_data, lambda: self.unnamed_threads)

    def blocks(self, module: Module, threads: Sequence[Thread]) -> list[Place]:
        """One module's block in each thread, or why there is none."""
        return self.emulated.places(module, threads) if module.emulated else blocks_in(self.libc, module, threads)

    @cached_property
    def lifetimes(self) -> Lifetimes:
        """Which objects are constructed, and which destroyed."""
        from gdb_tls.program.lifetimes import Lifetimes
        from gdb_tls.program.thread_end import Endings

        return Lifetimes(self.target, Endings(lambda: self.libc, self.frames))

    def lives(self, variable: Variable, threads: Sequence[Thread]) -> list[Lifetime | None] | None:
        """What is known of the lives of a variable's objects; None for nothing."""
        blocks = self.blocks(variable.module, threads)
        if is_rust_value(variable.linkage_name):
            places = [place + variable.offset if isinstance(place, int) else place for place in blocks]
            return self.lifetimes.of_rust(variable.module, variable.linkage_name, variable.type, places, blocks)
        return self.lifetimes.of(variable.module, variable.offset, variable.size, threads, blocks)

    @cached_property
    def tls_symbols(self) -> list[Candidate]:
        """Every TLS symbol of every module."""
        return self.symbols().every

    @cached_property
    def info(self) -> TargetInfo:
        """What the program is."""
        target = self.target
        name = target.architecture.name
        return TargetInfo(target.kind, target.pid, target.executable, name, self.libc.name, target.engine)

    @cached_property
    def threads(self) -> list[Thread]:
        """Every thread, with its name; the names of a live process cost a system call each."""
        return [self.named(thread) for thread in self.unnamed_threads]

    def named(self, thread: Thread) -> Thread:
        """The thread with its name."""
        num, lwp, _, pointer, life, running, problem = thread
        try:
            name = self.target.name_of(thread)
        except Exception as error:  # one bad thread is one bad row
            name = f"<{reason(error)}>"
        return Thread(num, lwp, name, pointer, life, running, problem)

    @cached_property
    def unnamed_threads(self) -> list[Thread]:
        """Every thread of the debugger, with its thread pointer, then those that only libc lists."""
        return find_threads(self.target, self.libc)

    @cached_property
    def regions(self) -> Sequence[Region]:
        """The memory map, by address; empty where the target does not tell."""
        return self.target.regions()

    def region(self, address: int) -> Region | None:
        """The mapped region that holds an address; None where none does, or where that is not known."""
        return region_at(address, self.regions)

    def frames(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None = None) -> list[Frame]:
        """The innermost frames of a thread; none where its stack cannot be read.  A bad one ends no command.

        Where the debugger has read another build's file, its names and lines are wrong: only the address is given.

        Args:
            thread: whose.
            most: how many at most.
            until: says of a frame whether it is the last that is wanted.
        """
        try:
            return self._named_rightly(self.target.frames(thread, most, until))
        except Exception as error:
            return _failed(error)

    def frames_of_many(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None = None
    ) -> Iterator[list[Frame]]:
        """`frames` of each thread in turn."""
        for frames in self.target.frames_of_many(threads, most, until):
            yield _failed(frames) if isinstance(frames, Exception) else self._named_rightly(frames)

    def _named_rightly(self, frames: list[Frame]) -> list[Frame]:
        wrong = self.objects.misread
        if not wrong:
            return frames
        return [
            Frame("", "", 0, frame.pc) if any(start <= frame.pc < end for start, end in wrong) else frame
            for frame in frames
        ]

    def call_frames(self, thread: Thread, most: int) -> list[CallFrame]:
        """The innermost frames of a thread as the machine has them; names and lines as in `frames`."""
        frames = self.target.call_frames(thread, most)
        wrong = self.objects.misread
        return [
            one._replace(function="", file="", line=0) if any(start <= one.pc < end for start, end in wrong) else one
            for one in frames
        ]

    def line(self, address: int) -> tuple[str, int]:
        """The source file and line of code; nothing where the debugger has none, or has read another build's file."""
        if any(start <= address < end for start, end in self.objects.misread):
            return "", 0
        return self.target.line_at(address)

    def symbol_at(self, address: int) -> str | None:
        """What the debugger calls a place; None where it has read another build's file."""
        if any(start <= address < end for start, end in self.objects.misread):
            return None
        return self.target.symbol_at(address)

    def where(self, thread: Thread) -> Where | None:
        """Where a thread is; None where its stack cannot be read."""
        return where_of(self.frames(thread, DEEPEST, self._ownership.is_own), self._ownership)

    def places(self, threads: Sequence[Thread]) -> Iterator[Where | None]:
        """Where each of many threads is, in turn; None where its stack cannot be read."""
        for frames in self.frames_of_many(threads, DEEPEST, self._ownership.is_own):
            yield where_of(frames, self._ownership)

    def is_own(self, frame: Frame) -> bool:
        """Whether a frame is of the program's own code, not of the system's libraries."""
        return self._ownership.is_own(frame)

    def named_frame(self, frame: Frame) -> Frame:
        """A frame that has a name: where there are no symbols, the file's and the place in it."""
        return self._ownership.named(frame)

    @cached_property
    def _ownership(self) -> Ownership:
        return Ownership(self.objects)


def _failed(error: Exception) -> list[Frame]:
    return [Frame(f"<{reason(error)}>", "", 0, 0)]
