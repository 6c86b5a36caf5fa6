"""Which variables a C++ compiler's guard stands for, as the code that tests and sets it says; see `guards`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property

from gdb_tls.code.accesses import ADDRESS_TAKEN, WRITE, Access
from gdb_tls.code.callees import LONGEST_GETTER
from gdb_tls.code.guards import (
    GUARD,
    INIT,
    PART,
    REGISTER,
    SHARED_GUARD,
    Guard,
    of_encoding,
)
from gdb_tls.code.index import CodeIndex
from gdb_tls.code.state import State
from gdb_tls.code.values import TlsAddress
from gdb_tls.elf.symbols import ElfSymbol

# A function that first of all makes sure of it does that behind so many bytes.
LONGEST_BEGINNING = 32


class Guards:
    """Finds what guards stand for, out of the code."""

    def __init__(self, index: CodeIndex, symbols: Sequence[ElfSymbol], functions: Iterable[ElfSymbol]) -> None:
        """Reads nothing yet.

        Args:
            index: the file's code.
            symbols: its thread-local symbols.
            functions: those of its functions whose names begin as `PREFIXES` says.
        """
        self._index = index
        self._symbols = symbols
        self._functions = list(functions)
        self._known_calls: dict[frozenset[int], Mapping[int, list[int]]] = {}
        self._known_making: dict[int, tuple[set[int], set[int]]] = {}

    @cached_property
    def of_aliases(self) -> dict[int, Guard]:
        """The guards, by the variables' offsets, of those that others may see: few functions are read for it.

        Raises:
            MissingPackage: where there is no capstone.
        """
        by_name = {one.name: one for one in self._symbols}
        found = {}
        for function in self._functions:
            rest = function.name[len(INIT) :]
            variable = next((by_name[one] for one in (rest, *of_encoding(rest)) if one in by_name), None)
            guard = self._tested_in(function.value) if function.name.startswith(INIT) and variable else None
            if variable and guard is not None:
                found[variable.value] = Guard(guard, True, self._constructs(variable, guard, {function.value}))
        return found

    def find(self, named: Mapping[int, Guard]) -> dict[int, Guard]:
        """The guards of all variables, by their offsets.

        Args:
            named: those that are called after their variables.

        Raises:
            MissingPackage: where there is no capstone.
        """
        found = {**self.of_aliases, **named}
        # Where the symbol table has no guards, one is proven by an alias, or by what is registered where it was zero.
        guards = set(self._offsets) or {one.offset for one in found.values()} | set(self._of_registrations.values())
        if not self._offsets:
            for offset, guard in self._of_registrations.items():
                found.setdefault(offset, Guard(guard, True))
        for guard in sorted(guards):
            for variable in self._local_ones(guard):
                found.setdefault(variable.value, Guard(guard, True))
        symbols = {one.value: one for one in self._symbols if not one.name.startswith((GUARD, SHARED_GUARD))}
        return {
            offset: one._replace(constructs=self._constructs(symbols[offset], one.offset, self._making(one.offset)[1]))
            if offset in symbols and not one.constructs
            else one
            for offset, one in found.items()
        }

    def _constructs(self, variable: ElfSymbol, guard: int, making: Iterable[int]) -> bool:
        """Whether functions initialise a variable where the guard was found zero, and do not only register it."""
        inside = range(variable.value, variable.value + max(variable.size, 1))
        for function in making:
            places = {at for at, one in self._registrations.items() if one in inside}
            places = {at for at in places if self._index.function_of(at) == function}
            # What comes behind the registration is use, if the ways with and without it have not met again.
            last = max(places, default=None)
            for at in self._initialised(function, inside):
                if at not in places and (last is None or at < last) and self._is_where_zero(function, at, guard):
                    return True
        return False

    def _initialised(self, function: int, inside: range) -> Iterator[int]:
        """Where a function writes to offsets, or calls another with the address of one as its first argument."""
        yield from (one.address for one in self._own(function) if one.kind == WRITE and one.offset in inside)
        flow = self._index.flow(function)
        for call in flow.instructions if flow else ():
            if call.template.flow in ("call", "jump") and flow:
                first = self._index.settled(flow.arguments(call.address)[0])
                if isinstance(first, TlsAddress) and first.target.defined and first.offset in inside:
                    yield call.address

    @cached_property
    def _registrations(self) -> dict[int, int]:
        """Place -> the object whose destructor is registered there."""
        return dict(registrations(self._index))

    def _making(self, guard: int) -> tuple[set[int], set[int]]:
        """The functions that read or write a guard, and those that initialise something where it is zero."""
        if guard not in self._known_making:
            touching = {one.function for one in self._index.accesses(guard, guard + 1) if one.function is not None}
            making = {one for one in touching if any(_sets(access, guard) for access in self._index.accesses_in(one))}
            making |= {part for part in self._parts if making & self._callers[part]}
            if not self._offsets:  # the parts have no names
                mine = (at for at, one in self._registrations.items() if self._of_registrations.get(one) == guard)
                making |= {one for one in map(self._index.function_of, mine) if one is not None}
            self._known_making[guard] = touching, making
        return self._known_making[guard]

    @cached_property
    def _offsets(self) -> list[int]:
        """Where the symbol table has such guards."""
        return sorted({one.value for one in self._symbols if one.name.startswith(SHARED_GUARD)})

    def _tested_in(self, function: int) -> int | None:
        """The guard that a function tests: the only one of the symbol table's, or what it reads first."""
        read = [one for one in self._index.accesses_in(function) if one.target.defined and one.exact]
        known = {one.offset for one in read} & set(self._offsets)
        if known or self._offsets:
            return known.pop() if len(known) == 1 else None
        first = read[0] if read else None
        return first.offset if first and first.kind != WRITE and first.width == 1 else None

    # ------------------------------------------------------------------ variables that only their own file sees

    def _local_ones(self, guard: int) -> Iterator[ElfSymbol]:
        """The variables without an alias that are made where a guard was found zero, and used only behind its test."""
        touching, making = self._making(guard)
        ensuring = {one.value for one in self._functions} - self._parts or self._ensuring(guard, touching, making)
        calls = self._calls_of(frozenset(ensuring))
        for variable in self._symbols:
            # Others have an alias, if they need one.
            if variable.name.startswith((GUARD, SHARED_GUARD)) or variable.value == guard or not variable.is_local:
                continue
            last = variable.value + max(variable.size, 1)
            accesses = self._index.accesses(variable.value, last)
            made = [one for one in accesses if one.function in making and self._makes(one, guard)]
            others = [one for one in accesses if one not in made]
            if made and others and all(self._is_behind(one, guard, touching, calls) for one in others):
                yield variable

    def _makes(self, access: Access, guard: int) -> bool:
        """Whether an access writes a variable, or hands it to a constructor, where the guard was found zero."""
        is_one = access.kind in (WRITE, ADDRESS_TAKEN) and access.function is not None
        return is_one and self._is_where_zero(access.function or 0, access.address, guard)

    def _is_where_zero(self, function: int, place: int, guard: int) -> bool:
        """Whether a function comes to a place only where the guard was found zero."""
        if not any(one.offset == guard and one.kind != WRITE for one in self._own(function)):
            # What GCC has split from the test (`__tls_init.part.0`) is called only where that found zero.
            return True
        flow = self._index.flow(function)
        return _is_zero(flow.before(place) if flow else None, guard)

    def _is_behind(self, access: Access, guard: int, touching: set[int], calls: Mapping[int, list[int]]) -> bool:
        """Whether the guard was tested, or set, on every way to an access.

        Args:
            access: the access.
            guard: the guard's offset.
            touching: the functions that read or write the guard.
            calls: where functions call those that make sure that it is set.
        """
        if access.function is None:
            return False
        if access.function in touching:
            flow = self._index.flow(access.function)
            state = flow.before(access.address) if flow else None
            known = state.variables if state else {}
            return any(_is(one.target.defined, one.offset, guard) for one in known)
        return any(at < access.address for at in calls.get(access.function, ()))

    def _own(self, function: int) -> Iterator[Access]:
        return (one for one in self._index.accesses_in(function) if one.target.defined)

    @cached_property
    def _parts(self) -> set[int]:
        return {one.value for one in self._functions if one.name.startswith(PART)}

    @cached_property
    def _callers(self) -> dict[int, set[int]]:
        """Function -> those that call it, of the parts that Clang has not inlined."""
        found: dict[int, set[int]] = defaultdict(set)
        for at, function in self._calls_to(self._parts):
            caller = self._index.function_of(at)
            if caller is not None:
                found[function].add(caller)
        return found

    def _calls_to(self, functions: Set[int]) -> Iterator[tuple[int, int]]:
        """(place, function) of the calls of some functions."""
        for at, target, _ in self._index.calls() if functions else ():
            called = target if target in functions else self._index.callees.called(target)
            if called is not None and called in functions:
                yield at, called

    def _calls_of(self, functions: frozenset[int]) -> Mapping[int, list[int]]:
        """Where functions call some others, by the beginning of the function."""
        if functions not in self._known_calls:
            found: dict[int, list[int]] = defaultdict(list)
            for at, _ in self._calls_to(functions):
                caller = self._index.function_of(at)
                if caller is not None:
                    found[caller].append(at)
            self._known_calls[functions] = found
        return self._known_calls[functions]

    # ------------------------------------------------------------------ without the names of functions

    def _ensuring(self, guard: int, touching: set[int], making: set[int]) -> set[int]:
        """The functions after which a guard is set: those that test and set it, and short ones that call these."""
        direct = {one for one in touching if self._tests_on_every_way(one, guard)}
        parts = self._calls_of(frozenset(making))
        direct &= making | parts.keys()
        wrappers = set()
        for caller, places in self._calls_of(frozenset(direct)).items():
            piece = self._index.functions.at(caller)
            if piece.known and piece.end - piece.start <= LONGEST_GETTER and caller not in touching:
                wrappers |= {caller} if min(places) - piece.start <= LONGEST_BEGINNING else set()
        return direct | wrappers

    def _tests_on_every_way(self, function: int, guard: int) -> bool:
        flow = self._index.flow(function)
        states = [*flow.at_returns(), *(state for _, state in flow.at_jumps_out())] if flow else []
        return bool(states) and all(
            any(_is(one.target.defined, one.offset, guard) for one in state.variables) for state in states
        )

    @cached_property
    def _of_registrations(self) -> dict[int, int]:
        """Object -> the guard that was found zero on the way to where its destructor is registered.

        The function that registers it, or the one that calls this, sets the guard.
        """
        found: dict[int, set[int]] = {}
        for place, offset in self._registrations.items():
            function = self._index.function_of(place)
            if function is None:
                continue
            guards = self._set_where_zero(function, place, function)
            if not guards:
                callers = self._calls_of(frozenset((function,)))
                ways = [
                    self._set_where_zero(caller, at, function) | self._set_where_zero(caller, at, caller)
                    for caller, places in callers.items()
                    for at in places
                ]
                guards = set.intersection(*ways) if ways else set()
            found[offset] = found[offset] & guards if offset in found else guards
        return {offset: guards.pop() for offset, guards in found.items() if len(guards) == 1}

    def _set_where_zero(self, function: int, place: int, setting: int) -> set[int]:
        """What was found zero before a place in a function, and is set to something else by a function."""
        flow = self._index.flow(function)
        state = flow.before(place) if flow else None
        null = {one.offset for one in (state.found_null | state.found_clear if state else ()) if one.target.defined}
        return {
            one.offset for one in self._own(setting) if one.kind == WRITE and not one.of_null and one.width in (1, 8)
        } & null


