"""The lists of thread-local objects that a C++ library keeps itself, where the C library keeps none.

Where there was no `__cxa_thread_atexit_impl` when it was built (musl has none, nor has glibc before 2.18),
`__cxa_thread_atexit` puts a record {destructor, object, next} before those of earlier calls.  In libstdc++
(libsupc++/atexit_thread.cc) the first one is the thread's value of a pthread key.  In libc++abi
(src/cxa_thread_atexit.cpp) a thread-local variable points to it, and the thread's value of the key, whose destructor
runs the list, is the address of the variable that holds the key.
"""

from __future__ import annotations

from functools import cached_property

from gdb_tls.code.accesses import WRITE
from gdb_tls.code.index import code_index
from gdb_tls.elf.file import NotElf
from gdb_tls.errors import TlsError
from gdb_tls.libc.thread_exit import DestructorList, KeepsDestructors, Registered
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.objects.words import Words
from gdb_tls.program.program import Program
from gdb_tls.questions.keys.names import key_names
from gdb_tls.target.model import Thread
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.tuples import NamedTuple

REGISTER, OF_THE_C_LIBRARY = "__cxa_thread_atexit", "__cxa_thread_atexit_impl"
MOST = 1_000_000


class OwnList(NamedTuple):
    """One C++ library's list.

    Attributes:
        owner: the object that keeps it.
        holder: the address of the variable that holds the key's number.
    """

    owner: LoadedObject
    holder: int


class OwnLists:
    """Which pthread keys have such lists, and what is in them."""

    def __init__(self, program: Program) -> None:
        """Reads nothing yet."""
        self._program = program
        self._words = Words(program.target)

    @cached_property
    def keys(self) -> dict[int, OwnList]:
        """The keys' numbers, as far as the code that registers objects tells them."""
        found: dict[int, OwnList] = {}
        for variable in key_names(self._program).variables if self._owners else ():
            owner = next((one for one in self._owners if variable.file == one.name), None)
            if owner is None or variable.number is None:
                continue
            known = owner.file.symbols([REGISTER])[REGISTER] if owner.file else None
            if known and any(known.value <= at - owner.load_base < known.value + known.size for at in variable.places):
                found[variable.number] = OwnList(owner, variable.address)
        return found

    @property
    def is_whole(self) -> bool:
        """Whether there are such lists, and which key each is under is known."""
        return bool(self._owners) and {one.name for one in self._owners} == {
            one.owner.name for one in self.keys.values()
        }

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

    def records(self, key: int, thread: Thread, value: int) -> DestructorList:
        """A thread's list, in the order in which it will run.

        Args:
            key: one of `keys`.
            thread: the thread.
            value: its value of the key.
        """
        own = self.keys[key]
        if value != own.holder:
            return self._chain(value)
        place = self._first(own.owner, thread)
        if isinstance(place, int):
            try:
                return self._chain(self._words.read(place))
            except UnreadableMemory:
                place = f"0x{place:x} cannot be read"
        return DestructorList((), f"the list of thread_local objects of {own.owner.name} is not known: {place}")

    def _first(self, owner: LoadedObject, thread: Thread) -> int | str:
        """Where a thread has the pointer to its first record, or why that is not known."""
        unknown = f"the code of {REGISTER} does not tell where it keeps the first one"
        known = owner.file.symbols([REGISTER])[REGISTER] if owner.file else None
        module = next((one for one in self._program.modules if one.load_base == owner.load_base), None)
        if known is None or module is None or owner.path is None:
            return unknown
        try:
            accesses = code_index(owner.path).accesses_in(known.value)
        except TlsError as error:
            return error.what
        offsets = {
            one.offset
            for one in accesses
            if one.kind == WRITE and one.width == self._words.size and one.target.defined and one.exact
        }
        if len(offsets) != 1:
            return unknown
        block = self._program.blocks(module, [thread])[0]
        return block + offsets.pop() if isinstance(block, int) else block.reason

    def _chain(self, first: int) -> DestructorList:
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
