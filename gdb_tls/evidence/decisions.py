"""Whether a function's ways depend on its arguments, on thread-local variables and on values of pthread keys alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.values import Argument, Derived, Displaced, Either, Filled, Loaded, Number, Result, TlsAddress, Value

OWN = (Argument, Number, TlsAddress)


def depends_on_others(flow: FunctionFlow, is_own: Callable[[Result], bool]) -> bool:
    """Whether a branch compares what a call returned, a global variable, or what is not known.

    Args:
        flow: the function's.
        is_own: whether a call gives what each thread has for itself.
    """
    found = (one for state in flow.at_branches() for value in state.compared for one in roots(value))
    return not all(is_own(one) if isinstance(one, Result) else isinstance(one, OWN) for one in found)


def roots(value: Value | None) -> Iterator[Value | None]:
    """What a value was made from: where the pointers began that were followed; None for a global variable."""
    if isinstance(value, Loaded) and isinstance(value.address, Number):
        yield None
    elif isinstance(value, Loaded):
        yield from roots(value.address)
    elif isinstance(value, Displaced):
        yield from roots(value.value)
    elif isinstance(value, Filled):
        yield from roots(value.before)
    elif isinstance(value, (Derived, Either)):
        for one in value.sources if isinstance(value, Derived) else value.values:
            yield from roots(one)
    else:
        yield value
