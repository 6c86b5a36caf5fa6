"""The C library's own bookkeeping of threads, modules and TLS blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from gdb_tls.errors import CorruptMemory, MissingFile, TlsError, UnsupportedTarget
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.target.model import Absence, Module, Place, State, Thread
from gdb_tls.target.protocol import Target


class ListedThreads(NamedTuple):
    """The threads as the C library lists them.

    Attributes:
        thread_pointers: where the TLS of each is addressed from.
        lwps: the kernel's id of each; 0 for a thread that has ended.
    """

    thread_pointers: list[int]
    lwps: list[int]


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
    """One module's block in each thread; a thread without a thread pointer keeps its own reason."""
    found = libc.blocks(module, [thread.thread_pointer for thread in threads if thread.thread_pointer is not None])
    if len(found) == len(threads):
        return found
    known = iter(found)
    return [
        next(known) if thread.thread_pointer is not None else Absence(State.UNRESOLVED, thread.problem)
        for thread in threads
    ]


@runtime_checkable
class KnowsStartRoutines(Protocol):
    """A C library that keeps what a thread was started with where it can be found."""

    def start_routines(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """The function given to `pthread_create` for each thread; 0 for the first one, None where unknown."""
        ...


def find(target: Target, objects: LoadedObjects) -> CLibrary:
    """The program's C library; where its own bookkeeping cannot be read, what the ABI alone fixes.

    Raises:
        MissingFile, CorruptMemory, UnsupportedTarget: where not even the ABI gives a module.
    """
    found: CLibrary | None = None
    try:
        found = detect(target, objects)
        found.modules()
    except (MissingFile, CorruptMemory, UnsupportedTarget) as error:
        from gdb_tls.libc.abi import AbiOnly

        fallback = AbiOnly(target, objects, found, _clause(error.what), _clause(error.hint))
        if fallback.modules():
            return fallback
        raise
    return found


def detect(target: Target, objects: LoadedObjects) -> CLibrary:
    """Finds which C library the program runs on.

    Raises:
        MissingFile: where the library's file is not here.
        CorruptMemory: where the list of loaded objects is lost.
        UnsupportedTarget: where it is none that is known.
    """
    from gdb_tls.libc.glibc.library import Descriptors, Glibc

    descriptors = Descriptors.find(target, objects)
    if descriptors:
        return Glibc(target, objects, descriptors)
    from gdb_tls.libc.musl.library import Musl, is_musl

    if is_musl(objects):
        return Musl(target, objects)
    raise _why_none(objects)


def _why_none(objects: LoadedObjects) -> TlsError:
    if objects.list_is_lost:
        return CorruptMemory(
            "The program's list of loaded objects cannot be read",
            "The core may be truncated, or made with a narrow coredump_filter; 0x33 is what the kernel starts with.",
        )
    missing = [loaded for loaded in objects.all if loaded.problem]
    for loaded in missing:
        if loaded.name.startswith(("libc.", "libc-", "libpthread")):
            return MissingFile(f"The C library's file is needed to read TLS, and {loaded.problem}")
    if missing and not any(loaded.path for loaded in objects.all):
        return MissingFile(f"The program's files are needed to read TLS, and {missing[0].problem}")
    return UnsupportedTarget(
        "No C library that describes its threads was found in the program",
        "glibc is known by the _thread_db_ symbols in libc.so.6 (libpthread.so.0 before 2.34); is it stripped of them?",
    )


def _clause(sentence: str) -> str:
    """A sentence as part of a longer one."""
    sentence = sentence.rstrip(".")
    return sentence[:1].lower() + sentence[1:]
