"""glibc's lists of stacks: every `struct pthread`, with its id.

The lists are `list_t` rings through the structures themselves (nptl/nptl-stack.h, include/list.h).  Each link
is known only from the one before, but the stacks of threads that were made one after the other lie at equal
distances: whole runs of them are read at once, and then it is checked that the links say the same.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gdb_tls.errors import CorruptMemory
from gdb_tls.objects.words import Words
from gdb_tls.target.protocol import Memory, UnreadableMemory

if TYPE_CHECKING:
    from gdb_tls.libc.glibc.descriptors import Descriptors

LONGEST_RUN = 1024
# What nearly every question needs besides: to read it with the links spares a read in each thread.
MORE = ("pthread_dtvp", "pthread_start_routine")
MOST_THREADS = 10_000_000


class Links(NamedTuple):
    """What is on a list.

    Attributes:
        nodes: the addresses of the links.
        tids: the kernel's ids; 0 (or, from glibc 2.43, the former id) for a thread that has ended.
        more: what was read with them of the structure, a list for each of `MORE`; empty where that cannot be read of
            all threads.
    """

    nodes: list[int]
    tids: list[int]
    more: list[list[int]]


class StackLists:
    """Reads such lists."""

    def __init__(self, memory: Memory, words: Words, descriptors: Descriptors, self_offset: int | None) -> None:
        """Takes the layout.

        Args:
            memory: the program's.
            words: reads of its words.
            descriptors: glibc's own description of its structures.
            self_offset: where the structure holds its own address (`tcbhead_t.tcb`); None for nowhere.

        Raises:
            CorruptMemory: where the description makes no sense.
        """
        self._memory = memory
        self._words = words
        self._next = descriptors.field("list_t_next").offset
        self._link = descriptors.field("pthread_list").offset
        self._self_offset = self_offset
        word = words.format[1]
        fields = [
            (self._link + self._next, word),
            (self._link + descriptors.field("list_t_prev").offset, word),
            (descriptors.field("pthread_tid").offset, "i"),
        ]
        record = _record(words.order, fields)
        if record is None:
            raise CorruptMemory(f"{descriptors.owner.path} has garbage in its description of struct pthread")
        more = [field.offset for field in map(descriptors.find_field, MORE) if field]
        with_more = _record(words.order, [*fields, *((offset, word) for offset in more)])
        self._records = [record, with_more] if len(more) == len(MORE) and with_more else [record]

    def read(self, head: int) -> Links:
        """Walks one list as far as it is whole.

        Args:
            head: the address of the list's own `list_t`.
        """
        found = Links([], [], [[] for _ in MORE])
        seen = {head}
        previous, stride, length = head, 0, 1
        try:
            node = self._words.read(head + self._next)
            while node and node not in seen and len(seen) < MOST_THREADS:
                nodes = range(node, node + length * stride, stride) if stride else (node,)
                following = self._run(nodes, previous, found)
                count = len(found.nodes) + 1 - len(seen)
                if not count:
                    break
                # A longer run next time, as long as the stacks lie as they are expected to.
                length = min(2 * length, LONGEST_RUN) if count == len(nodes) else 1
                seen.update(found.nodes[-count:])
                if len(seen) <= len(found.nodes):  # a ring that does not lead back to its head
                    for column in (found.nodes, found.tids, *found.more):
                        del column[len(seen) - 1 :]
                    break
                previous = found.nodes[-1]
                stride = following - previous
                node = following
        except UnreadableMemory:
            pass
        return found if len(found.more[0]) == len(found.nodes) else found._replace(more=[])

    def _run(self, nodes: Sequence[int], previous: int, found: Links) -> int:
        """Reads links at supposed places, and keeps those that are on the list; gives the link after them.

        Raises:
            UnreadableMemory: where not even the first can be read.
        """
        raws: Sequence[bytes] = ()
        while not raws:
            record, start, order = self._records[-1]
            raws = self._memory.read_ahead([node + start - self._link for node in nodes], record.size)
            if not raws and len(self._records) == 1:
                raise UnreadableMemory(nodes[0])
            if not raws:  # as in a core that lacks a page: from here on only what it takes to find the threads
                self._records.pop()
        nodes = nodes[: len(raws)]
        columns = list(zip(*record.iter_unpack(b"".join(raws))))
        following, before, tids, *more = [columns[place] for place in order]
        # Each is where the one before it says, or it is not the next one; and each points back.
        count = min(1 + _agreeing(following, nodes[1:]), _agreeing(before, [previous, *nodes[:-1]]))
        if not count and self._is_itself(nodes[0]):
            count = 1
        found.nodes.extend(nodes[:count])
        found.tids.extend(tids[:count])
        for column, values in zip(found.more, more):
            column.extend(values[:count])
        return following[count - 1] if count else 0

    def _is_itself(self, node: int) -> bool:
        """Whether a link that does not point back is that of a thread all the same: its TCB holds its own address."""
        if self._self_offset is None:
            return False
        pthread = node - self._link
        return self._words.read(pthread + self._self_offset) == pthread


def _agreeing(left: Sequence[int], right: Sequence[int]) -> int:
    """How many at the beginning are equal; all of the shorter one where none differs."""
    length = min(len(left), len(right))
    if list(left[:length]) == list(right[:length]):
        return length
    return next(at for at in range(length) if left[at] != right[at])


def _record(order: str, fields: Sequence[tuple[int, str]]) -> tuple[struct.Struct, int, list[int]] | None:
    """A structure with these (offset, format) fields: it, where it begins, and the place of each field in it.

    None where fields overlap.
    """
    ordered = sorted(range(len(fields)), key=lambda number: fields[number][0])
    start = end = fields[ordered[0]][0]
    text = order
    for number in ordered:
        offset, code = fields[number]
        if offset < end:
            return None
        text += f"{offset - end}x{code}"
        end = offset + struct.calcsize(order + code)
    return struct.Struct(text), start, [ordered.index(number) for number in range(len(fields))]
