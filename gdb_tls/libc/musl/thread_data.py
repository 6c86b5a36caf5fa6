"""musl's DTVs and pthread keys, each checked before it is believed.

Sources: src/internal/pthread_impl.h (`struct pthread`), src/thread/pthread_create.c (a thread's keys are the last
`__pthread_tsd_size` bytes of its mapping), src/thread/pthread_key_create.c (the static table `keys`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from gdb_tls.libc.thread_data import ControlBlock, Dtv, Key, KeySlot, KeyTable
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Absence, State
from gdb_tls.target.protocol import Target, UnreadableMemory

KEYS = 128  # PTHREAD_KEYS_MAX of include/limits.h
LONGEST_PTHREAD = 512
MOST_MODULES = 1_000_000
PAGE = 4096


class MuslThreadData:
    """Reads what belongs to musl's `struct pthread`."""

    def __init__(self, target: Target, objects: LoadedObjects, pthread: Callable[[int], int | None]) -> None:
        """Reads nothing yet.

        Args:
            target: the program.
            objects: its loaded objects.
            pthread: gives the `struct pthread` of a thread pointer, or None.
        """
        self._target = target
        self._objects = objects
        self._words = Words(target)
        self._pthread = pthread
        self._tsd_offset: int | None = None

    def control_block(self, thread_pointer: int) -> ControlBlock | None:
        """Not known: musl says nowhere how large its structure is."""
        return None

    def dtvs(self, thread_pointers: Sequence[int]) -> list[Dtv | Absence]:
        """`dtv[0]` is the number of modules; musl counts no generations."""
        found: list[Dtv | Absence] = []
        for pointer in thread_pointers:
            try:
                address = self._words.read(pointer + self._target.architecture.musl_dtv_offset)
                count = self._words.read(address)
            except UnreadableMemory:
                found.append(Absence(State.UNREADABLE, "the thread's DTV cannot be read"))
                continue
            if count > MOST_MODULES:
                found.append(
                    Absence(State.UNRESOLVED, f"the thread's DTV at 0x{address:x} is damaged ({count} modules)")
                )
            else:
                found.append(Dtv(address, None, count, self._words.size, 0))
        return found

    def keys(self) -> KeyTable:
        """Reads the table where the file still has its symbol; what is no code is no destructor."""
        size = self._words.size
        owner = self._owner
        symbols = owner.file.symbols(["keys", "nodtor"]) if owner and owner.file else {}
        table = symbols.get("keys")
        if owner is None or table is None or not table.is_local or table.size != KEYS * size:
            return KeyTable(
                (), problem="this musl is without the symbol of its table of keys, so destructors are not known"
            )
        address = owner.load_base + table.value
        try:
            destructors = self._words.read_some(address, KEYS)
        except UnreadableMemory:
            why = f"the table of keys at 0x{address:x} cannot be read, so destructors are not known"
            return KeyTable((), address, address + KEYS * size, size, why)
        # A key without a destructor has `nodtor`, since null is a free entry.
        nothing = owner.load_base + symbols["nodtor"].value if "nodtor" in symbols else 0
        keys = [
            Key(number, address + number * size, None, 0 if destructor == nothing else destructor, True)
            for number, destructor in enumerate(destructors)
            if destructor
        ]
        return KeyTable(keys, address, address + KEYS * size, size)

    @cached_property
    def _owner(self) -> LoadedObject | None:
        """The object that is musl: the one with its internal symbols, where they were not stripped."""
        for loaded in self._objects.all:
            if loaded.file and "__pthread_tsd_main" in loaded.file.symbols(["__pthread_tsd_main"]):
                return loaded
        return None

    def key_slots(self, thread_pointers: Sequence[int]) -> list[list[KeySlot] | Absence]:
        """All slots of each thread; none in a thread that has not come to use keys."""
        found = [self._places(pointer) for pointer in thread_pointers]
        return [self._slots(place) if isinstance(place, int) else place for place in found]

    def _slots(self, address: int) -> list[KeySlot] | Absence:
        if not address:
            return []
        size = self._words.size
        try:
            values = self._words.read_some(address, KEYS)
        except UnreadableMemory:
            return Absence(State.UNREADABLE, f"the thread's keys at 0x{address:x} cannot be read")
        return [KeySlot(number, address + number * size, size, value, None) for number, value in enumerate(values)]

    def _places(self, thread_pointer: int) -> int | Absence:
        start = self._pthread(thread_pointer)
        offset = self._offset(thread_pointer)
        if start is None or offset is None:
            return Absence(State.UNRESOLVED, "where this musl keeps its pthread keys could not be verified")
        try:
            place = self._words.read(start + offset)
        except UnreadableMemory:
            return Absence(State.UNREADABLE, "the thread's control block cannot be read")
        if place % self._words.size:
            return Absence(State.UNRESOLVED, f"0x{place:x} is no address of a thread's keys")
        return place

    def _offset(self, thread_pointer: int) -> int | None:
        """Where `tsd` is in `struct pthread`: found in a thread that proves it, and then the same for all."""
        if self._tsd_offset is None:
            listed = [thread for thread in self._target.threads() if not thread.running]
            pointers = [thread_pointer, *(self._target.thread_pointer(thread) or 0 for thread in listed)]
            proofs = (self._proven(pointer) for pointer in pointers if pointer)
            self._tsd_offset = next((offset for offset in proofs if offset is not None), None)
        return self._tsd_offset

    def _proven(self, thread_pointer: int) -> int | None:
        """The offset of the word that is `map_base + map_size - sizeof keys`, or the main thread's own table."""
        start = self._pthread(thread_pointer)
        if start is None:
            return None
        size = self._words.size
        try:
            words = self._words.read_some(start, LONGEST_PTHREAD // size)
        except UnreadableMemory:
            return None
        for index, (base, length) in enumerate(zip(words, words[1:])):
            end = base + length
            if (
                base
                and base % PAGE == 0
                and length % PAGE == 0
                and base <= start < end
                and end - KEYS * size in words[index:]
            ):
                return words.index(end - KEYS * size, index) * size
        owner = self._owner
        main = (
            owner.load_base + owner.file.symbols(["__pthread_tsd_main"])["__pthread_tsd_main"].value
            if owner and owner.file
            else 0
        )
        return words.index(main) * size if main and main in words else None
