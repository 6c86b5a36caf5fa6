"""glibc's lists of stacks: every `struct pthread`, with its id and DTV pointer.

The lists are `list_t` rings through the structures themselves (nptl/nptl-stack.h, include/list.h).  Each link
is known only from the one before, but the stacks of threads that were made one after the other lie at equal
distances: whole runs of them are read at once, and then it is checked that the links say the same.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gdb_tls.errors import CorruptMemory
from gdb_tls.objects import Words
from gdb_tls.target import Memory, UnreadableMemory

if TYPE_CHECKING:
    from gdb_tls.libc.glibc import Descriptors

LONGEST_RUN = 1024
MOST_THREADS = 10_000_000


class Stacks(NamedTuple):
    """What is on a list.

    Attributes:
        addresses: of each `struct pthread`.
        tids: the kernel's ids; 0 (or, from glibc 2.43, the former id) for a thread that has ended.
        dtvs: the DTV pointers.
    """

    addresses: list[int]
    tids: list[int]
    dtvs: list[int]


class StackLists:
    """Reads such lists."""

    def __init__(self, memory: Memory, words: Words, descriptors: Descriptors, has_self: bool) -> None:
        """Takes the layout.

        Args:
            memory: the program's.
            words: reads of its words.
            descriptors: glibc's own description of its structures.
            has_self: whether the structure begins with its own address (`tcbhead_t.tcb`).

        Raises:
            CorruptMemory: where the description makes no sense.
        """
        self._memory = memory
        self._words = words
        self._has_self = has_self
        self._next = descriptors.field("list_t_next").offset
        self._link = descriptors.field("pthread_list").offset
        word = words.format[1]
        # What is on the list by a stray pointer is no thread: it does not hold its own address or, where
        # there is no such word, it does not point back.
        check = 0 if has_self else self._link + descriptors.field("list_t_prev").offset
        fields = [
            (check, word),
            (self._link + self._next, word),
            (descriptors.field("pthread_tid").offset, "i"),
            (descriptors.field("pthread_dtvp").offset, word),
        ]
        record = _record(words.order, fields)
        if record is None:
            raise CorruptMemory(f"{descriptors.owner.path} has garbage in its description of struct pthread")
        self._record, self._start, self._order = record

    def read(self, head: int) -> Stacks:
        """Walks one list as far as it is whole.

        Args:
            head: the address of the list's own `list_t`.
        """
        found = Stacks([], [], [])
        seen = {head}
        previous, length = head, 1
        try:
            node, stride = self._words.read(head + self._next), 0
            while node and node not in seen and len(seen) < MOST_THREADS:
                nodes = [node + at * stride for at in range(length if stride else 1)]
                count, following = self._run(nodes, previous, seen, found)
                if not count:
                    break
                # A longer run next time, as long as the stacks lie as they are expected to.
                length = min(2 * length, LONGEST_RUN) if count == len(nodes) else 1
                previous = nodes[count - 1]
                stride = following - previous
                node = following
        except UnreadableMemory:
            pass
        return found

    def _run(self, nodes: Sequence[int], previous: int, seen: set[int], found: Stacks) -> tuple[int, int]:
        """Reads links at supposed places, and keeps those that are on the list: (how many, the link after them).

        Raises:
            UnreadableMemory: where not even the first can be read.
        """
        at = self._start - self._link
        raws = self._memory.read_ahead([node + at for node in nodes], self._record.size)
        if not raws:
            raise UnreadableMemory(nodes[0])
        nodes = nodes[: len(raws)]
        columns = list(zip(*map(self._record.unpack, raws)))
        checks, following, tids, dtvs = [columns[place] for place in self._order]
        addresses = [node - self._link for node in nodes]
        wanted = addresses if self._has_self else [previous, *nodes[:-1]]
        count = _agreeing(checks, wanted)
        # Each is where the one before it says, or it is not the next one.
        count = min(count, 1 + _agreeing(following, nodes[1:]))
        for place, node in enumerate(nodes[:count]):
            if node in seen:
                count = place
                break
            seen.add(node)
        found.addresses.extend(addresses[:count])
        found.tids.extend(tids[:count])
        found.dtvs.extend(dtvs[:count])
        return count, following[count - 1] if count else 0


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
