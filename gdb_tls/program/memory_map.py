"""What kind of memory an address is: an object's own, a thread's stack, a thread's TLS block, or other.

One sorted list of edges answers for any number of addresses at the speed of `bisect`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import repeat
from operator import itemgetter

from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.survey import Survey
from gdb_tls.tuples import NamedTuple

AT_RANDOM = 25

STATIC, STACK, BLOCK, OTHER, UNMAPPED = "static", "stack", "block", "other", "unmapped"


class Area(NamedTuple):
    """A kind of memory.

    Attributes:
        kind: "static" (code, constants, global variables and everything else that is mapped from a file),
            "stack", "block" (of TLS), "other" (the heap, mostly) or "unmapped".
        thread: whose stack or block it is, as a position in `Survey.threads`.
    """

    kind: str
    thread: int | None = None


Range = tuple[int, int, Area]
"""A range of addresses that is one kind of memory: its first, the first after it; of many there are plain tuples."""
NOTHING, STATIC_AREA, OTHER_AREA = Area(UNMAPPED), Area(STATIC), Area(OTHER)


class MemoryMap:
    """The areas of the program of a survey."""

    def __init__(self, survey: Survey, main: int | None) -> None:
        """Reads nothing yet.

        Args:
            survey: gives threads and blocks.
            main: the main thread, as a position in `survey.threads`.
        """
        self._survey = survey
        self._target = survey.program.target
        self._main = main

    def areas(self, addresses: Sequence[int]) -> list[Area]:
        """What each address points to."""
        edges, areas = self._edges
        found = [areas[at] for at in map(bisect_right, repeat(edges), addresses)]
        unknown = [index for index, area in enumerate(found) if area is NOTHING]
        for index, is_mapped in zip(unknown, self._are_mapped([addresses[index] for index in unknown])):
            if is_mapped:
                found[index] = OTHER_AREA
        return found

    def _are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """Asks the memory itself: the list may be incomplete, or there may be none (a remote target).

        Runtimes keep where a stack begins: that is one byte after its mapping, and no dangling pointer.
        """
        edges, areas = self._edges
        ends = [areas[bisect_right(edges, address - 1)].kind == STACK for address in addresses]
        return [end or mapped for end, mapped in zip(ends, self._target.memory.are_mapped(addresses))]

    @cached_property
    def _edges(self) -> tuple[list[int], list[Area]]:
        regions = self._target.regions()
        mapped = [(one.start, one.end, STATIC_AREA if one.file.startswith("/") else OTHER_AREA) for one in regions]
        layers = [mapped, objects_ranges(self._survey.program.objects), self._stacks(mapped), *self._blocks()]
        return flatten(layers)

    def _stacks(self, mapped: Sequence[Range]) -> list[Range]:
        """glibc and musl put a thread's control block at the upper end of the mapping of its stack."""
        starts = [start for start, _, _ in mapped]
        found: list[Range] = []
        known = enumerate(thread.thread_pointer for thread in self._survey.threads)
        below = 0
        for pointer, index in sorted((pointer, index) for index, pointer in known if pointer):
            at = bisect_right(starts, pointer) - 1
            if index != self._main and at >= 0 and pointer < mapped[at][1] and mapped[at][2].kind == OTHER:
                found.append((max(starts[at], below), pointer, Area(STACK, index)))
            below = pointer
        # The kernel puts the bytes for AT_RANDOM on the first thread's stack.
        first = self._target.auxiliary_vector().get(AT_RANDOM, 0)
        at = bisect_right(starts, first) - 1
        if at >= 0 and first < mapped[at][1] and self._main is not None:
            found.append((*mapped[at][:2], Area(STACK, self._main)))
        return found

    def _blocks(self) -> Iterator[list[Range]]:
        """A layer for each module whose blocks are made one by one, and one for all that lie beside thread pointers."""
        areas = [Area(BLOCK, index) for index in range(len(self._survey.threads))]
        starts, size = self._survey.static_storage
        having = [area for area, thread in zip(areas, self._survey.threads) if thread.thread_pointer]
        yield [(start, start + size, area) for start, area in zip(starts, having)]
        for blocks in self._survey.blocks.values():
            if blocks.module.static_offset is None and blocks.module.segment:
                size = blocks.module.segment.size
                yield [(at, at + size, area) for area, at in zip(areas, blocks.places) if isinstance(at, int)]


def objects_ranges(objects: LoadedObjects) -> list[Range]:
    """Where the loaded objects are, with their `.bss`, which the kernel's list gives no file."""
    bounds = map(objects.bounds, objects.all)
    return [(*known, STATIC_AREA) for known in bounds if known]


def flatten(layers: Iterable[Sequence[Range]]) -> tuple[list[int], list[Area]]:
    """One list of edges of layers of ranges, where a later layer lies over an earlier one.

    Returns:
        The edges in ascending order, and the areas: `areas[n]` lies below `edges[n]`, and the last one above all.
    """
    edges: list[int] = []
    areas = [NOTHING]
    for layer in layers:
        below, under = edges, areas
        edges, areas = [], [under[0]]
        at = last = 0
        for start, end, area in sorted(layer, key=itemgetter(0, 1)):
            start = max(start, last)
            if start >= end:
                continue
            first = bisect_left(below, start, at)
            edges += below[at:first]
            areas += under[at + 1 : first + 1]
            if edges and edges[-1] == start:
                areas[-1] = area
            else:
                edges.append(start)
                areas.append(area)
            at = bisect_right(below, end, first)
            edges.append(end)
            areas.append(under[at])
            last = end
        edges += below[at:]
        areas += under[at + 1 :]
    return edges, areas
