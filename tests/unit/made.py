"""Reports made by hand, for the tests of what is said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unit.fake import POINTER

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.program.instances import Instances
from gdb_tls.program.report import Report
from gdb_tls.target.model import Flag, Instance, Life, Module, Path, State, TargetInfo, Thread, Type, Variable

PID = 100
MODULE = Module(
    3, "swoole.so", "/usr/lib/php/swoole.so", "/usr/lib/php/swoole.so", 0x7000, 1, None, TlsSegment(0, 0, 8, 8)
)
STRING = Type("swoole::String *", POINTER.kind, 8)
INFO = TargetInfo("core", PID, "/usr/bin/php", "x86-64", "glibc")
VARIABLE = Variable(
    name="swoole_websocket_buffer",
    linkage_name="_ZL23swoole_websocket_buffer",
    module=MODULE,
    offset=0x330,
    size=8,
    type=STRING,
    exported=False,
    source="gdb",
    is_static=True,
    file="swoole_websocket_server.cc",
    line=47,
    initial=bytes(8),
)
REASONS = {
    State.UNALLOCATED: "this thread has not touched swoole.so yet",
    State.UNREADABLE: "the page at 0x5000 is not in the core",
    State.UNRESOLVED: "the thread's DTV cannot be read",
}


def instance(num: int | None, state: State, *flags: Flag, value: int | None = None, **changes: Any) -> Instance:
    """One thread's row; thread 1 is the main thread."""
    lwp = None if num is None else PID - 1 + num
    thread = Thread(
        num, lwp, "php", 0x7F0000000000 + 0x1000 * (num or 0x99), life=Life.EXITED if num is None else Life.LISTED
    )
    has_value = state in (State.SET, State.NULL)
    if value is None and has_value:
        value = 0 if state is State.NULL else 0x5500 + 0x10 * (num or 0)
    address = 0x6000 + 8 * (num or 0) if has_value or state is State.UNREADABLE else None
    text = f"(swoole::String *) 0x{value:x}" if has_value and value is not None else ""
    reason = None if has_value else REASONS[state]
    made = Instance(thread, state, flags, address, value, text, "passive", reason)
    return made._replace(**changes)


def instances(letters: str) -> list[Instance]:
    """Rows by a letter each: s(et), n(ull), u(nallocated), r (unreadable), x (unresolved)."""
    states = dict(zip("snurx", (State.SET, State.NULL, State.UNALLOCATED, State.UNREADABLE, State.UNRESOLVED)))
    return [instance(number, states[letter]) for number, letter in enumerate(letters, 1)]


def report(
    rows: Sequence[Instance],
    *,
    variable: Variable = VARIABLE,
    path: Path | None = None,
    type: Type | None = STRING,
    starts_null: bool = False,
    selected: int | None = 1,
) -> Report:
    """A report with these rows."""
    return Report(INFO, variable, path, type, Instances.of(rows), starts_null, selected)
