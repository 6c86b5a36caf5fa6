"""What the functions in GDB's expressions give."""

from __future__ import annotations

from typing import Any

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.hosts.gdb.shared import look
from gdb_tls.hosts.gdb.types import gdb_type
from gdb_tls.program import report
from gdb_tls.target.model import Instance
from gdb_tls.views.text import safe


def value_of(name: gdb.Value, thread: gdb.Value | None) -> Any:
    """A variable's value in a thread, by default the selected one: an lvalue where the type is known."""
    found, instance = _inspect(name, thread)
    if instance.address is None or instance.reason is not None:
        why = f"{instance.state.value} ({instance.reason})"
        raise gdb.GdbError(safe(f"{found.expression} has no value in thread {instance.thread.num}: it is {why}."))
    with own_language():
        return gdb.Value(instance.address).cast(gdb_type(found.type).pointer()).dereference()


def state_of(name: gdb.Value, thread: gdb.Value | None) -> str:
    """The name of a variable's state in a thread."""
    return _inspect(name, thread)[1].state.value


def value_of_key(key: gdb.Value, thread: gdb.Value | None) -> Any:
    """What a thread has for a key of pthread_setspecific; null where it has set none."""
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


def _inspect(name: gdb.Value, thread: gdb.Value | None) -> tuple[report.Report, Instance]:
    selected = gdb.selected_thread()
    number = int(thread) if thread is not None else selected.num if selected else 0
    try:
        with own_language():
            text, chosen = name.string(), [range(number, number + 1)]
            found = report.inspect(look().program, text, threads=chosen, with_names=False)
            return found, found.instances[0]
    except TlsError as error:
        raise gdb.GdbError(safe(str(error))) from None
