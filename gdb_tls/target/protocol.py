"""What the product needs from a debugger: the door through which all facts come.

`gdb_tls.hosts.gdb.target.GdbTarget` is the implementation for GDB; tests use one with
its memory in a dict.  Nothing on this side of the door imports gdb.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from typing import Any, Protocol, Union

from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import (
    CallFrame,
    DebugSymbol,
    Evaluated,
    Fault,
    FoundFile,
    Frame,
    Given,
    OtherName,
    Part,
    PartInFrame,
    Region,
)
from gdb_tls.target.model import Lookup, Path, Place, Storage, Thread, Type, Variable


class UnreadableMemory(Exception):
    """Some byte of the asked range cannot be read; the argument is the range's address."""


class CallFailed(Exception):
    """A function call in the process did not come back with a value; the text says why."""


class EvaluationFailed(Exception):
    """An expression has no value; the text is the debugger's sentence, without its full stop."""


class Memory(Protocol):
    """The inspected program's memory."""

    def read(self, address: int, size: int) -> bytes:
        """Reads exactly `size` bytes.

        Raises:
            UnreadableMemory: where any of them cannot be read.
        """
        ...

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """Reads `size` bytes at each address; None where they cannot be read."""
        ...

    @property
    def changing(self) -> Set[int]:
        """The addresses of which, in a process that runs, no two reads of more than a word have agreed."""
        ...

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """Reads `size` bytes at each of the first addresses, up to one where that is not possible at once."""
        ...

    def expect(self, addresses: Sequence[int], size: int) -> None:
        """Says that much will be read of the `size` bytes at each address: what cannot change may be kept."""
        ...

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """Whether the program had memory at each address, be it in the dump or not."""
        ...


class DebugInformation(Protocol):
    """The debugger's knowledge of names and types; it reads no thread and no memory."""

    @property
    def source(self) -> str:
        """What describes variables: "gdb", or "dwarf" (the files' debug information) without it."""
        ...

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """Finds the declaration that belongs to a file's TLS symbol (`name`: demangled)."""
        ...

    def function_of(self, symbol: ElfSymbol, object_path: str) -> str:
        """The name of the function that a file's TLS symbol is a static variable of; empty for none, or not known."""
        ...

    def in_frame(self, name: str) -> DebugSymbol | None:
        """The thread-local variable that the selected frame's function, file or scopes mean by a name."""
        ...

    def part_in_frame(self, name: str) -> PartInFrame | None:
        """A thread-local variable that only the selected frame's debug information places: it has no symbol."""
        ...

    def is_local(self, name: str) -> bool:
        """Whether a name is that of a parameter or local variable, not a thread-local one, of the selected frame."""
        ...

    def what_is(self, name: str) -> OtherName | None:
        """Says what a name is that is no thread-local variable; None if nothing."""
        ...

    def type_of_global(self, name: str, address: int) -> str:
        """The name of the declared type of a variable that all threads have; empty where it is not known.

        Args:
            name: demangled.
            address: where it is in the process, which tells it from its namesakes.
        """
        ...

    def demangle(self, names: Sequence[str]) -> list[str]:
        """Gives the names as a programmer writes them; a name that is not mangled stays."""
        ...

    def parse_type(self, text: str) -> Type:
        """Makes a type of its text.

        Raises:
            BadArgument: where no such type is known.
        """
        ...

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        """Compiles a path into a value of type `start`.

        Raises:
            BadPath: where it does not fit the type.
        """
        ...

    def part_at(self, kind: Type, offset: int) -> Part:
        """The innermost member or element of a type at an offset in it."""
        ...

    def separate_debug_file(self, object_path: str) -> str | None:
        """The separate debug file that the debugger uses for an object file."""
        ...

    def debug_directories(self) -> Sequence[str]:
        """Where separate debug files are kept."""
        ...


# For each thread in turn, of each variable its address, or the debugger's sentence that says why it has none.
Answers = Generator[list[Union[int, str]], None, None]


