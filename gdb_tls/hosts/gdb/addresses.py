"""GDB's own answers to `&variable`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gdb

from gdb_tls.target.model import Thread, Variable


def addresses_of(
    threads: Sequence[Thread], variables: Sequence[Variable], switch: Callable[[Thread], None], mask: int
) -> list[list[int | str]]:
    """For each thread of each variable its address, or GDB's sentence; changes the selected thread."""
    return [_in_thread(thread, variables, switch, mask) for thread in threads]


def _in_thread(
    thread: Thread, variables: Sequence[Variable], switch: Callable[[Thread], None], mask: int
) -> list[int | str]:
    try:
        switch(thread)
    except gdb.error as error:
        return [sentence(error)] * len(variables)
    return [_selected(variable, mask) for variable in variables]


def _selected(variable: Variable, mask: int) -> int | str:
    try:
        symbol = variable.debugger_symbol
        if symbol is not None:
            # To find a frame, GDB reads registers and unwind tables: it costs more than the variable.
            found = (symbol.value(gdb.newest_frame()) if symbol.needs_frame else symbol.value()).address
        else:
            found = gdb.parse_and_eval(f"&'{variable.linkage_name}'")
        return "the variable has no address here" if found is None else int(found) & mask
    except (gdb.error, RuntimeError, TypeError) as error:
        return sentence(error)


def sentence(error: Exception) -> str:
    """What GDB says, on one line and without its full stop."""
    return " ".join(str(error).split()).rstrip(".")
