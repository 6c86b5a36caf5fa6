"""What is known at one point of a function: registers, stack slots, which variables were checked on the way."""

from __future__ import annotations

from gdb_tls.code.values import (
    MOST_ALTERNATIVES,
    Displaced,
    Filled,
    Loaded,
    Result,
    TlsAddress,
    TlsOffset,
    Value,
    alternatives,
    either,
    widened,
)
from gdb_tls.tuples import NamedTuple

# How much is known of a value, or of a variable, before it is used as an address.
UNCHECKED, PERHAPS, WRITTEN, CHECKED = range(4)

# Of the functions that were given an address, so many are remembered; and of the memory there so many bytes.
MOST_GIVEN = 4
LARGEST_GIVEN = 64

# After so many visits of one point, what still changes there is given up, so that every loop comes to an end.
MOST_VISITS = 6


class Returned(NamedTuple):
    """What became of what a call returned, on every way that came by the call.

    Attributes:
        used: whether memory was read or written there: it was not null.
        kept: the thread-local variable in which it was stored, and still is; None for none.
    """

    used: bool = False
    kept: TlsAddress | None = None


class State:
    """The facts at one point.

    Attributes:
        registers: by name.
        stack: (value, width) by (frame base, offset), or by the name of an argument with a `*`, or `place_of_result`,
            where it was written through that argument, or through what that call returned.
        given: by the same: the calls that were given the address (see `Filled`), and the offsets that were written
            since.
        loads: for each load from thread-local storage that was executed on the way: how far its value is checked.
        variables: for each variable: whether it was checked or written on every way here.
        used: registers whose present contents were read already.
        flags: what the processor's flags were made of by arithmetic, and how much a condition on them says.
        kept: what was stored last in a thread-local variable on the way (None for what is not known), and by which
            instruction.
        returned: what became of the results of calls.
        compared: the operands of the last comparison: what a branch that comes next depends on.
        zero: the variable that was just compared with zero, whether its lowest bit was flipped before, and whether
            only that bit was tested.
        found_null: the variables that were compared with zero, and were zero, on every way here.
        found_clear: those of which the lowest bit was tested, and was zero: a guard of C++ is wider on AArch64.
    """

    __slots__ = (
        "compared",
        "flags",
        "found_clear",
        "found_null",
        "given",
        "kept",
        "loads",
        "registers",
        "returned",
        "stack",
        "used",
        "variables",
        "zero",
    )

    def __init__(self) -> None:
        """Makes a state in which nothing is known."""
        self.registers: dict[str, Value | None] = {}
        self.stack: dict[tuple[str, int], tuple[Value | None, int]] = {}
        self.given: dict[tuple[str, int], tuple[tuple[tuple[int, str], ...], frozenset[int]]] = {}
        self.loads: dict[Loaded, int] = {}
        self.variables: dict[TlsAddress, int] = {}
        self.used: set[str] = set()
        self.flags: tuple[Value | None, int] | None = None
        self.zero: tuple[TlsAddress, bool, bool] | None = None
        self.found_null: frozenset[TlsAddress] = frozenset()
        self.found_clear: frozenset[TlsAddress] = frozenset()
        self.kept: dict[TlsAddress, tuple[Value | None, int]] = {}
        self.compared: tuple[Value | None, ...] = ()
        self.returned: dict[Result, Returned] = {}

    def copy(self) -> State:
        """Makes an independent state with the same facts."""
        new = State.__new__(State)
        new.registers = self.registers.copy()
        new.stack = self.stack.copy()
        new.given = self.given
        new.loads = self.loads.copy()
        new.variables = self.variables.copy()
        new.used = self.used.copy()
        new.flags = self.flags
        new.zero = self.zero
        new.found_null = self.found_null
        new.found_clear = self.found_clear
        new.kept = self.kept
        new.compared = self.compared
        new.returned = self.returned
        return new

    def keep_common(self, other: State) -> None:
        """Forgets the values that differ: of several ways, of which it is not known which ones lead to a place."""
        values = {name: value for name, value in self.registers.items() if other.registers.get(name) == value}
        self.registers = values
        self.stack = {place: one for place, one in self.stack.items() if other.stack.get(place) == one}

    def set(self, register: str, value: Value | None) -> None:
        """Gives a register new contents."""
        self.registers[register] = value
        self.used.discard(register)

    def store(self, place: tuple[str, int], value: Value | None, width: int) -> None:
        """Writes a stack slot, over what was there."""
        base, offset = place
        if self.stack:
            for at in range(offset - 15, offset + max(width, 1)):
                old = self.stack.get((base, at))
                if old is not None and at + old[1] > offset:
                    del self.stack[base, at]
        if value is not None:
            self.stack[place] = (value, width)
        if self.given:
            self.given = {
                key: (calls, since | {offset} if key[0] == base and 0 <= offset - key[1] < LARGEST_GIVEN else since)
                for key, (calls, since) in self.given.items()
            }

    def forget(self, base: str) -> None:
        """What a base leads to is other memory from now on."""
        if any(place[0] == base for place in self.stack):
            self.stack = {place: one for place, one in self.stack.items() if place[0] != base}
        if any(place[0] == base for place in self.given):
            self.given = {place: one for place, one in self.given.items() if place[0] != base}

    def use(self, value: Value | None) -> None:
        """Memory at an address, or near it, is read or written."""
        base = _without_displacement(value)
        if isinstance(base, Result) and not self.returned.get(base, Returned()).used:
            self.returned = {**self.returned, base: self.returned.get(base, Returned())._replace(used=True)}

    def keep(self, place: TlsAddress, width: int, value: Value | None, at: int) -> None:
        """A value is stored in a thread-local variable."""

        def is_there(one: TlsAddress) -> bool:
            return one.target == place.target and 0 <= one.offset - place.offset < width

        self.kept = {one: other for one, other in self.kept.items() if not is_there(one)}
        if any(one.kept is not None and is_there(one.kept) for one in self.returned.values()):
            self.returned = {
                result: one._replace(kept=None) if one.kept is not None and is_there(one.kept) else one
                for result, one in self.returned.items()
            }
        if place.exact:
            self.kept[place] = (value, at)
        if place.exact and isinstance(value, Result):
            self.returned = {**self.returned, value: self.returned.get(value, Returned())._replace(kept=place)}

    def if_null(self, value: Value | None) -> Value | None:
        """What a value can have been if it is null, or a member of what null points to.

        Not the result of a call, where memory was used there before; and one that was stored in a variable which the
        value may have been read from says nothing more than that variable does.
        """
        ways = list(alternatives(value))
        read = {one.address for one in map(_without_displacement, ways) if isinstance(one, Loaded)}
        left = []
        for one in ways:
            base = _without_displacement(one)
            known = self.returned.get(base) if isinstance(base, Result) else None
            if known is None or not (known.used or known.kept in read):
                left.append(one)
        return either(*left) if left else value

    def give(self, place: tuple[str, int], call: int, register: str) -> None:
        """A call is given the address of a stack slot."""
        calls, _ = self.given.get(place, ((), None))
        self.given = {**self.given, place: (((call, register), *calls)[:MOST_GIVEN], frozenset())}

    def load(self, place: tuple[str, int], width: int) -> Value | None:
        """Reads a stack slot."""
        value, stored = self.stack.get(place, (None, 0))
        known = value if width <= stored else None
        if not self.given:
            return known
        base, offset = place
        keys = [one for one in self.given if one[0] == base and 0 <= offset - one[1] < LARGEST_GIVEN]
        key = max(keys, default=None)
        if key is None or offset in self.given[key][1] or (known is not None and key != place):
            return known
        return Filled(self.given[key][0], offset - key[1], width, known)


