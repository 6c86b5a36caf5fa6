"""What kind of memory an address is: an object's own, a thread's stack, a thread's TLS block, or other.

One sorted list of edges answers for any number of addresses at the speed of `bisect`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
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


class Range(NamedTuple):
    """A range of addresses that is one kind of memory."""

    start: int
    end: int
    area: Area


NOTHING = Area(UNMAPPED)


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
                found[index] = Area(OTHER)
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
        static, other = Area(STATIC), Area(OTHER)
        mapped = [Range(r.start, r.end, static if r.file.startswith("/") else other) for r in regions]
        layers = [mapped, objects_ranges(self._survey.program.objects), self._stacks(mapped), self._blocks()]
        return flatten(layers)

    def _stacks(self, mapped: Sequence[Range]) -> list[Range]:
        """glibc and musl put a thread's control block at the upper end of the mapping of its stack."""
        starts = [one.start for one in mapped]
        found = []
        known = enumerate(thread.thread_pointer for thread in self._survey.threads)
        below = 0
        for pointer, index in sorted((pointer, index) for index, pointer in known if pointer):
            at = bisect_right(starts, pointer) - 1
            if index != self._main and at >= 0 and pointer < mapped[at].end and mapped[at].area.kind == OTHER:
                found.append(Range(max(starts[at], below), pointer, Area(STACK, index)))
            below = pointer
        # The kernel puts the bytes for AT_RANDOM on the first thread's stack.
        first = self._target.auxiliary_vector().get(AT_RANDOM, 0)
        at = bisect_right(starts, first) - 1
        if at >= 0 and first < mapped[at].end and self._main is not None:
            found.append(Range(mapped[at].start, mapped[at].end, Area(STACK, self._main)))
        return found

    def _blocks(self) -> list[Range]:
        found: list[Range] = []
        areas = [Area(BLOCK, index) for index in range(len(self._survey.threads))]
        for blocks in self._survey.blocks.values():
            size = blocks.module.segment.size if blocks.module.segment else 0
            found += [
                Range(place, place + size, area)
                for area, place in zip(areas, blocks.places if size else ())
                if isinstance(place, int)
            ]
        return found


def objects_ranges(objects: LoadedObjects) -> list[Range]:
    """Where the loaded objects are, with their `.bss`, which the kernel's list gives no file."""
    found = []
    for loaded in objects.all:
        bounds = objects.bounds(loaded)
        if bounds:
            found.append(Range(*bounds, Area(STATIC)))
    return found


def flatten(layers: Iterable[Sequence[Range]]) -> tuple[list[int], list[Area]]:
    """One list of edges of layers of ranges, where a later layer lies over an earlier one.

    Returns:
        The edges in ascending order, and the areas: `areas[n]` lies below `edges[n]`, and the last one above all.
    """
    changes: list[tuple[int, int, Area]] = []
    count = 0
    for layer in layers:
        last = 0
        for one in sorted(layer):
            start = max(one.start, last)
            if start < one.end:
                last = one.end
                changes += ((start, count, one.area), (last, count, NOTHING))
        count += 1
    changes.sort(key=itemgetter(0))  # at one edge what ends comes before what begins there
    current = [NOTHING] * count
    edges: list[int] = []
    areas = [NOTHING]
    for edge, number, area in changes:
        current[number] = area
        at = count - 1
        while at and current[at] is NOTHING:
            at -= 1
        if edges and edges[-1] == edge:
            areas[-1] = current[at]
        else:
            edges.append(edge)
            areas.append(current[at])
    return edges, areas
