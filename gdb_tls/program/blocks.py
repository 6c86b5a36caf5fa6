"""The bytes of one module's block in each thread, read once for all of its variables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter

from gdb_tls.errors import reason
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Absence, Module, Place, State
from gdb_tls.target.protocol import Target
from gdb_tls.tuples import NamedTuple

# Variables closer than this are read together; a block of a megabyte is not read for two words in it.
LARGEST_GAP = 4096
PAGE = 4096


class Span(NamedTuple):
    """One range of a module's block in all threads.

    Attributes:
        start: in the block.
        end: in the block.
        data: its bytes in each thread; empty where there are none.
        holes: thread -> the ranges of its block that could not be read (their bytes are zeros in `data`).
    """

    start: int
    end: int
    data: list[bytes]
    holes: dict[int, list[tuple[int, int]]]


class Blocks:
    """One module's block in each thread.

    Attributes:
        module: the module.
        places: where the block is, or why there is none.
        absent: the threads without one, by position.
        problem: why the bytes could not be read; empty where they could, or have not been asked for.
    """

    def __init__(
        self, target: Target, module: Module, places: Sequence[Place], ranges: Sequence[tuple[int, int]]
    ) -> None:
        """Takes where the blocks are, and the ranges of them that will be wanted; reads nothing yet."""
        self.module = module
        self.places = places
        self.absent = [index for index, place in enumerate(places) if not isinstance(place, int)]
        self.problem = ""
        self._target = target
        self._ranges = _joined(ranges)
        self._last: tuple[int, int, list[bytes]] = (0, -1, [])
        self._last_different: tuple[int, int, frozenset[bytes]] = (0, -1, frozenset())

    @cached_property
    def spans(self) -> list[Span]:
        """The wanted ranges' bytes, each range read once in each thread."""
        try:
            return [self._read(start, end) for start, end in self._ranges]
        except Exception as error:  # one bad module is one bad row
            self.problem = reason(error)
            return []

    def _read(self, start: int, end: int) -> Span:
        here = [index for index, place in enumerate(self.places) if isinstance(place, int)]
        addresses = [place + start for place in self.places if isinstance(place, int)]
        data = [b""] * len(self.places)
        holes: dict[int, list[tuple[int, int]]] = {}
        for index, address, raw in zip(here, addresses, self._target.memory.read_many(addresses, end - start)):
            if raw is None:
                raw, missing = self._pieces(address, end - start)
                if missing:
                    holes[index] = [(low + start, high + start) for low, high in missing]
            data[index] = raw
        return Span(start, end, data, holes)

    def _pieces(self, address: int, size: int) -> tuple[bytes, list[tuple[int, int]]]:
        """A range a page at a time; nothing at all where no page of it can be read."""
        edges = [address, *range((address // PAGE + 1) * PAGE, address + size, PAGE), address + size]
        data, holes = b"", []
        for low, high in zip(edges, edges[1:]):
            (piece,) = self._target.memory.read_many([low], high - low)
            if piece is None:
                holes.append((low - address, high - address))
            data += bytes(high - low) if piece is None else piece
        return (b"", []) if len(holes) == len(edges) - 1 else (data, holes)

    def raws(self, offset: int, size: int) -> list[bytes]:
        """The bytes at an offset in each thread; empty where there is no block or it cannot be read there.

        The last ones are kept: one rule after the other asks for them.
        """
        if self._last[:2] != (offset, size):
            self._last = offset, size, self._taken(offset, size)
        return self._last[2]

    def different(self, offset: int, size: int) -> frozenset[bytes]:
        """The bytes at an offset, each once; the last ones are kept, too."""
        if self._last_different[:2] != (offset, size):
            self._last_different = offset, size, frozenset(filter(None, set(self.raws(offset, size))))
        return self._last_different[2]

    def numbers(self, offset: int) -> list[int | None]:
        """The pointer-sized words at an offset as numbers, in each thread; None where there is none."""
        words = Words(self._target)
        raws = self.raws(offset, words.size)
        found = words.all(b"".join(raws))
        if len(found) == len(raws):
            return list(found)
        numbers = iter(found)
        return [next(numbers) if raw else None for raw in raws]

    def _taken(self, offset: int, size: int) -> list[bytes]:
        for start, end, data, holes in self.spans:
            if start <= offset and offset + size <= end:
                found = list(map(itemgetter(slice(offset - start, offset - start + size)), data))
                for index, ranges in holes.items():
                    if any(low < offset + size and offset < high for low, high in ranges):
                        found[index] = b""
                return found
        return [b""] * len(self.places)

    def gaps(self) -> dict[str, list[int]]:
        """Why -> the threads, by position, in which no block was found, or what is wanted of it cannot be read."""
        found: dict[str, list[int]] = {}
        for index, absence in self.absences.items():
            if absence.state is not State.UNALLOCATED:
                found.setdefault(absence.reason, []).append(index)
        empty = {index for span in self.spans for index, raw in enumerate(span.data) if not raw}
        for index in sorted(empty.difference(self.absent)):
            found.setdefault("its memory cannot be read", []).append(index)
        return found

    @cached_property
    def absences(self) -> dict[int, Absence]:
        """Thread -> why it has no block."""
        return {index: place for index in self.absent if isinstance(place := self.places[index], Absence)}


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in ascending order, with those that are close made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start - found[-1][1] <= LARGEST_GAP:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
