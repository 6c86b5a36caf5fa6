"""GDB's own answers to `&variable`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import gdb

from gdb_tls.target.model import Thread, Variable

NO_SYMBOL = "No symbol "
ANOTHERS = "GDB has the name of another file's variable only; use --via passive"


def addresses_of(
    threads: Sequence[Thread], variables: Sequence[Variable], switch: Callable[[Thread], None], mask: int
) -> list[list[int | str]]:
    """For each thread of each variable its address, or GDB's sentence; changes the selected thread."""
    # What GDB cannot be asked for in any thread: it looks for a name that it does not have for milliseconds each time.
    unknown = {index: ANOTHERS for index, variable in enumerate(variables) if _is_anothers(variable)}
    return [_in_thread(thread, variables, unknown, switch, mask) for thread in threads]


def _in_thread(
    thread: Thread,
    variables: Sequence[Variable],
    unknown: dict[int, str],
    switch: Callable[[Thread], None],
    mask: int,
) -> list[int | str]:
    try:
        switch(thread)
    except gdb.error as error:
        return [sentence(error)] * len(variables)
    found: list[int | str] = []
    for index, variable in enumerate(variables):
        found.append(unknown[index] if index in unknown else _selected(variable, mask))
        said = found[-1]
        if isinstance(said, str) and said.startswith(NO_SYMBOL):
            unknown[index] = said
    return found


def _is_anothers(variable: Variable) -> bool:
    """Whether GDB would take another file's variable of that name, be it thread-local or not, as it has no symbol."""
    if variable.debugger_symbol is not None or not variable.module.path:
        return False
    found = gdb.lookup_global_symbol(variable.linkage_name)
    # GDB before 10 has no such function: there it is asked as it always was.
    static = getattr(gdb, "lookup_static_symbols", None)
    every = [found] if found is not None else static(variable.linkage_name) if static else []
    files = [one.symtab.objfile.owner or one.symtab.objfile for one in every if one.symtab is not None]
    names = {os.path.realpath(file.filename or "") for file in files}
    return bool(names) and os.path.realpath(variable.module.path) not in names


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
