"""`$_tls("name")` and `$_tls_state("name")`: for expressions and breakpoint conditions; they run no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb import current_program
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.views.text import safe

if TYPE_CHECKING:
    from gdb_tls.program.report import Report
    from gdb_tls.target.model import Instance, Type


class TlsValue(gdb.Function):
    """The value of a thread-local variable in a thread.

    Usage: $_tls ("NAME"), $_tls ("NAME", THREAD)

    Reads memory only, so it works on core dumps, without libthread_db and in the conditions
    of breakpoints. THREAD is GDB's number of a thread, by default the selected one. It is an error
    if the thread has no value.
    """

    def __init__(self) -> None:
        """Registers the function."""
        super().__init__("_tls")

    def invoke(self, name: gdb.Value, thread: gdb.Value | None = None) -> Any:
        """Gives the value, as an lvalue where the type is known."""
        found, instance = _inspect(name, thread)
        if instance.address is None or instance.reason is not None:
            why = f"{instance.state.value} ({instance.reason})"
            raise gdb.GdbError(safe(f"{found.expression} has no value in thread {instance.thread.num}: it is {why}."))
        kind = found.type.debugger_type if found.type else None
        with own_language():
            if kind is None:
                kind = _raw(found.type)
            return gdb.Value(instance.address).cast(kind.pointer()).dereference()


class TlsState(gdb.Function):
    """The state of a thread-local variable in a thread, as a string.

    Usage: $_tls_state ("NAME"), $_tls_state ("NAME", THREAD)

    The state is "set", "null", "unallocated", "not-constructed", "destroyed", "unreadable" or
    "unresolved". Compare it with $_streq ($_tls_state ("NAME"), "null").
    """

    def __init__(self) -> None:
        """Registers the function."""
        super().__init__("_tls_state")

    def invoke(self, name: gdb.Value, thread: gdb.Value | None = None) -> str:
        """Gives the state's name."""
        return _inspect(name, thread)[1].state.value


def _raw(kind: Type | None) -> gdb.Type:
    """What GDB takes a variable for of which no type is known: a number of its size, or a `char *`."""
    if kind is None:
        return gdb.lookup_type("char").pointer()
    numbers = {1: "char", 2: "short", 4: "int"}
    sign = "" if kind.is_signed else "unsigned "
    if kind.size in numbers:
        return gdb.lookup_type(sign + numbers[kind.size])
    return gdb.lookup_type("unsigned char").array(kind.size - 1)


def _inspect(name: gdb.Value, thread: gdb.Value | None) -> tuple[Report, Instance]:
    from gdb_tls.program import report

    selected = gdb.selected_thread()
    number = int(thread) if thread is not None else selected.num if selected else 0
    try:
        with own_language():
            text, chosen = name.string(), [range(number, number + 1)]
            found = report.inspect(current_program(), text, threads=chosen, with_names=False)
            return found, found.instances[0]
    except TlsError as error:
        raise gdb.GdbError(safe(str(error))) from None
