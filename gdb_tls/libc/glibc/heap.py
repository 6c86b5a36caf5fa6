"""Free chunks of glibc's malloc (malloc/malloc.c).

A chunk is `prev_size`, `size` (the low three bits are flags: PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA), then what malloc
gave out.  In a freed one there is:

- of a thread's cache (tcache): its link, then `key`: since 2.34 one random number of the process, `tcache_key`; in
  2.29 to 2.33 the address of the cache.  Each heap begins with the cache of a thread (`tcache_perthread_struct`:
  counts, then the first free chunk of each size), after `heap_info` and `malloc_state` where it is not the main one;
  since 2.43 it is made later, and only the thread-local variable `tcache` tells where.
- of a bin: its neighbours in a ring of two links, `fd` and `bk`; and the following chunk says so (`prev_size` is its
  size, and PREV_INUSE is clear).

Of fast bins nothing tells.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from gdb_tls.objects.words import Words
from gdb_tls.target.facts import Region
from gdb_tls.target.protocol import Memory, UnreadableMemory

PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA, FLAGS = 1, 2, 4, 7
# sizeof (tcache_perthread_struct) as a chunk, with counts of one byte, of two, and (2.42) with more sizes; 64 bits.
CACHE_SIZES = (0x250, 0x290, 0x300)
# Before a heap's first chunk there are no more bytes than this: heap_info and malloc_state.
LARGEST_HEAD = 4096
PAGE = 4096
# Of more regions than this the first ones are searched for a cache.
MOST_REGIONS = 20_000
FEWEST_BYTES = 32


class FreeChunks:
    """Tells free chunks of a 64-bit glibc from used ones."""

    def __init__(
        self,
        memory: Memory,
        words: Words,
        key_address: int | None,
        regions: Sequence[Region],
        own_words: Callable[[], Iterable[int]],
        thread_pointers: Iterable[int] = (),
    ) -> None:
        """Reads nothing yet.

        Args:
            memory: the program's.
            words: reads it.
            key_address: of `tcache_key`; None where it has no symbol.
            regions: the memory map, by address.
            own_words: reads the words of libc's own thread-local variables.
            thread_pointers: of the threads that are known, whose stacks are no heaps.
        """
        self._memory = memory
        self._own_words = own_words
        # `struct pthread`, which ends the mapping of a stack, is smaller than a page (nptl/allocatestack.c).
        self._ends_of_stacks = {(pointer | PAGE - 1) + 1 for pointer in thread_pointers}
        self._words = words
        self._regions = [one for one in regions if one.writable and not one.file.startswith("/")]
        self._starts = [one.start for one in self._regions]
        self._key_address = key_address
        self._known: frozenset[int] | None = None

    def among(self, pointers: Sequence[int]) -> set[int]:
        """The pointers of chunks that are surely free."""
        rooms = {one: room for one in pointers if one % 16 == 0 and (room := self._room(one))}
        found = set()
        chunk = struct.Struct(self._words.order + "4Q")
        for (pointer, room), raw in zip(rooms.items(), self._memory.read_many([one - 16 for one in rooms], 32)):
            if raw is None:
                continue
            _, size, link, key = chunk.unpack(raw)
            if size & IS_MMAPPED or not FEWEST_BYTES <= size & ~FLAGS <= room:
                continue
            if (key and key in self._keys) or self._is_in_a_ring(pointer - 16, size & ~FLAGS, link, key):
                found.add(pointer)
        return found

    def _room(self, pointer: int) -> int:
        """How many bytes there are up to the end of the mapping; 0 for what is no heap's."""
        at = bisect_right(self._starts, pointer - 16) - 1
        region = self._regions[at] if at >= 0 else None
        return max(region.end - pointer + 16, 0) if region is not None and pointer - 16 < region.end else 0

    def _is_in_a_ring(self, chunk: int, size: int, forward: int, back: int) -> bool:
        if not forward or not back or forward % 8 or back % 8:
            return False
        try:
            before, following = self._words.read_some(chunk + size, 2)
            if following & PREV_INUSE or before != size:
                return False
            return self._words.read(forward + 24) == chunk and self._words.read(back + 16) == chunk
        except UnreadableMemory:
            return False

    @property
    def _keys(self) -> frozenset[int]:
        """What marks the chunks of the threads' caches."""
        if self._known is None:
            self._known = frozenset(self._find_keys())
        return self._known

    def _find_keys(self) -> Iterator[int]:
        if self._key_address is not None:
            try:
                yield self._words.read(self._key_address)
            except UnreadableMemory:
                return
            return
        yield from self._keys_in(self._caches()) or self._keys_in(self._caches_of_threads())

    def _keys_in(self, caches: Iterable[tuple[int, int]]) -> list[int]:
        found: Counter[int] = Counter()
        for cache, size in caches:
            try:
                words = self._words.read_some(cache, (size - 16) // 8)
            except UnreadableMemory:
                continue
            entries = [one for one in words if one % 16 == 0 and self._room(one)]
            keys = {
                struct.unpack(self._words.order + "Q", raw)[0]
                for raw in self._memory.read_many([one + 8 for one in entries], 8)
                if raw is not None
            }
            # All the chunks of one cache have one key.
            if len(keys) == 1:
                found.update(keys)
        return [key for key in found if key]

    def _caches_of_threads(self) -> Iterator[tuple[int, int]]:
        """(address, size of the chunk) of what pointers among libc's own variables lead to, and may be a cache."""
        places = sorted({one for one in self._own_words() if one % 16 == 0 and self._room(one)})
        for place, raw in zip(places, self._memory.read_many([one - 8 for one in places], 8)):
            size = struct.unpack(self._words.order + "Q", raw)[0] & ~FLAGS if raw is not None else 0
            if size in CACHE_SIZES:
                yield place, size

    def _caches(self) -> Iterator[tuple[int, int]]:
        """(address, size of the chunk) of the caches with which heaps begin."""
        regions = [one for one in self._regions if one.end not in self._ends_of_stacks][:MOST_REGIONS]
        for region, raw in zip(regions, self._memory.read_many([one.start for one in regions], 16)):
            if raw is None:
                continue
            arena, size = struct.unpack(self._words.order + "2Q", raw)
            if size & ~FLAGS in CACHE_SIZES and arena == 0:
                yield region.start + 16, size & ~FLAGS
            elif region.start < arena < region.start + LARGEST_HEAD:
                yield from self._behind_head(region.start)

    def _behind_head(self, start: int) -> Iterator[tuple[int, int]]:
        try:
            words = self._words.read_some(start, LARGEST_HEAD // 8)
        except UnreadableMemory:
            return
        for number in range(1, len(words), 2):
            size = words[number]
            if size & FLAGS == NON_MAIN_ARENA | PREV_INUSE and size & ~FLAGS in CACHE_SIZES:
                yield start + 8 * number + 8, size & ~FLAGS
                return