def _is_zero(state: State | None, guard: int) -> bool:
    """Whether a guard was found zero on every way to a place."""
    null = state.found_null | state.found_clear if state else frozenset()
    return any(_is(one.target.defined, one.offset, guard) for one in null)


def _sets(access: Access, guard: int) -> bool:
    return access.kind == WRITE and not access.of_null and _is(access.target.defined, access.offset, guard)


def _is(is_own: bool, offset: int, guard: int) -> bool:
    return is_own and offset == guard


def registrations(index: CodeIndex) -> Iterator[tuple[int, int]]:
    """(place, offset in the file's own block) of each object whose destructor its code registers for a thread's end.

    Raises:
        MissingPackage: where there is no capstone.
    """
    own = {one.value for one in index.file.symbols(REGISTER).values()}
    for at, target, _ in index.calls():
        if target in own or index.stubs.name(target) in REGISTER:
            flow = index.flow(at)
            arguments = flow.arguments(at) if flow else []
            place = index.settled(arguments[1]) if len(arguments) > 1 else None
            if isinstance(place, TlsAddress) and place.target.defined and place.exact:
                yield at, place.offset


def is_making(index: CodeIndex, address: int, guard: int, *, is_call: bool) -> bool:
    """Whether a place in the code is where a guard was found zero, or in a function that sets it without a test.

    Args:
        index: the file's code.
        address: the place, as the file is linked.
        guard: the guard's offset.
        is_call: whether it is behind a call that has not come back, and the call is meant.

    Raises:
        MissingPackage: where there is no capstone.
    """
    function = index.function_of(address - 1) if index.functions.code(address - 1, address) else None
    own = [one for one in index.accesses_in(function) if one.target.defined] if function is not None else []
    if not any(_sets(one, guard) for one in own):
        return False
    if not any(one.offset == guard and one.kind != WRITE for one in own):
        return True
    flow = index.flow(address - 1)
    call = flow.call_before(address) if flow and is_call else None
    state = flow.before(call.address if call else address) if flow else None
    return _is_zero(state, guard)
