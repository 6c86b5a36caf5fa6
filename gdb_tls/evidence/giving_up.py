"""Why a program ended itself: what a function had found before it called abort, failed an assertion or threw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.code.state import State
from gdb_tls.code.values import Derived, Displaced, Loaded, Number, Result, Value
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.leaves import Leaf, leaves
from gdb_tls.evidence.now import Now
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import ThreadLocal
from gdb_tls.evidence.trace import Tracer
from gdb_tls.libc.heap import KnowsFreed
from gdb_tls.program.program import Program
from gdb_tls.tuples import NamedTuple

# What is called by a program that gives up: C11 7.22.4, POSIX, the Itanium C++ ABI, libstdc++, glibc's assert.h.
GIVING_UP = frozenset(
    (
        "abort",
        "__assert_fail",
        "__assert",
        "__assert_perror_fail",
        "__assert_rtn",
        "raise",
        "pthread_kill",
        "kill",
        "tgkill",
        "_ZSt9terminatev",
        "__cxa_throw",
        "__cxa_rethrow",
        "_ZSt10unexpectedv",
        "__cxa_pure_virtual",
        "__libc_fatal",
        "err",
        "errx",
        "error",
    )
)
# What gives memory back (C11 7.22.3, the Itanium C++ ABI's names of operator delete).
FREEING = frozenset(("free", "cfree", "realloc", "reallocarray", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm"))
# What they return says how their first two arguments compare (POSIX <string.h>, <strings.h>, <wchar.h>, <pthread.h>).
COMPARING = frozenset(
    (
        "pthread_equal",
        "strcmp",
        "strncmp",
        "strcasecmp",
        "strncasecmp",
        "strcoll",
        "memcmp",
        "bcmp",
        "__memcmpeq",
        "wcscmp",
        "wcsncmp",
        "wmemcmp",
    )
)
# What libstdc++'s classes call where the object itself has not what it was asked for.
MISSING = ("out_of_range", "bad_optional_access", "bad_variant_access", "bad_function_call", "bad_weak_ptr")
OF_THE_LIBRARY = ("_ZNSt", "_ZNKSt")
THROWING = ("_ZSt", "_ZNSt", "_ZN9__gnu_cxx")
# Functions that never return (a program's own fatal(), the machinery of panics) are looked through up to here.
MOST_HELPERS = 12
# From the signal to the program's own function: raise, abort, terminate, the unwinder, throw.
MOST_GIVING_UP = 12


class Reason(NamedTuple):
    """What a thread found wrong before it gave up.

    Attributes:
        leaf: the variable, or key.
        kind: "condition" (it was compared), "missing" (it has not what it was asked for) or "freed" (its memory was
            given back a second time).
        frame: the number of the frame whose function found it so, or that gave the memory back.
        pointer: to the memory that was given back; None for another kind.
    """

    leaf: Leaf
    kind: str
    frame: int
    pointer: int | None = None


class GivingUp:
    """Looks for the reasons of one thread."""

    def __init__(self, program: Program, code: Code, bindings: Bindings, now: Now) -> None:
        """Reads nothing yet."""
        self._program = program
        self._code = code
        self._bindings = bindings
        self._now = now

    def first(self, tracer: Tracer) -> int | None:
        """The outermost of the innermost frames that called one of the functions by which a program gives up."""
        found = None
        for number in range(1, min(len(tracer.frames), MOST_GIVING_UP)):
            called = self._called(tracer.frame(number))
            if called is not None and self._gives_up(called):
                found = number
        return found

    def _called(self, scope: Scope | None) -> int | None:
        """The function that a frame waits for; None where its call does not say."""
        flow = scope.spot.flow if scope else None
        call = flow.at(scope.spot.address) if flow and scope else None
        return self._code.callee(scope.spot, call, scope.state) if call and scope else None

    def reason(self, tracer: Tracer, first: int) -> Reason | None:
        """Why the frame of that number, or one that waits for it, gave up; None where that cannot be told."""
        return self._freed(tracer) or self.by_conditions(tracer, first)

    def by_conditions(self, tracer: Tracer, first: int) -> Reason | None:
        """What was compared before a function gave up, by one of the frames from the first one on."""
        for number in range(first, min(first + MOST_HELPERS, len(tracer.frames))):
            scope = tracer.frame(number)
            flow = scope.spot.flow if scope else None
            if scope is None or flow is None:
                return None
            conditions = flow.conditions(scope.spot.address)
            leaf, kind = self._decisive(tracer, scope, conditions), "condition"
            if number == first and (leaf is None or leaf.path):
                asked = self._asked(scope)
                leaf, kind = (asked, "missing") if asked is not None else (leaf, kind)
            if leaf is not None:
                return Reason(leaf, kind, number)
            if conditions and flow.comes_back:
                return None  # what it compared was something else
        return None

    def _asked(self, scope: Scope) -> Leaf | None:
        """The object of which the C++ library said, by an exception, that it has not what it was asked for."""
        called = self._called(scope)
        if called is None or not any(one in self._code.name_at(called) for one in MISSING):
            return None
        if not self._code.name_at(scope.spot.function or 0).startswith(OF_THE_LIBRARY):
            return None
        own = scope.argument(scope.spot.file_index.convention.arguments[0], 0)
        return Leaf(own, scope.spot.pc) if isinstance(own, ThreadLocal) and own.exact else None

    def _freed(self, tracer: Tracer) -> Reason | None:
        """The variable whose memory was given back a second time; None where that is not what happened."""
        library = self._program.libc
        for number in range(min(len(tracer.frames), MOST_GIVING_UP) - 1, 0, -1):
            scope = tracer.frame(number)
            called = self._called(scope)
            # That function's own frame may be gone: glibc's free jumps to what does the work.
            if scope is None or scope.state is None or called is None or not self._code.is_one_of(called, FREEING):
                continue
            given = scope.state.registers.get(scope.spot.file_index.convention.arguments[0])
            found = set(leaves(tracer.source(given, scope)))
            leaf = found.pop() if len(found) == 1 else None
            if leaf is None or leaf.place is None or leaf.computed or not isinstance(library, KnowsFreed):
                return None
            pointer = self._now.value_of(leaf)
            if not pointer or pointer not in library.freed([pointer], self._program.regions):
                return None
            return Reason(leaf, "freed", number, pointer)
        return None

    def _decisive(self, tracer: Tracer, scope: Scope, conditions: Sequence[tuple[State, bool]]) -> Leaf | None:
        """The variable on which it depended that the function gave up; None where it may have been anything else."""
        found: list[Leaf] = []
        last: dict[Leaf, None] = {}
        for state, is_last in conditions:
            for value in (one for compared in state.compared for one in self._compared(compared, scope)):
                if value is not None and not isinstance(value, Number):
                    here = [*leaves(tracer.source(value, scope)), *self._kept(value, state, scope)]
                    found += here
                    last.update(dict.fromkeys(one for one in here if is_last and one.place is not None))
        if len({one.place for one in last}) == 1:
            return next(iter(last))
        local = [one for one in dict.fromkeys(found) if one.place is not None]
        if len(conditions) > 1 and len({one.place for one in local}) + any(one.place is None for one in found) > 1:
            # Of several conditions one that is null is likely the one that was not met.
            local = [one for one in local if self._now.value_of(one) == 0]
        return local[0] if local else None

    def _compared(self, value: Value | None, scope: Scope) -> Iterator[Value | None]:
        """What was compared: a value, or what a function was given that compares for its caller."""
        parts = value.sources if isinstance(value, Derived) else (value,)
        calls = [one.at for one in parts if isinstance(one, Result)]
        calls = [at for at in calls if self._code.calls_one_of(scope.spot, at, COMPARING)]
        if not calls:
            yield value
        for at in calls:
            state, _ = self._code.call_at(scope.spot, at) or (None, None)
            for register in scope.spot.file_index.convention.arguments[:2] if state else ():
                assert state is not None
                yield state.registers.get(register)

    def _kept(self, value: Value | None, state: State, scope: Scope) -> Iterator[Leaf]:
        """The variables in which the function itself has put the value, or the pointer to it."""
        if value is None:
            return
        for place, (stored, at) in state.kept.items():
            path = _way_from(stored, value) if stored is not None else None
            bound = self._bindings.bound(scope.spot, place.target, place.offset) if path is not None else None
            if path is not None and bound is not None:
                yield Leaf(ThreadLocal(*bound), scope.spot.base + at, path=path)

    def _gives_up(self, function: int) -> bool:
        name = self._code.name_at(function)
        return self._code.is_one_of(function, GIVING_UP) or (name.startswith(THROWING) and "throw" in name)


def _way_from(start: Value, value: Value | None) -> tuple[int, ...] | None:
    """The displacement at each pointer that leads from one value to another; None where none does."""
    if value == start:
        return ()
    if not isinstance(value, Loaded) or isinstance(start, Number):
        return None
    inner = value.address
    address, displacement = (inner.value, inner.offset) if isinstance(inner, Displaced) else (inner, 0)
    found = _way_from(start, address)
    return None if found is None else (*found, displacement)
