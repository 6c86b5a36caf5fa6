"""`$_tls("name")` and `$_tls_state("name")`: for expressions and breakpoint conditions; they run no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.hosts.gdb.shared import look
from gdb_tls.hosts.gdb.types import gdb_type
from gdb_tls.views.text import safe

if TYPE_CHECKING:
    from gdb_tls.program.report import Report
    from gdb_tls.target.model import Instance


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
        with own_language():
            return gdb.Value(instance.address).cast(gdb_type(found.type).pointer()).dereference()


class TlsState(gdb.Function):
    """The state of a thread-local variable in a thread, as a string.

    Usage: $_tls_state ("NAME"), $_tls_state ("NAME", THREAD)

    The state is "set", "null", "no-value", "unallocated", "not-constructed", "destroyed",
    "unreadable" or "unresolved". Compare it with $_streq ($_tls_state ("NAME"), "null").
    """

    def __init__(self) -> None:
        """Registers the function."""
        super().__init__("_tls_state")

    def invoke(self, name: gdb.Value, thread: gdb.Value | None = None) -> str:
        """Gives the state's name."""
        return _inspect(name, thread)[1].state.value


class TlsKey(gdb.Function):
    """What pthread_getspecific would return for a key in a thread.

    Usage: $_tls_key (KEY), $_tls_key (KEY, THREAD)

    Reads memory only. KEY is the number that pthread_key_create gave; THREAD is GDB's number of a
    thread, by default the selected one. The value is a void *, null where the thread has set none.
    """

    def __init__(self) -> None:
        """Registers the function."""
        super().__init__("_tls_key")

    def invoke(self, key: gdb.Value, thread: gdb.Value | None = None) -> Any:
        """Gives the value."""
        selected = gdb.selected_thread()
        number = int(thread) if thread is not None else selected.num if selected else 0
        try:
            with own_language():
                found = look()
                value = found.keys.get((int(key), number))
                if value is None and not any(one.num == number for one in found.program.unnamed_threads):
                    raise gdb.GdbError(f"There is no thread {number}.")
                if value is not None and value.reason is not None:
                    raise gdb.GdbError(safe(f"The keys of thread {number} are not known: {value.reason}."))
                address = value.value if value is not None and value.state.value == "set" else 0
                return gdb.Value(address or 0).cast(gdb.lookup_type("void").pointer())
        except TlsError as error:
            raise gdb.GdbError(safe(str(error))) from None


def _inspect(name: gdb.Value, thread: gdb.Value | None) -> tuple[Report, Instance]:
    from gdb_tls.program import report

    selected = gdb.selected_thread()
    number = int(thread) if thread is not None else selected.num if selected else 0
    try:
        with own_language():
            text, chosen = name.string(), [range(number, number + 1)]
            found = report.inspect(look().program, text, threads=chosen, with_names=False)
            return found, found.instances[0]
    except TlsError as error:
        raise gdb.GdbError(safe(str(error))) from None
