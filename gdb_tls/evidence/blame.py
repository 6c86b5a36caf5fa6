"""Which of the variables that a bad value may have come from it did come from, by what they hold now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.code.state import State
from gdb_tls.code.values import Number, Value
from gdb_tls.evidence.cause import POINTER
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.crash import is_bad
from gdb_tls.evidence.leaves import Leaf, leaves
from gdb_tls.evidence.now import Now
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import Emulated, Specific, ThreadLocal
from gdb_tls.evidence.trace import Tracer
from gdb_tls.program.program import Program
from gdb_tls.program.symbols import Symbols
from gdb_tls.target.facts import NEAR_NULL
from gdb_tls.target.model import Kind
from gdb_tls.tuples import NamedTuple


class Elsewhere(NamedTuple):
    """What is known where no thread-local variable can be named.

    Attributes:
        crashed: where.
        fixed: the address of the variable that it came from; None where it is not known.
        why: why nothing is known; empty where something is.
        is_constant: whether the code itself has it.
        is_full: whether it is the address of what the stack had no room for.
        among: the thread-local variables of which one, nobody knows which, had it.
    """

    crashed: Place
    fixed: int | None
    why: str = ""
    is_constant: bool = False
    is_full: bool = False
    among: tuple[Leaf, ...] = ()


class Blame:
    """Looks at what a thread's variables hold."""

    def __init__(self, program: Program, code: Code, now: Now) -> None:
        """Reads nothing yet."""
        self._program = program
        self._code = code
        self._now = now

    def of(
        self, tracer: Tracer, scope: Scope, value: Value | None, held: int, is_address: bool = True
    ) -> Leaf | Elsewhere | None:
        """The leaf that made a register bad; what else did; None where that is not known.

        Args:
            tracer: of the thread.
            scope: where the register has the value.
            value: what is known of it.
            held: what the register held.
            is_address: whether it was used as an address, or for one.
        """
        if held < NEAR_NULL and scope.state is not None:
            value = scope.state.if_null(value)
        # In one order, whatever a set's is.
        found = sorted(set(leaves(tracer.source(value, scope))), key=repr)
        constants = [one for one in found if self._is_number(one) and not one.computed and one.fixed == held]
        if any(one.place is not None for one in found):
            found = [one for one in found if one.place is not None or not self._is_number(one)]
        where = Place(scope.spot.pc, "", "", 0)
        local = [one for one in found if one.place is not None]
        if not local:
            fixed = next((one.fixed for one in found if self._may_be_bad(one, held)), None)
            is_constant = fixed is None and len(constants) == len(found) > 0
            return Elsewhere(where, fixed, is_constant=is_constant) if fixed is not None or is_constant else None
        agreeing = [one for one in local if not one.computed and self._now.value_of(one) == held]
        if held == 0 and agreeing and any(self._may_be_null(one) for one in found):
            return None  # null are many things
        if constants and (held == 0 or not agreeing):
            # A null of the code's own explains it as well: nothing but these variables may have led to it.
            return self._beside_constant(local, agreeing, where) if len(local) == len(found) else None
        if len({one.place for one in found}) > 1 or len({one.path for one in found}) > 1:
            return self._of_several(found, agreeing, held, is_address, where)
        return local[0]

    def _beside_constant(
        self, local: Sequence[Leaf], agreeing: Sequence[Leaf], where: Place
    ) -> Leaf | Elsewhere | None:
        """The same where the bad value may also be a constant with which the code went on."""
        if not agreeing:
            return self._instead(local)
        several = self._different(agreeing)
        if several:
            return Elsewhere(where, None, among=several)
        # It decided the way, but which of the ways it was is not known.
        is_one_way = len({(one.place, one.path) for one in local}) == 1
        nearest = min(agreeing, key=lambda one: len(one.path))
        return nearest if is_one_way or not nearest.path else nearest._replace(computed=True)

    def _of_several(
        self, found: Sequence[Leaf], agreeing: Sequence[Leaf], held: int, is_address: bool, where: Place
    ) -> Leaf | Elsewhere | None:
        """The same where it came from several variables, or from one by several ways."""
        others = [one for one in found if one.place is None and one.fixed is not None and not one.computed]
        holding = [one for one in others if self._code.word(one.fixed or 0) == held]
        if holding and agreeing:
            return Elsewhere(where, None, "a thread-local variable and a global may have had it, and both hold it now")
        if holding:
            return Elsewhere(where, holding[0].fixed)
        if agreeing:
            several = self._different(agreeing)
            return Elsewhere(where, None, among=several) if several else agreeing[0]
        if len({one.place for one in found}) > 1:
            return self._among(found, is_address, where)
        # By whatever way, it came from that one.
        return next((one for one in found if one.computed), found[0])

    def _different(self, found: Sequence[Leaf]) -> tuple[Leaf, ...]:
        """One leaf for each variable, or key, where they are of several; empty where they are of one."""
        if len({one.place for one in found}) < 2:
            return ()
        symbols = self._program.symbols()
        owners: dict[ThreadLocal | Emulated | Specific, Leaf] = {}
        for leaf in found:
            if leaf.place is not None:
                owners.setdefault(_owner(leaf.place, symbols), leaf)
        return tuple(sorted(owners.values(), key=repr)) if len(owners) > 1 else ()

    def _may_be_null(self, leaf: Leaf) -> bool:
        """Whether what is not thread-local, and one of several that it may be, may be null."""
        if leaf.place is not None:
            return False
        return leaf.fixed is None or leaf.computed or self._now.value_of(leaf) in (0, None)

    def of_way(self, tracer: Tracer, scope: Scope) -> Leaf | None:
        """The variable that is null, and was compared last before the thread came where a constant is bad.

        Where there are several ways, what variables hold now tells which one it came.
        """
        return self._of_ways(tracer, scope) or self._of_ways(
            tracer, scope, lambda state: self._was_zero(tracer, scope, state)
        )

    def _was_zero(self, tracer: Tracer, scope: Scope, state: State) -> bool | None:
        """Whether what a branch compared was zero, as far as one variable tells; None where it does not."""
        compared = [one for one in state.compared if one != Number(0)]
        found = set(leaves(tracer.source(compared[0], scope))) if len(compared) == 1 else set()
        if len(found) != 1:
            return None
        (leaf,) = found
        value = None if leaf.place is None or leaf.computed or leaf.added else self._now.value_of(leaf)
        return None if value is None else value == 0

    def _of_ways(
        self, tracer: Tracer, scope: Scope, was_zero: Callable[[State], bool | None] | None = None
    ) -> Leaf | None:
        flow = scope.spot.flow
        found: list[Leaf] = []
        for state, is_last in flow.conditions(scope.spot.address, was_zero) if flow else ():
            if is_last:
                values = [one for one in state.compared if not isinstance(one, Number)]
                found += [leaf for one in values for leaf in leaves(tracer.source(one, scope))]
        if any(one.place is None for one in found):
            return None
        return self._instead(found)

    def _instead(self, local: Sequence[Leaf]) -> Leaf | None:
        """The one that is null, instead of which the code goes on with a constant; None where it may be several."""
        null = [one for one in map(self._up_to_null, local) if one is not None]
        return null[0]._replace(instead=True) if len({one.place for one in null}) == 1 else None

    def _up_to_null(self, leaf: Leaf) -> Leaf | None:
        """The leaf, followed to the first null; None where none is on its path."""
        if leaf.computed:
            return None
        for length in range(len(leaf.path) + 1):
            shorter = leaf._replace(path=leaf.path[:length], added=0)
            if self._now.value_of(shorter) == 0:
                return shorter
        return None

    def _among(self, found: Sequence[Leaf], is_address: bool, where: Place) -> Leaf | Elsewhere | None:
        """Of the values from which one was computed, the bad one: a null pointer (or a zero), or else an index."""
        if not all(one.computed for one in found):
            return None
        values = [(one, self._now.value_of(one)) for one in found if one.width == 8 or not is_address]
        bad = [one for one, value in values if value == 0]
        if not bad and is_address:
            bad = [one for one, value in values if value is not None and value < NEAR_NULL]
        if len(bad) > 1 and is_address:
            # An index that is zero is a good one.
            bad = [one for one in bad if self._is_pointer(one)] or bad
        if any(one.place is None for one in bad):
            return None
        if is_address and any(self._is_null_everywhere(one, found) for one in bad):
            why = "an index that a global variable holds chose it from a table, and in every thread's it is null"
            return Elsewhere(where, None, why)
        several = self._different(bad)
        if several:
            return Elsewhere(where, None, among=several)
        if bad and is_address and any(self._may_be_pointer(one) for one in found):
            # Then an index that is zero may be a good one.
            bad = [one for one in bad if self._is_pointer(one) or self._is_pointer_elsewhere(one)]
            return bad[0] if bad else None
        if bad:
            return bad[0]
        indices = [one for one in found if not self._is_good_pointer(one)] if is_address else []
        return indices[0] if len(indices) == 1 and indices[0].place is not None else None

    def _is_pointer(self, leaf: Leaf) -> bool:
        """Whether the variable itself was read, and is a pointer by its type."""
        if leaf.path or not isinstance(leaf.place, ThreadLocal):
            return False
        symbols = self._program.symbols()
        candidate = symbols.at(leaf.place.module, leaf.place.offset)
        kind = symbols.variable(candidate).type if candidate else None
        return kind is not None and kind.kind is Kind.POINTER

    def _is_null_everywhere(self, leaf: Leaf, found: Sequence[Leaf]) -> bool:
        """Whether a pointer that a global's index chose from a table is null in all threads that have such a table."""
        indices = [one for one in found if one.fixed is not None and not self._is_number(one)]
        number = self._code.word(indices[0].fixed or 0, indices[0].width) if len(indices) == 1 else None
        if not leaf.path or number is None or number >= NEAR_NULL:
            return False
        values = self._in_threads(leaf._replace(path=(*leaf.path[:-1], leaf.path[-1] + number * POINTER)))
        return len(values) > 1 and not any(values)

    def _is_pointer_elsewhere(self, leaf: Leaf) -> bool:
        """Whether a thread has the address of something there."""
        return any(value and not is_bad(self._program, value) for value in self._in_threads(leaf))

    def _in_threads(self, leaf: Leaf) -> list[int]:
        """What a leaf's value is in each thread in which it is known."""
        threads = [Now(self._program, self._code, one) for one in self._program.threads]
        return [value for value in (now.value_of(leaf) for now in threads) if value is not None]

    @staticmethod
    def _may_be_pointer(leaf: Leaf) -> bool:
        """Whether nothing is known of a value that has a pointer's width."""
        return leaf.place is None and leaf.fixed is None and leaf.number is None and leaf.width == POINTER

    def _may_be_bad(self, leaf: Leaf, held: int) -> bool:
        """Whether a global may have made a value bad: one from which it was computed may be a good index."""
        if leaf.fixed is None or self._is_number(leaf):
            return False
        if not leaf.computed:
            return self._now.value_of(leaf) == held
        value = self._code.word(leaf.fixed)
        return not value or (value >= NEAR_NULL and is_bad(self._program, value))

    def _is_number(self, leaf: Leaf) -> bool:
        """Whether it is a number in the code, such as an index that the caller gives: no address of a variable."""
        return leaf.fixed is not None and self._code.objects.at(leaf.fixed) is None

    def _is_good_pointer(self, leaf: Leaf) -> bool:
        value = self._now.value_of(leaf)
        return leaf.width == 8 and value is not None and not is_bad(self._program, value)


def _owner(place: ThreadLocal | Emulated | Specific, symbols: Symbols) -> ThreadLocal | Emulated | Specific:
    """The whole variable, of which a place may be a member; the key, whichever call has asked for its value."""
    if isinstance(place, ThreadLocal):
        candidate = symbols.at(place.module, place.offset)
        return ThreadLocal(place.module, candidate.symbol.value if candidate else place.offset)
    if isinstance(place, Emulated):
        return Emulated(place.control)
    return place if place.key is None else Specific(0, place.key)
