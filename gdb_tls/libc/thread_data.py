"""What a C library keeps for a thread besides its TLS blocks: control block, DTV, pthread keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from gdb_tls.target.model import Absence, State
from gdb_tls.tuples import NamedTuple


class ControlBlock(NamedTuple):
    """The library's own structure for a thread (`struct pthread`).

    Attributes:
        address: where it begins.
        size: in bytes.
        fields: name -> (offset, size in bytes) of the fields that the library describes.
    """

    address: int
    size: int
    fields: Mapping[str, tuple[int, int]]


class Dtv(NamedTuple):
    """A thread's dynamic thread vector: its table of blocks, by module id.

    Attributes:
        address: of entry 0.
        generation: which loads and unloads of modules it has followed; None where the library counts none.
        capacity: the largest module id for which it has room.
        entry_size: of one entry, in bytes.
        first: the index of the first entry in memory: -1 where the capacity stands before entry 0.
    """

    address: int
    generation: int | None
    capacity: int
    entry_size: int
    first: int

    @property
    def start(self) -> int:
        """The address of its first byte."""
        return self.address + self.first * self.entry_size

    @property
    def end(self) -> int:
        """The address after its last byte."""
        return self.address + (self.capacity + 1) * self.entry_size


class Key(NamedTuple):
    """One entry of the table of `pthread_key_create`.

    Attributes:
        number: the key, as `pthread_getspecific` takes it.
        address: of the entry.
        sequence: how often the entry was taken and given back; None where the library does not count.
        destructor: the function's address; 0 for none.
        in_use: whether the key exists now; if not, the rest is of its last use.
    """

    number: int
    address: int
    sequence: int | None
    destructor: int
    in_use: bool


class KeyTable(NamedTuple):
    """The process's pthread keys.

    Attributes:
        keys: those that exist now, and those that existed once, by number; empty where they are not known.
        address: of the table; 0 where it is not known.
        end: the address after it.
        entry_size: of one entry, in bytes; 0 where that is not known.
        problem: why the keys are not known; empty where they are.
    """

    keys: Sequence[Key]
    address: int = 0
    end: int = 0
    entry_size: int = 0
    problem: str = ""


class KeySlot(NamedTuple):
    """Where one thread keeps its value of one key; the slot may never have been used.

    Attributes:
        number: the key.
        address: of the slot.
        size: of the slot, in bytes.
        value: what was given to `pthread_setspecific`.
        sequence: the key's sequence number at that time; None where the library does not keep it.
    """

    number: int
    address: int
    size: int
    value: int
    sequence: int | None


class ThreadData(Protocol):
    """What one C library keeps for its threads besides blocks."""

    def dtvs(self, thread_pointers: Sequence[int]) -> list[Dtv | Absence]:
        """Each thread's DTV, or why it is not known."""
        ...

    def control_block(self, thread_pointer: int) -> ControlBlock | None:
        """The library's structure for a thread; None where its place or size is not known."""
        ...

    def keys(self) -> KeyTable:
        """The keys of `pthread_key_create`, or why they are not known."""
        ...

    def key_slots(self, thread_pointers: Sequence[int]) -> list[list[KeySlot] | Absence]:
        """Each thread's slots of `pthread_setspecific`, unused ones too, or why they are not known."""
        ...


@runtime_checkable
class HasThreadData(Protocol):
    """A C library of which this is known."""

    @property
    def thread_data(self) -> ThreadData:
        """Reads it."""
        ...


class UnknownThreadData:
    """For a C library of which this is not known (yet): says so, and invents nothing."""

    def __init__(self, name: str) -> None:
        """Takes the library's name."""
        self._name = name

    def dtvs(self, thread_pointers: Sequence[int]) -> list[Dtv | Absence]:
        """See `ThreadData.dtvs`."""
        return [self._unknown("DTVs")] * len(thread_pointers)

    def control_block(self, thread_pointer: int) -> ControlBlock | None:
        """See `ThreadData.control_block`."""
        return None

    def keys(self) -> KeyTable:
        """See `ThreadData.keys`."""
        return KeyTable((), problem=self._unknown("pthread keys").reason)

    def key_slots(self, thread_pointers: Sequence[int]) -> list[list[KeySlot] | Absence]:
        """See `ThreadData.key_slots`."""
        return [self._unknown("pthread keys")] * len(thread_pointers)

    def _unknown(self, what: str) -> Absence:
        library = "the C library" if self._name == "unknown" else f"this {self._name}"
        return Absence(State.UNRESOLVED, f"where {library} keeps its {what} is not known")
