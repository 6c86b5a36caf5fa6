"""Which functions lead to a function by calls that the code itself names: who could run it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gdb_tls.evidence.code import Code
from gdb_tls.objects.loaded import LoadedObject

# A function that is that many calls away is not followed further; nor are more functions than this.
MOST_CALLS = 12
MOST_FUNCTIONS = 4000


class Reach:
    """The callers of functions, in some objects; calls through pointers (and virtual ones) are not seen."""

    def __init__(self, code: Code, objects: Iterable[LoadedObject]) -> None:
        """Reads nothing yet.

        Args:
            code: the program's.
            objects: those in which callers are looked for.
        """
        self._code = code
        self._objects = list(objects)
        self._callers: dict[int, list[int]] | None = None

    def leading_to(self, functions: Iterable[int]) -> set[int]:
        """The functions that may come to one of some functions, and these themselves; all by their first address."""
        found = set(functions)
        latest = set(found)
        for _ in range(MOST_CALLS):
            latest = {caller for function in latest for caller in self._callers_of(function)} - found
            if not latest or len(found) > MOST_FUNCTIONS:
                break
            found |= latest
        return found

    def _callers_of(self, function: int) -> Iterator[int]:
        if self._callers is None:
            self._callers = self._find_calls()
        for place in self._callers.get(function, ()):
            spot = self._code.at(place)
            caller = spot.function if spot else None
            if caller is not None:
                yield caller

    def _find_calls(self) -> dict[int, list[int]]:
        """Function -> the places where it is called or jumped to."""
        found: dict[int, list[int]] = defaultdict(list)
        for loaded in self._objects:
            for function, places in calls_of(self._code, loaded).items():
                found[function] += places
        return found


def calls_of(code: Code, loaded: LoadedObject) -> dict[int, list[int]]:
    """Function -> the places in an object's code where it is called or jumped to, all in the process."""
    found: dict[int, list[int]] = defaultdict(list)
    index = code.index_of(loaded)
    if index is None:
        return found
    stubs: dict[int, int | None] = {}
    base = loaded.load_base
    for place, target, is_slot in index.calls():
        if index.is_stub(place):
            continue  # what it jumps to is called by those that call it; to unwind tables all stubs are one function
        if target not in stubs:
            slot = target if is_slot else index.jump_slot(target) if index.is_stub(target) else None
            stubs[target] = target + base if slot is None else code.word(slot + base)
        function = stubs[target]
        if function is not None:
            found[function].append(place + base)
    return found