class Target(Protocol):
    """A process or a core dump, as the debugger sees it now."""

    @property
    def kind(self) -> str:
        """Which it is: "live", "core" or "remote"."""
        ...

    @property
    def engine(self) -> str:
        """What reads it: "gdb", or "direct" without a debugger."""
        ...

    @property
    def pid(self) -> int | None:
        """The process id; None where it is not known."""
        ...

    @property
    def executable(self) -> str | None:
        """The executable's file on this machine; None where it is not known."""
        ...

    @property
    def core_file(self) -> str | None:
        """The core dump's file; None where there is none, or it is not known."""
        ...

    @property
    def gaps(self) -> str:
        """What its core dump lacks as a whole, as a sentence; empty for nothing."""
        ...

    @property
    def architecture(self) -> Architecture:
        """The row of the table of architectures."""
        ...

    @property
    def most_characters(self) -> int:
        """How much of a text the user wants to see at most."""
        ...

    @property
    def memory(self) -> Memory:
        """Its memory."""
        ...

    @property
    def debug(self) -> DebugInformation:
        """The debugger's knowledge of its names and types."""
        ...

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        """All threads that the debugger lists, by number; without names.

        Args:
            thread_pointers: by LWP, where they are known; the others get none.
        """
        ...

    def name_of(self, thread: Thread) -> str:
        """The thread's name; empty where it has none, or the debugger does not know it."""
        ...

    def selected_thread(self) -> int | None:
        """The number of the thread that the user has selected."""
        ...

    def thread_pointer(self, thread: Thread) -> int | None:
        """The thread pointer from the thread's registers; slow, so only where libc's lists fail.

        0 is what a thread has whose TLS is not set up yet, or whose core does not say.  None: they cannot be read.
        """
        ...

    def outer_ids(self) -> Mapping[int, int]:
        """The LWP by the id by which a thread knows itself; empty where these are the same, or that is not known."""
        ...

    def is_steady(self, pointer: int, lwp: int) -> bool:
        """Whether a thread that only the C library lists was there whenever the process was looked at.

        Args:
            pointer: its thread pointer.
            lwp: its id, as it knows itself.
        """
        ...

    def has_task(self, lwp: int) -> bool:
        """Whether the kernel has a thread of that id in the process now; False where it cannot be asked."""
        ...

    def auxiliary_vector(self) -> Mapping[int, int]:
        """The AT_ entries that the kernel gave to the program; empty where it cannot be had."""
        ...

    def files_for(self, target_path: str, address: int, build_id: str | None = None) -> Iterator[FoundFile]:
        """The files on this machine that may be a loaded object's, the likeliest first.

        Args:
            target_path: the program's own name for it; empty for the executable.
            address: any address inside the loaded object; 0 where none is known.
            build_id: the object's in memory; None where it is not known.
        """
        ...

    def frames(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None = None) -> list[Frame]:
        """The innermost `most` frames; as many as can be unwound, and none beyond the first of which `until` holds."""
        ...

    def frames_of_many(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None = None
    ) -> Iterator[list[Frame] | Exception]:
        """`frames` of each thread in turn, or why there are none.

        To select what was selected again costs the debugger more than a short stack: it does so after some threads,
        and before the iterator waits.
        """
        ...

    def call_frames(self, thread: Thread, most: int) -> list[CallFrame]:
        """The innermost `most` frames with their registers; as many as can be unwound."""
        ...

    def regions(self) -> Sequence[Region]:
        """The memory map, by address; empty where the target does not tell."""
        ...

    def fault(self, most: int | None = None) -> Fault | None:
        """The signal on which the program stopped, where it is one of a program that went wrong.

        Args:
            most: how many threads may be asked, the selected one first; None for as many as is usual.
        """
        ...

    def map_of_core(self, core_file: str, pattern: str | None) -> Any:
        """The document that `tls-map` makes of another core of the same program.

        Args:
            core_file: its file name.
            pattern: a --module pattern; None for all modules.

        Raises:
            BadArgument: where it cannot be read.
        """
        ...

    def format_value(self, kind: Type, address: int) -> str:
        """The value at an address, as the debugger prints it, on one line.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        ...

    def format_pointed(self, kind: Type, pointer: int) -> str:
        """What a pointer points to, as the debugger prints it, on one line; empty where it cannot be read."""
        ...

    def storage_state(self, storage: Storage, address: int) -> str:
        """What the state of a variable at an address says of its value: "uninitialised", "alive" or "destroyed".

        Empty where it says nothing that is known.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        ...

    def find_element(self, lookup: Lookup, address: int, name: str) -> Place:
        """The address of an element of the container at an address, or why there is none.

        Args:
            lookup: which element, and of what type of container.
            address: of the container.
            name: of the container, for the reason.
        """
        ...

    def symbol_at(self, address: int) -> str | None:
        """The name of the function or object that an address points to."""
        ...

    def line_at(self, address: int) -> tuple[str, int]:
        """The last part of the source file's name, and the line, of code at an address; ("", 0) where none is known."""
        ...

    def stack_pointer(self, thread: Thread) -> int | None:
        """The thread's stack pointer; slow, as each thread has to be asked for its registers."""
        ...

    def evaluate(self, expression: str) -> int:
        """The address that an expression means: a pointer's or number's value, or where an object is.

        Raises:
            BadArgument: with the debugger's sentence where it cannot be evaluated.
        """
        ...

    def addresses_in(self, threads: Sequence[Thread], variables: Sequence[Variable]) -> Answers:
        """The debugger's own answers to `&variable`, or its sentences where it has none: those of each thread.

        To change the thread costs it more than to answer.  What was selected is selected again after the last thread,
        or when the iterator is closed.
        """
        ...

    def searches_for(self, variable: Variable) -> bool:
        """Whether the debugger searches for a variable each time that it is asked, which takes it much longer."""
        ...

    def evaluator(self) -> Evaluator:
        """The way to evaluate expressions in threads, without running code in the process or changing it.

        Raises:
            ResolverUnavailable: where the debugger cannot be kept from it.
        """
        ...

    def calls(self) -> Calls:
        """The way to call functions in the process; restores everything when it is left.

        Raises:
            ResolverUnavailable: where no function can be called.
        """
        ...