class Point:
    """A block's beginning: the join of all states that come there."""

    __slots__ = ("_given_up", "state", "visits")

    def __init__(self) -> None:
        """Begins unreached."""
        self.state: State | None = None
        self.visits = 0
        self._given_up: set[object] = set()

    def join(self, other: State) -> bool:
        """Adds a way here; returns whether that changed anything."""
        if self.state is None:
            self.state = other.copy()
            return True
        self.visits += 1
        state = self.state
        changed = self._join_registers(state.registers, other.registers)
        changed |= self._join_stack(state.stack, other.stack)
        for load, status in other.loads.items():
            old = state.loads.get(load)
            new = status if old is None else weaker(old, status)
            if new != old:
                state.loads[load] = new
                changed = True
        for variable, status in list(state.variables.items()):
            there = other.variables.get(variable)
            if there is None:
                del state.variables[variable]
                changed = True
            elif weaker(status, there) != status:
                state.variables[variable] = weaker(status, there)
                changed = True
        if state.flags != other.flags:
            changed |= state.flags is not None
            state.flags = None
        if state.zero is not None and state.zero != other.zero:
            state.zero = None
            changed = True
        if not state.found_null <= other.found_null:
            state.found_null &= other.found_null
            changed = True
        if not state.found_clear <= other.found_clear:
            state.found_clear &= other.found_clear
            changed = True
        if state.kept != other.kept:
            state.kept = {place: one for place, one in state.kept.items() if other.kept.get(place) == one}
        if state.given != other.given:
            state.given = {place: one for place, one in state.given.items() if other.given.get(place) == one}
        if state.compared != other.compared:
            state.compared = ()
        changed |= self._join_returned(state, other)
        if not other.used <= state.used:
            state.used |= other.used
            changed = True
        return changed

    @staticmethod
    def _join_returned(mine: State, other: State) -> bool:
        """A way that did not come by a call says nothing of its result."""
        if mine.returned == other.returned:
            return False
        joined = {**other.returned, **mine.returned}
        for result in mine.returned.keys() & other.returned.keys():
            one, another = mine.returned[result], other.returned[result]
            joined[result] = Returned(one.used and another.used, one.kept if one.kept == another.kept else None)
        changed = any(mine.returned.get(result, one) != one for result, one in joined.items())
        mine.returned = joined
        return changed

    def _join_registers(self, mine: dict[str, Value | None], others: dict[str, Value | None]) -> bool:
        if mine == others:
            return False
        changed = False
        for name in mine.keys() | others.keys():
            old, new = mine.get(name), others.get(name)
            if old == new or name in self._given_up:
                continue
            joined = self._joined(name, old, new)
            if joined != old:
                mine[name] = joined
                changed = True
        return changed

    def _join_stack(
        self,
        mine: dict[tuple[str, int], tuple[Value | None, int]],
        others: dict[tuple[str, int], tuple[Value | None, int]],
    ) -> bool:
        if mine == others:
            return False
        changed = False
        for place in mine.keys() | others.keys():
            # What an argument points to and nobody has written is what it was before.
            missing = (Filled((), 0, 0, None) if place[0].startswith("*") else None, 16)
            (old, width), (new, other_width) = mine.get(place, missing), others.get(place, missing)
            if old == new or place in self._given_up:
                continue
            joined = self._joined(place, old, new)
            if joined != old:
                mine[place] = (joined, min(width, other_width))
                changed = True
        return changed

    def _joined(self, key: object, old: Value | None, new: Value | None) -> Value | None:
        if self.visits <= MOST_VISITS:
            return either(old, new)
        self._given_up.add(key)
        values = [one for value in (old, new) for one in alternatives(value)]
        # A variable that it may be is worth more than all that it may be besides.
        kept = [one for one in values if isinstance(one, (TlsAddress, TlsOffset))]
        return either(None, *kept) if 0 < len(set(kept)) < MOST_ALTERNATIVES else widened(*values)


def _without_displacement(value: Value | None) -> Value | None:
    return value.value if isinstance(value, Displaced) else value


def weaker(one: int, other: int) -> int:
    """What is known of a value that came by either of two ways."""
    if {one, other} == {WRITTEN, CHECKED}:
        return CHECKED
    return min(one, other)
