"""glibc's dynamic thread vectors: where the block of a module is in each thread (nptl_db/td_thr_tlsbase.c)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from gdb_tls.errors import CorruptMemory
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Absence, Module, Place, State
from gdb_tls.target.protocol import Memory

if TYPE_CHECKING:
    from gdb_tls.libc.glibc.descriptors import Descriptors

# Far above any real program.
MOST_MODULES = MOST_FAILURES = 1_000_000
# An entry further from the vector's head than this is read by itself.
LARGEST_GAP = 4096

Read = Optional[tuple[int, int, Optional[int]]]
"""Capacity (dtv[-1].counter), generation (dtv[0].counter) and entry of a module; None where they cannot be read."""


class Dtvs:
    """Reads the vectors of many threads."""

    def __init__(self, memory: Memory, words: Words, descriptors: Descriptors, pthread_distance: int) -> None:
        """Takes the layout.

        Args:
            memory: the program's.
            words: reads of its words.
            descriptors: glibc's own description of its structures.
            pthread_distance: bytes from `struct pthread` to the thread pointer.
        """
        self._memory = memory
        self._words = words
        self._descriptors = descriptors
        self._distance = pthread_distance
        self._pointers: dict[int, int | None] = {}

    def pointers(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """The address of each thread's vector; None where it cannot be read or is none."""
        known = self._pointers
        unknown = [pointer for pointer in thread_pointers if pointer not in known]
        if unknown:
            at = self._descriptors.field("pthread_dtvp").offset - self._distance
            size = self._words.size
            raws = self._memory.read_many([pointer + at for pointer in unknown], size)
            self.take(unknown, self._words.all(b"".join([raw or bytes(size) for raw in raws])))
        return [known[pointer] for pointer in thread_pointers]

    def take(self, thread_pointers: Sequence[int], dtvs: Sequence[int]) -> None:
        """Takes what the threads' structures say of them."""
        size = self._words.size
        self._pointers.update(zip(thread_pointers, [dtv if dtv and dtv % size == 0 else None for dtv in dtvs]))

    def blocks(self, module: Module, thread_pointers: Sequence[int], newest: int) -> list[Place]:
        """The module's block in each thread, or why there is none.

        Args:
            module: the module.
            thread_pointers: the threads.
            newest: the newest generation of the list of modules.
        """
        # A dlopen that failed counts as a generation (elf/dl-close.c), and leaves no slot that has it: a vector may be
        # later than the list. What is far later is garbage.
        newest += MOST_FAILURES
        dtvs = self.pointers(thread_pointers)
        oldest, number = module.generation, module.id
        nothing = (0, (1 << 8 * self._words.size) - 1)  # TLS_DTV_UNALLOCATED
        segment = module.segment
        alignment = segment.alignment if segment and segment.address % segment.alignment == 0 else 1
        untouched = Absence(State.UNALLOCATED, f"this thread has not touched {module.name} yet")

        def why_none(dtv: int | None, read: Read) -> Absence:
            if read is None:
                return Absence(State.UNRESOLVED, "the thread's DTV cannot be read")
            capacity, generation, block = read
            if generation > newest or not 0 < capacity <= MOST_MODULES:
                reason = f"the thread's DTV at 0x{dtv:x} is damaged (generation {generation}, room for {capacity})"
                return Absence(State.UNRESOLVED, reason)
            if generation < oldest or number > capacity:
                return untouched
            if block is None:
                return Absence(State.UNRESOLVED, f"entry {number} of the thread's DTV at 0x{dtv:x} cannot be read")
            if block in nothing:
                return untouched
            reason = f"entry {number} of the thread's DTV (0x{block:x}) is no address of a block: it is damaged"
            return Absence(State.UNRESOLVED, reason)

        places: list[Place] = []
        for dtv, read in zip(dtvs, self._entries(number, dtvs)):
            capacity, generation, block = read or (0, 0, None)
            is_known = oldest <= generation <= newest and number <= capacity <= MOST_MODULES
            if is_known and block is not None and block not in nothing and not block % alignment:
                places.append(block)
                continue
            places.append(why_none(dtv, read))
        return places

    def _entries(self, number: int, dtvs: Sequence[int | None]) -> list[Read]:
        size, word = self._words.size, self._words.format[1]
        entry_size = self._descriptors.field("dtv_dtv").bits // 8
        entry_at = number * entry_size + self._descriptors.field("dtv_t_pointer_val").offset
        if entry_size < size:
            raise CorruptMemory(f"{self._descriptors.owner.path} has garbage in its description of the DTV")
        head = struct.Struct(f"{self._words.order}{word}{entry_size - size}x{word}")
        # Address 0 cannot be read.
        starts = [dtv - entry_size if dtv else 0 for dtv in dtvs]
        found: list[Read] = [None] * len(starts)
        if entry_at <= LARGEST_GAP:
            # One read for all three. It may go past a small table's end: then only its head is asked for.
            record = struct.Struct(f"{head.format}{entry_at - size}x{word}")
            raws = self._memory.read_many(starts, record.size)
            found = [record.unpack(raw) if raw else None for raw in raws]
        rest = [index for index, read in enumerate(found) if read is None and starts[index]]
        for index, raw in zip(rest, self._memory.read_many([starts[index] for index in rest], head.size)):
            if raw is not None:
                capacity, generation = head.unpack(raw)
                at = starts[index] + entry_size + entry_at
                (entry,) = self._memory.read_many([at], size) if number <= capacity else (None,)
                found[index] = (capacity, generation, struct.unpack(self._words.format, entry)[0] if entry else None)
        return found
