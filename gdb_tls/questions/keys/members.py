"""Where in what a call returned a function of a library looks: the members that its code computes addresses of."""

from __future__ import annotations

from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.values import Displaced, Result, Value, loads_in

LARGEST_OFFSET = 4096


def used_addresses(flow: FunctionFlow) -> list[Value | None]:
    """What a function gives to others as their first argument, and where it has read what it holds as it returns."""
    calls = [one for one in flow.instructions if one.template.flow == "call"]
    found = [value for one in calls for value in flow.arguments(one.address)[:1]]
    for state in flow.at_returns():
        found += [load.address for value in state.registers.values() for load, _ in loads_in(value)]
    return found


def member_of(value: Value | None) -> tuple[int, int] | None:
    """(call, displacement) of an address that was computed from what a call returned; None for any other value."""
    if isinstance(value, Displaced) and isinstance(value.value, Result) and 0 < value.offset < LARGEST_OFFSET:
        return value.value.at, value.offset
    return None