class Evaluator(Protocol):
    """Evaluates the user's expressions; a context manager.

    Inside, no function of the process can be called and nothing in it be written; when it is left, every setting, the
    selected thread and the frame are what they were.
    """

    def __enter__(self) -> Evaluator:
        """Forbids calls and writes."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Restores everything."""
        ...

    def placeholder(self, index: int, by_value: bool) -> str:
        """What stands in an expression for the operand at a position in `given`."""
        ...

    def needs_thread(self, expression: str) -> bool:
        """Whether it may mean something else in each thread, but for its placeholders: registers, locals."""
        ...

    def fits(self, expression: str, given: Sequence[Given]) -> bool:
        """Whether the program has all that an expression names; nothing is read for it."""
        ...

    def expansions(self, expression: str) -> Sequence[str]:
        """What macros of the program's source make of it, as far as the debug information has them."""
        ...

    def evaluate(self, expression: str, thread: Thread | None, given: Sequence[Given]) -> Evaluated:
        """Evaluates it.

        Args:
            expression: with placeholders.
            thread: in whose innermost frame; None for the frame that the user has selected.
            given: what the placeholders stand for.

        Raises:
            EvaluationFailed: where it has no value.
        """
        ...


class Calls(Protocol):
    """Calls into the process, one thread at a time; a context manager."""

    def __enter__(self) -> Calls:
        """Sets scheduler locking and the rest for the time of the calls."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Restores every setting, the selected thread and the frame."""
        ...

    def call(self, thread: Thread, function: int, data: bytes, arguments: Sequence[int | None]) -> int:
        """Calls a function with word-sized arguments in one thread.

        Args:
            thread: where the call runs; all others stay stopped.
            function: its address.
            data: bytes that are put on the thread's stack for the time of the call.
            arguments: the arguments; None stands for the address of `data`.

        Returns:
            The word that the function returned.

        Raises:
            CallFailed: where it did not return.
        """
        ...
