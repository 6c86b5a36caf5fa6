"""The C library's own bookkeeping of threads, modules and TLS blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from gdb_tls.errors import reason
from gdb_tls.target.model import Absence, Module, Place, State, Thread
from gdb_tls.tuples import NamedTuple


class ListedThreads(NamedTuple):
    """The threads as the C library lists them.

    Attributes:
        thread_pointers: where the TLS of each is addressed from.
        lwps: the kernel's id of each; 0 for a thread that has ended, or that is not made yet.
        on_own_stacks: the thread pointers of the main thread and of those on stacks that the program gave them; empty
            where the library does not tell.
    """

    thread_pointers: list[int]
    lwps: list[int]
    on_own_stacks: Collection[int] = ()


class CLibrary(Protocol):
    """One C library's layout, read from memory only."""

    name: str

    def modules(self) -> Sequence[Module]:
        """All modules, by id."""
        ...

    def threads(self) -> ListedThreads:
        """All threads that are on the library's own lists; may be incomplete in a damaged process."""
        ...

    def check_thread_pointer(self, thread_pointer: int) -> str:
        """Why the value cannot be a thread pointer; empty where it can."""
        ...

    def blocks(self, module: Module, thread_pointers: Sequence[int]) -> list[Place]:
        """The address of one module's block in each thread, or why there is none."""
        ...


def blocks_in(libc: CLibrary, module: Module, threads: Sequence[Thread]) -> list[Place]:
    """One module's block in each thread; a thread without a thread pointer keeps its own reason.

    A module whose blocks cannot be found is no reason not to look at the others.
    """
    pointers = [thread.thread_pointer for thread in threads if thread.thread_pointer is not None]
    try:
        found = libc.blocks(module, pointers)
    except Exception as error:
        found = [Absence(State.UNRESOLVED, reason(error))] * len(pointers)
    if len(found) == len(threads):
        return found
    known = iter(found)
    return [
        next(known) if thread.thread_pointer is not None else Absence(State.UNRESOLVED, thread.problem)
        for thread in threads
    ]


@runtime_checkable
class KnowsEndings(Protocol):
    """A C library that notes when a thread has begun to end."""

    def have_ended(self, thread_pointers: Sequence[int]) -> list[bool | None]:
        """Whether each thread has left its start routine; None where that cannot be read."""
        ...


@runtime_checkable
class KnowsStartRoutines(Protocol):
    """A C library that keeps what a thread was started with where it can be found."""

    def start_routines(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """The function given to `pthread_create` for each thread; 0 for the first one, None where unknown."""
        ...

    def start_arguments(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """The argument given with it; None where unknown."""
        ...
