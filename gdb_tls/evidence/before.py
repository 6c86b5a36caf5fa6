"""What the thread that crashed had done before with the variable, or key, from which the bad value came."""

from __future__ import annotations

from collections.abc import Callable

from gdb_tls.code.state import State
from gdb_tls.code.values import Loaded, Number, Result, TlsAddress, Value
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.decisions import roots
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import Fixed, ThreadLocal
from gdb_tls.evidence.trace import Tracer
from gdb_tls.tuples import NamedTuple


class Written(NamedTuple):
    """A write of the variable by a function that is on the stack, on every way to the place where it is now.

    Attributes:
        place: of the instruction.
        how: "null", "back" (what the function had read from the variable earlier) or "other".
    """

    place: Place
    how: str


class Asked(NamedTuple):
    """A function that gave the bad value, asked for it with the address of something that all threads have.

    Attributes:
        function: where it begins; None where that is not known.
        address: what it was given.
    """

    function: int | None
    address: int


def last_write(
    tracer: Tracer, bindings: Bindings, place: ThreadLocal, first: int, place_of: Callable[[int], Place]
) -> Written | None:
    """The last write of the variable by the innermost function on the stack that has certainly written it.

    Args:
        tracer: of the thread that crashed.
        bindings: which variable a place in a file's code means.
        place: the variable.
        first: the number of the frame that crashed or gave up.
        place_of: what the source calls an address of the code.
    """
    for number in range(first, len(tracer.frames)):
        scope = tracer.frame(number)
        for written, (stored, at) in scope.state.kept.items() if scope and scope.state else ():
            assert scope is not None
            if bindings.bound(scope.spot, written.target, written.offset) == (place.module, place.offset):
                return Written(place_of(scope.spot.base + at), _how(written, stored))
    return None


def _how(written: TlsAddress, stored: Value | None) -> str:
    if stored == Number(0):
        return "null"
    return "back" if isinstance(stored, Loaded) and stored.address == written else "other"


def asked_with(code: Code, tracer: Tracer, scope: Scope, value: Value | None) -> Asked | None:
    """The call in a function from which a value of it came, where its first argument is a fixed address.

    Args:
        code: the program's.
        tracer: of the thread that crashed.
        scope: the function's.
        value: what came from there.
    """
    for result in (one for one in roots(value) if isinstance(one, Result)):
        state, called = code.call_at(scope.spot, result.at) or (None, None)
        if state is None:
            continue
        given = tracer.source(_first_argument(state, scope), scope)
        if isinstance(given, Fixed) and code.objects.at(given.address) is not None:
            return Asked(called, given.address)
    return None


def _first_argument(state: State, scope: Scope) -> Value | None:
    return state.registers.get(scope.spot.file_index.convention.arguments[0])
