"""Following a value backwards: through a function's instructions, and through the functions that it called."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gdb_tls.code.emulated import control_of
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.values import (
    Argument,
    Derived,
    Displaced,
    Either,
    Filled,
    Loaded,
    Number,
    Result,
    StackAddress,
    TlsAddress,
    TlsTarget,
    Value,
    place_of_result,
)
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.decisions import depends_on_others
from gdb_tls.evidence.leaves import leaves
from gdb_tls.evidence.numbers import Numbers
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import (
    Computed,
    Emulated,
    Fixed,
    Held,
    Local,
    OneOf,
    Source,
    Specific,
    ThreadLocal,
    Word,
    alternatives,
    moved,
    one_of,
)
from gdb_tls.target.architectures import EMUTLS_GET_ADDRESS

# A number below is no address.
SMALL = 4096
# Of memory: that a function has not written there.
UNWRITTEN = Held(-1)
# Through so many calls and returns a value is followed.
DEEPEST = 64
# A called function that is longer is not asked for what it returns.
LONGEST_CALLEE = 4096
GETSPECIFIC = frozenset(("pthread_getspecific", "__pthread_getspecific", "tss_get"))
EMULATED_ADDRESS = frozenset((EMUTLS_GET_ADDRESS,))
# What they return is new memory: it says nothing of where in their own lists they found it.
ALLOCATORS = frozenset(
    (
        "malloc",
        "calloc",
        "realloc",
        "reallocarray",
        "memalign",
        "aligned_alloc",
        "valloc",
        "pvalloc",
        "mmap",
        "mmap64",
        "strdup",
        "strndup",
        "_Znwm",
        "_Znam",
        "_ZnwmRKSt9nothrow_t",
        "_ZnamRKSt9nothrow_t",
        "_ZnwmSt11align_val_t",
        "_ZnamSt11align_val_t",
        "_ZnwmSt11align_val_tRKSt9nothrow_t",
        "_ZnamSt11align_val_tRKSt9nothrow_t",
    )
)


class Follower:
    """Follows values from scope to scope."""

    def __init__(self, code: Code, bindings: Bindings, numbers: Numbers) -> None:
        """Follows nothing yet.

        Args:
            code: the program's.
            bindings: which variable a place in a file's code means.
            numbers: what the thread still has.
        """
        self._code = code
        self._bindings = bindings
        self._numbers = numbers
        self._scopes: list[Scope] = []

    # ------------------------------------------------------------------ scopes

    def callee(self, scope: Scope, depth: int) -> int | None:
        """Where the call or the jump at a scope's spot goes; by a pointer, as memory is now."""
        flow = scope.spot.flow
        instruction = flow.at(scope.spot.address) if flow else None
        if flow is None or instruction is None:
            return None
        called = self._code.callee(scope.spot, instruction, scope.state)
        if called is None and not isinstance(instruction.template.target, int):
            called = self._numbers.of(self.source(flow.called(scope.spot.address), scope, depth + 1))
        return called

    def called(self, spot: Spot, caller: Scope) -> Scope:
        """The scope of a function that another one has called; the caller's state is that before the call."""
        state = caller.state

        def argument(register: str, depth: int) -> Source | None:
            return self.source(state.registers.get(register), caller, depth) if state else None

        return self.scope(spot, argument)

    def scope(self, spot: Spot, argument: Callable[[str, int], Source | None]) -> Scope:
        """A new scope."""
        scope = Scope(len(self._scopes), spot, argument)
        self._scopes.append(scope)
        return scope

    # ------------------------------------------------------------------ values

    def source(self, value: Value | None, scope: Scope, depth: int = 0) -> Source | None:
        """Where a value of a scope came from; None where that cannot be told."""
        found = self._source(value, scope, depth)
        return None if found is UNWRITTEN else found

    def _source(self, value: Value | None, scope: Scope, depth: int) -> Source | None:
        """The same, or `UNWRITTEN`."""
        if value is None or depth > DEEPEST:
            return None
        depth += 1
        value = scope.spot.file_index.settled(value)
        if isinstance(value, Number):
            return Fixed(value.number if value.number < SMALL else (scope.spot.base + value.number) % (1 << 64))
        if isinstance(value, TlsAddress):
            return self._thread_local(value.target, value.offset, value.exact, scope)
        if isinstance(value, StackAddress):
            return Local(scope.number, value.base, value.offset)
        if isinstance(value, Argument):
            return scope.argument(value.register, depth) or self._numbers.held(value, scope)
        if isinstance(value, Displaced):
            return moved(self.source(value.value, scope, depth), value.offset)
        if isinstance(value, Loaded):
            address = self.source(value.address, scope, depth)
            return self._loaded(scope.spot.base + value.at, address, value.width, depth)
        if isinstance(value, Derived):
            found = {self._part(one, scope, depth) for one in value.sources} - {None}
            return Computed(frozenset(one for one in found if one is not None)) if found else None
        if isinstance(value, Either):
            return one_of(*(self._source(one, scope, depth) for one in value.values))
        if isinstance(value, Filled):
            return self._filled(value, scope, depth)
        return self._result(value, scope, depth) if isinstance(value, Result) else None

    def _part(self, value: Value, scope: Scope, depth: int) -> Source | None:
        """A value of which another was computed: where it came from, or else the number that it is."""
        found = self.source(value, scope, depth)
        # A table's element is not known by the number of the element.
        is_known = any(
            one.place is not None or (one.fixed is not None and not (one.computed and one.path))
            for one in leaves(found)
        )
        return found if is_known else self._numbers.held(value, scope) or found

    def _loaded(self, at: int, address: Source | None, width: int, depth: int) -> Source | None:
        if address is None:
            return None
        if isinstance(address, OneOf):
            # What was read cannot have been read at null.
            possible = [one for one in address.sources if not isinstance(one, Fixed) or one.address >= SMALL]
            return one_of(*(self._loaded(at, one, width, depth) for one in possible))
        if isinstance(address, Fixed) and address.address < SMALL:
            return None
        if isinstance(address, Local):
            scope = self._scopes[address.scope]
            value = scope.state.load((address.base, address.offset), width) if scope.state else None
            return self.source(value, scope, depth)
        if isinstance(address, Fixed) and (bound := self._code.bound_by_loader(address.address)) is not None:
            return Fixed(bound)
        return Word(at, address, width)

    def _thread_local(self, target: TlsTarget, offset: int, exact: bool, scope: Scope) -> Source | None:
        if (target.symbol or "").startswith(EMUTLS_GET_ADDRESS):
            control = control_of(target)
            if control is None and target.slot is not None:
                slot = self._code.word(scope.spot.base + target.slot)
                return Emulated(slot, offset) if slot else None
            return None if control is None else Emulated(scope.spot.base + control, offset)
        bound = self._bindings.bound(scope.spot, target, offset)
        return ThreadLocal(*bound, exact) if bound else None

    # ------------------------------------------------------------------ what called functions did

    def _filled(self, value: Filled, scope: Scope, depth: int) -> Source | None:
        """What the last of some called functions that wrote there has written, or what was there; or `UNWRITTEN`."""
        for at, register in value.calls:
            found = self._left(at, register, value.offset, value.width, scope, depth)
            if found is None and isinstance(value.before, Number):
                return None  # a value that was meant to be replaced, and perhaps is
            if found is None:
                break
            if found is not UNWRITTEN:
                ways = set(alternatives(found))
                before = {self.source(value.before, scope, depth)} if UNWRITTEN in ways else set()
                return one_of(*(ways - {UNWRITTEN}), *before)
        else:
            if value.before is None:
                return UNWRITTEN
        return self.source(value.before, scope, depth)

    def _left(self, at: int, register: str, offset: int, width: int, scope: Scope, depth: int) -> Source | None:
        """What a function that a scope has called left in the memory whose address it was given; or `UNWRITTEN`."""
        state, called = self._code.call_at(scope.spot, at) or (None, None)
        if called is None or depth > DEEPEST:
            return None
        caller = self.scope(scope.spot.moved(at), scope.argument)
        caller.state = state
        return self._written(called, caller, register, offset, width, depth + 1)

    def _written(self, called: int, caller: Scope, register: str, offset: int, width: int, depth: int) -> Source | None:
        spot = self._followed(called)
        if spot is None or spot.flow is None:
            return None
        scope = self.called(spot, caller)
        place = (f"*{register}", offset)
        found: set[Source | None] = set()
        for state in spot.flow.at_returns():
            scope.state = state
            value = state.load(place, width)
            found.add(UNWRITTEN if value is None else self._source(value, scope, depth))
        for instruction, state in spot.flow.at_jumps_out():
            there = self._code.callee(spot.moved(instruction.address), instruction, state)
            scope.state = state
            if there is None or depth > DEEPEST or state.registers.get(register) != Argument(register):
                return None
            found.add(self._written(there, scope, register, offset, width, depth + 1))
        return self._by_ways(spot, spot.flow, found) if found else None

    def _result(self, value: Result, scope: Scope, depth: int) -> Source | None:
        """What a called function returned."""
        state, called = self._code.call_at(scope.spot, value.at) or (None, None)
        if called is None:
            return None
        at = scope.spot.moved(value.at)
        caller = Scope(scope.number, at, scope.argument)
        caller.state = state
        if self._code.is_one_of(called, GETSPECIFIC):
            return Specific(at.pc, self._numbers.of_key(self._argument(caller, 0, depth)))
        if self._code.is_one_of(called, EMULATED_ADDRESS):
            control = self._argument(caller, 0, depth)
            return Emulated(control.address) if isinstance(control, Fixed) else None
        if self._code.is_one_of(called, ALLOCATORS):
            return Local(scope.number, place_of_result(value.at), 0)
        found = self._returned(called, caller, depth)
        is_new = isinstance(found, Local) and found.base.startswith(place_of_result(0)[0]) and not found.offset
        return Local(scope.number, place_of_result(value.at), 0) if is_new else found

    def _returned(self, called: int, caller: Scope, depth: int, jumps: int = 3) -> Source | None:
        spot = self._followed(called)
        flow = spot.flow if spot else None
        if spot is None or flow is None:
            return None
        # A scope that is only read through keeps its number: what it has on its stack is gone.
        numbered = self.scope(caller.spot, caller.argument)
        numbered.state = caller.state
        scope = self.called(spot, numbered)
        result = spot.file_index.convention.result
        found = []
        for state in flow.at_returns():
            scope.state = state
            found.append(self.source(state.registers.get(result), scope, depth))
        for instruction, state in flow.at_jumps_out():
            there = self._code.callee(spot.moved(instruction.address), instruction, state)
            scope.state = state
            if there is None or not jumps:
                found.append(None)
                continue
            inner = Scope(scope.number, spot.moved(instruction.address), scope.argument)
            inner.state = state
            if self._code.is_one_of(there, ALLOCATORS):
                found.append(Local(scope.number, place_of_result(instruction.address), 0))
            elif self._code.is_one_of(there, GETSPECIFIC):
                found.append(Specific(inner.spot.pc, self._numbers.of_key(self._argument(inner, 0, depth))))
            else:
                found.append(self._returned(there, inner, depth, jumps - 1))
        return self._by_ways(spot, flow, found) if found else None

    def _by_ways(self, spot: Spot, flow: FunctionFlow, found: Iterable[Source | None]) -> Source | None:
        """One of the values that a function gives; where other things decide that it is a constant, it may be any."""
        every = list(alternatives(one_of(*found)))
        is_constant = any(one is UNWRITTEN or (isinstance(one, Fixed) and one.address < SMALL) for one in every)
        if is_constant and len(every) > 1 and depends_on_others(flow, lambda call: self._gives_own(call, spot)):
            every.append(None)
        return one_of(*every)

    def _gives_own(self, result: Result, spot: Spot) -> bool:
        """Whether a call in a function has asked for the thread's own value of a key, or its own variable."""
        _, called = self._code.call_at(spot, result.at) or (None, None)
        return called is not None and self._code.is_one_of(called, GETSPECIFIC | EMULATED_ADDRESS)

    def _followed(self, called: int) -> Spot | None:
        """The beginning of a function that can be followed through; None for any other."""
        spot = self._code.at(called)
        if spot is None or self._code.is_one_of(called, ALLOCATORS):
            return None
        piece = spot.file_index.functions.at(spot.address)
        is_short = piece.known and piece.end - piece.start <= LONGEST_CALLEE
        return spot if is_short and piece.start == spot.address else None

    def _argument(self, scope: Scope, number: int, depth: int) -> Source | None:
        register = scope.spot.file_index.convention.arguments[number]
        return self.source(scope.state.registers.get(register), scope, depth) if scope.state else None
