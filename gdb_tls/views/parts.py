"""What the views of several commands have in common."""

from __future__ import annotations

from typing import Any

from gdb_tls.target.model import Instance, Kind, State, Thread, Type, Variable

# How the states look on a screen.
STYLES = {
    State.SET: "green",
    State.NULL: "bold white on red",
    State.NO_VALUE: "yellow",
    State.UNALLOCATED: "yellow",
    State.NOT_CONSTRUCTED: "yellow",
    State.DESTROYED: "bold red",
    State.UNREADABLE: "magenta",
    State.UNRESOLVED: "magenta",
}


def pointer(value: int | None) -> str | None:
    """An address as JSON has it: lower-case hex, or null."""
    return None if value is None else hex(value)


def scalar(instance: Instance, kind: Type | None) -> Any:
    """A value as JSON has it: a pointer in hex, a number, or null."""
    is_pointer = kind is None or kind.kind is Kind.POINTER
    if instance.value is None or not is_pointer or isinstance(instance.value, float):
        return instance.value
    return hex(instance.value)


def thread_fields(thread: Thread) -> dict[str, Any]:
    """Who a thread is, under the names that all documents use."""
    return {
        "num": thread.num,
        "lwp": thread.lwp,
        "name": thread.name,
        "thread_pointer": pointer(thread.thread_pointer),
    }


def declared(kind: Type | None, name: str) -> str:
    """A variable as its declaration begins: `char *name`."""
    if kind is None:
        return name
    return f"{kind.name}{'' if kind.name.endswith(('*', '&')) else ' '}{name}"


def source(variable: Variable) -> str:
    """Where it is declared, as `file.c:12`; empty where that is not known."""
    return f"{variable.file}:{variable.line}" if variable.line else variable.file


def variable_fields(variable: Variable) -> dict[str, Any]:
    """A variable, under the names that the documents of all variables have for it."""
    module = variable.module
    return {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "helper": variable.is_helper,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "file": variable.file or None,
        "line": variable.line or None,
        "module": {"id": module.number, "path": module.path, "storage": module.storage},
        "problem": variable.problem or None,
    }
