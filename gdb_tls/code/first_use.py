"""What is made at first use: by a function that finds it null, or finds null the guard that C++ keeps for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gdb_tls.code.accesses import ADDRESS_TAKEN, READ, READ_CHECKED, WRITE, Access
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.state import State
from gdb_tls.code.values import TlsAddress
from gdb_tls.tuples import NamedTuple


class FirstUse(NamedTuple):
    """A variable that is written, or given to its constructor, only where it was found to be not yet made.

    Attributes:
        made: the access that writes it, or takes its address.
        guard: what was found null: (target, offset) of the variable itself, or of a guard that the same function
            sets there (Itanium C++ ABI, section 3.3.2: a local variable's; `__tls_guard`: a file's).
    """

    made: Access
    guard: TlsAddress

    @property
    def by_itself(self) -> bool:
        """Whether the variable itself was found null, and not a guard."""
        return (self.guard.target, self.guard.offset) == (self.made.target, self.made.offset)


def first_uses(
    accesses: Iterable[Access],
    of_function: Callable[[int], list[Access]],
    flow: Callable[[int], FunctionFlow | None],
) -> list[FirstUse]:
    """Finds those among accesses by which a variable is made at first use.

    Args:
        accesses: of the variables in question.
        of_function: all accesses of a function, by its beginning.
        flow: a function's, by its beginning.
    """
    found = []
    for one in accesses:
        if one.function is None or one.of_null or one.kind not in (WRITE, ADDRESS_TAKEN):
            continue
        others = of_function(one.function)
        # Without any comparison in the function there is nothing to ask of its flow.
        if not any(other.kind in (READ_CHECKED, READ) for other in others):
            continue
        null = _found_null(flow(one.function), one)
        own = [place for place in null if (place.target, place.offset) == (one.target, one.offset)]
        if own and not all(_is_on_null(other, one, flow) for other in others):
            continue  # written in any case: an optimiser has only split the ways
        set_there = {(other.target, other.offset) for other in others if other.kind == WRITE and not other.of_null}
        guards = [place for place in null if (place.target, place.offset) in set_there]
        found += [FirstUse(one, place) for place in (own or sorted(guards, key=lambda place: place.offset))[:1]]
    return found


def _found_null(flow: FunctionFlow | None, access: Access) -> frozenset[TlsAddress]:
    state: State | None = flow.before(access.address) if flow else None
    return state.found_null if state else frozenset()


def _is_on_null(other: Access, one: Access, flow: Callable[[int], FunctionFlow | None]) -> bool:
    """Whether another write of the same variable, if it is one, comes where the variable was found null, too."""
    if other.kind != WRITE or other.of_null or (other.target, other.offset) != (one.target, one.offset):
        return True
    null = _found_null(flow(one.function or 0), other)
    return any((place.target, place.offset) == (one.target, one.offset) for place in null)
