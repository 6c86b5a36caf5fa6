"""glibc's DTVs, control blocks and pthread keys, by glibc's own description of itself.

Sources: nptl_db/td_ta_tsd_iter.c and nptl_db/td_thr_tsd.c; nptl/pthread_setspecific.c (a key has a
first-level entry, and in the block that this points to a slot); sysdeps/nptl/internaltypes.h
(`KEY_UNUSED`: a key is in use while its sequence number is odd).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gdb_tls.errors import CorruptMemory
from gdb_tls.libc.thread_data import ControlBlock, Dtv, Key, KeySlot, KeyTable
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Absence, State
from gdb_tls.target.protocol import Target, UnreadableMemory

if TYPE_CHECKING:
    from gdb_tls.libc.glibc.descriptors import Descriptors

MOST_KEYS = 1 << 16
MOST_MODULES = 1_000_000


class GlibcThreadData:
    """Reads what belongs to a `struct pthread`, of any glibc that has the descriptors."""

    def __init__(
        self,
        target: Target,
        words: Words,
        descriptors: Descriptors,
        pthread_distance: int,
        dtv_pointers: Callable[[Sequence[int]], Sequence[int | None]],
    ) -> None:
        """Reads nothing yet.

        Args:
            target: the program.
            words: its words.
            descriptors: glibc's description of itself.
            pthread_distance: bytes from `struct pthread` to the thread pointer.
            dtv_pointers: gives the address of entry 0 of each thread's DTV.
        """
        self._dtv_pointers = dtv_pointers
        self._memory = target.memory
        self._words = words
        self._descriptors = descriptors
        self._distance = pthread_distance

    def control_block(self, thread_pointer: int) -> ControlBlock:
        """The `struct pthread`, with the fields that libthread_db knows."""
        return ControlBlock(thread_pointer - self._distance, self._descriptors.number("sizeof_pthread"), self._fields)

    @cached_property
    def _fields(self) -> dict[str, tuple[int, int]]:
        described = self._descriptors.fields("pthread_")
        # pthread_key_data and pthread_key_struct are structures of their own.
        inside = {name: field for name, field in described.items() if not name.startswith("key_")}
        return {name: (field.offset, field.bits * field.elements // 8) for name, field in inside.items()}

    def dtvs(self, thread_pointers: Sequence[int]) -> list[Dtv | Absence]:
        """Reads the head of each DTV: dtv[-1].counter is the capacity, dtv[0].counter the generation."""
        addresses = self._dtv_pointers(thread_pointers)
        entry_size = self._descriptors.field("dtv_dtv").bits // 8
        heads = self._memory.read_many(
            [(address or 0) - entry_size for address in addresses], entry_size + self._words.size
        )
        found: list[Dtv | Absence] = []
        for address, head in zip(addresses, heads):
            if address is None or head is None:
                found.append(Absence(State.UNREADABLE, "the thread's DTV cannot be read"))
                continue
            capacity, generation = self._word(head, 0), self._word(head, entry_size)
            if not 0 < capacity <= MOST_MODULES:
                found.append(
                    Absence(
                        State.UNRESOLVED,
                        f"the thread's DTV at 0x{address:x} is damaged (room for {capacity})",
                    )
                )
            else:
                found.append(Dtv(address, generation, capacity, entry_size, -1))
        return found

    def keys(self) -> KeyTable:
        """Reads `__pthread_keys`; keys that were never created are left out."""
        owner = self._descriptors.owner
        symbol = owner.file.symbols(["__pthread_keys"]).get("__pthread_keys") if owner.file else None
        table = self._descriptors.find_field("__pthread_keys")
        if symbol is None or table is None:
            why = f"{owner.path} has no symbol for its table of keys (__pthread_keys)"
            return KeyTable((), problem=why + ", so destructors are not known")
        entry_size = table.bits // 8
        sequence_at = self._descriptors.field("pthread_key_struct_seq").offset
        destructor_at = self._descriptors.field("pthread_key_struct_destr").offset
        address = owner.load_base + symbol.value
        size = min(table.elements, MOST_KEYS) * entry_size
        try:
            data = self._memory.read(address, size)
        except UnreadableMemory:
            why = f"the table of keys at 0x{address:x} cannot be read, so destructors are not known"
            return KeyTable((), address, address + size, entry_size, why)
        keys = []
        for at in range(0, size, entry_size):
            sequence = self._word(data, at + sequence_at)
            if sequence:
                keys.append(
                    Key(
                        at // entry_size,
                        address + at,
                        sequence,
                        self._word(data, at + destructor_at),
                        bool(sequence & 1),
                    )
                )
        return KeyTable(keys, address, address + size, entry_size)

    def key_slots(self, thread_pointers: Sequence[int]) -> list[list[KeySlot] | Absence]:
        """All slots of each thread, the unused ones in between too."""
        field = self._descriptors.field("pthread_specific")
        size = self._words.size
        blocks = field.bits * field.elements // 8 // size
        starts = [pointer - self._distance + field.offset for pointer in thread_pointers]
        found: list[list[KeySlot] | Absence] = []
        for raw in self._memory.read_many(starts, blocks * size):
            if raw is None:
                found.append(Absence(State.UNREADABLE, "the thread's control block cannot be read"))
            else:
                found.append(self._slots(struct.unpack(f"{self._words.order}{blocks}{self._words.format[1]}", raw)))
        return found

    def _slots(self, blocks: Sequence[int]) -> list[KeySlot] | Absence:
        level = self._descriptors.field("pthread_key_data_level2_data")
        slot_size = level.bits // 8
        if not 0 < level.elements * slot_size <= MOST_KEYS:
            raise CorruptMemory(
                f"{self._descriptors.owner.path} describes blocks of {level.elements} keys",
                "The file may be damaged.",
            )
        sequence_at = self._descriptors.field("pthread_key_data_seq").offset
        value_at = self._descriptors.field("pthread_key_data_data").offset
        used = [(index, block) for index, block in enumerate(blocks) if block]
        found = []
        for (index, block), data in zip(
            used, self._memory.read_many([block + level.offset for _, block in used], level.elements * slot_size)
        ):
            if data is None:
                return Absence(State.UNREADABLE, f"the thread's keys at 0x{block:x} cannot be read")
            for place in range(level.elements):
                at = place * slot_size
                address = block + level.offset + at
                value, sequence = self._word(data, at + value_at), self._word(data, at + sequence_at)
                found.append(KeySlot(index * level.elements + place, address, slot_size, value, sequence))
        return found

    def _word(self, data: bytes, at: int) -> int:
        return int(struct.unpack_from(self._words.format, data, at)[0])
