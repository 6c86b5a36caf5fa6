"""Walking a path into a value, in every thread; what is not there has a reason instead of an address."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.value import LONGEST_BUFFER, NOT_CONSTRUCTED, word
from gdb_tls.target.model import Absence, Bound, Path, Place, State, Step
from gdb_tls.target.protocol import Target


def follow(target: Target, path: Path, places: Sequence[Place]) -> list[Place]:
    """Walks a path from each place to its end.

    A null pointer on the way is a `null` instance without a value of its own: its reason
    names the pointer.
    """
    size = target.architecture.pointer_size
    mask = (1 << 8 * size) - 1  # a pointer with garbage may be near the end of memory
    current = list(places)
    for step in path.steps:
        if step.lookup is not None:
            current = [_looked_up(target, step, place) if isinstance(place, int) else place for place in current]
            continue
        if step.bound is not None:
            current = _within(target, step.bound, step.before, current)
        if step.pointer_offset is not None:
            holders = [index for index, place in enumerate(current) if isinstance(place, int)]
            addresses = [place + step.pointer_offset & mask for place in current if isinstance(place, int)]
            for index, address, raw in zip(holders, addresses, target.memory.read_many(addresses, size)):
                if raw is None:
                    current[index] = Absence(State.UNREADABLE, f"{step.before} at 0x{address:x} cannot be read")
                else:
                    current[index] = word(raw, target) or Absence(State.NULL, f"{step.before} is null")
        current = [place + step.offset & mask if isinstance(place, int) else place for place in current]
    return current


def _looked_up(target: Target, step: Step, place: int) -> Place:
    assert step.lookup is not None
    if step.lookup.witness is not None:
        (raw,) = target.memory.read_many([place + step.lookup.witness], target.architecture.pointer_size)
        if raw is not None and not any(raw):
            return Absence(State.UNREADABLE, f"{step.before} {NOT_CONSTRUCTED}")
    return target.find_element(step.lookup, place, step.before)


def _within(target: Target, bound: Bound, name: str, places: Sequence[Place]) -> list[Place]:
    """The places where the object has the element; for the others how many it has."""
    at = [place for place in places if isinstance(place, int)]
    ends = target.memory.read_many([place + bound.offset for place in at], bound.size)
    starts: list[bytes | None] = [None] * len(at)
    if bound.start is not None:
        starts = target.memory.read_many([place + bound.start for place in at], bound.size)
    found = iter(zip(at, starts, ends))
    return [_checked(target, bound, name, *next(found)) if isinstance(place, int) else place for place in places]


def _checked(target: Target, bound: Bound, name: str, place: int, start: bytes | None, end: bytes | None) -> Place:
    if end is None or (bound.start is not None and start is None):
        return Absence(State.UNREADABLE, f"how many elements {name} has cannot be read")
    count = word(end, target)
    if start is not None and bound.element:
        count, rest = divmod(count - word(start, target), bound.element)
        if rest:
            count = -1
    if not 0 <= count < LONGEST_BUFFER:
        return Absence(State.UNREADABLE, f"the number of elements of {name} makes no sense: no object is there")
    if 0 <= bound.wanted < count:
        return place
    if bound.element == 0:
        return Absence(State.UNREADABLE, f"{name} holds no value")
    return no_element(name, count, bound.wanted)


def no_element(name: str, count: int, wanted: int, first: int = 0) -> Absence:
    """Says that a container has fewer elements, or an array that begins with another index."""
    has = f"has the elements {first} to {first + count - 1}" if count > 1 else f"has one element, [{first}]"
    return Absence(State.UNREADABLE, f"{name} {has if count else 'is empty'}, so there is no [{wanted}]")
