"""Whether a function's ways depend on its arguments and on thread-local variables alone."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.values import Argument, Derived, Displaced, Either, Filled, Loaded, Number, TlsAddress, Value


def depends_on_others(flow: FunctionFlow) -> bool:
    """Whether a branch compares what a call returned, a global variable, or what is not known."""
    return any(not _is_own(value) for state in flow.at_branches() for value in state.compared)


def _is_own(value: Value | None) -> bool:
    return value is not None and all(isinstance(one, (Argument, Number, TlsAddress)) for one in _roots(value))


def _roots(value: Value | None) -> Iterator[Value | None]:
    """What a value was made from: where the pointers began that were followed."""
    if isinstance(value, Loaded) and isinstance(value.address, Number):
        yield None  # a global variable
    elif isinstance(value, Loaded):
        yield from _roots(value.address)
    elif isinstance(value, Displaced):
        yield from _roots(value.value)
    elif isinstance(value, Filled):
        yield from _roots(value.before)
    elif isinstance(value, (Derived, Either)):
        for one in value.sources if isinstance(value, Derived) else value.values:
            yield from _roots(one)
    else:
        yield value
