"""The lists of thread-local objects that a C++ library keeps itself, where the C library keeps none.

libstdc++-v3/libsupc++/atexit_thread.cc: where there was no `__cxa_thread_atexit_impl` when it was built (musl has none,
nor has glibc before 2.18), `__cxa_thread_atexit` puts a record {destructor, object, next} before those of earlier
calls, and the first one is the thread's value of a pthread key.
"""

from __future__ import annotations

from functools import cached_property

from gdb_tls.elf.file import NotElf
from gdb_tls.libc.thread_exit import DestructorList, KeepsDestructors, Registered
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.objects.words import Words
from gdb_tls.program.program import Program
from gdb_tls.questions.keys.names import key_names
from gdb_tls.target.protocol import UnreadableMemory

REGISTER, OF_THE_C_LIBRARY = "__cxa_thread_atexit", "__cxa_thread_atexit_impl"
MOST = 1_000_000


class OwnLists:
    """Which pthread keys have such lists, and what is in them."""

    def __init__(self, program: Program) -> None:
        """Reads nothing yet."""
        self._program = program
        self._words = Words(program.target)

    @cached_property
    def keys(self) -> dict[int, str]:
        """The keys' numbers, as far as the code that registers objects tells them -> the file that has this code."""
        found: dict[int, str] = {}
        for variable in key_names(self._program).variables if self._owners else ():
            owner = next((one for one in self._owners if variable.file == one.name), None)
            if owner is None or variable.number is None:
                continue
            known = owner.file.symbols([REGISTER])[REGISTER] if owner.file else None
            if known and any(known.value <= at - owner.load_base < known.value + known.size for at in variable.places):
                found[variable.number] = owner.name
        return found

    @property
    def is_whole(self) -> bool:
        """Whether there are such lists, and which key each is under is known."""
        return bool(self._owners) and {one.name for one in self._owners} == set(self.keys.values())

    @cached_property
    def _owners(self) -> list[LoadedObject]:
        """The objects that define the function, but for those of which the C library keeps the list."""
        keeps = isinstance(self._program.libc, KeepsDestructors)
        found = []
        for loaded in self._program.objects.all:
            try:
                file = loaded.file
                if file is not None and REGISTER in file.symbols([REGISTER]):
                    found += [] if keeps and file.mentions(OF_THE_C_LIBRARY.encode() + b"\0") else [loaded]
            except NotElf:  # then it is not known
                continue
        return found

    def records(self, first: int) -> DestructorList:
        """A thread's list, in the order in which it will run.

        Args:
            first: the thread's value of the key.
        """
        found: list[Registered] = []
        seen: set[int] = set()
        entry = first
        try:
            while entry:
                if entry in seen or len(found) >= MOST:
                    return DestructorList(found, f"the C++ library's list of destructors is damaged at 0x{entry:x}")
                seen.add(entry)
                function, argument, following = self._words.read_some(entry, 3)
                found.append(Registered(entry, function, argument, 0))
                entry = following
        except UnreadableMemory:
            return DestructorList(found, f"the C++ library's list of destructors cannot be read at 0x{entry:x}")
        return DestructorList(found)
