"""`$_tls("name")` and `$_tls_state("name")`: for expressions and breakpoint conditions; they run no code."""

from __future__ import annotations

from typing import Any

import gdb


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
        from gdb_tls.hosts.gdb.function_values import value_of

        return value_of(name, thread)


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
        from gdb_tls.hosts.gdb.function_values import state_of

        return state_of(name, thread)


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
        from gdb_tls.hosts.gdb.function_values import value_of_key

        return value_of_key(key, thread)
