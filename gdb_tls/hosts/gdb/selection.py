"""Changing what GDB has selected or set, and putting it back."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress

import gdb


@contextmanager
def selection() -> Iterator[None]:
    """Keeps the selected inferior, thread and frame over whatever is done inside."""
    inferior = gdb.selected_inferior()
    thread = gdb.selected_thread()
    frame = None
    with suppress(gdb.error):
        frame = gdb.selected_frame()
    try:
        yield
    finally:
        if inferior.is_valid() and gdb.selected_inferior().num != inferior.num:
            gdb.execute(f"inferior {inferior.num}", to_string=True)
        if thread is not None and thread.is_valid():
            thread.switch()
            if frame is not None:
                with suppress(gdb.error):
                    if frame.is_valid():
                        frame.select()


def all_inferiors() -> Generator[tuple[int, int | None], None, None]:
    """Selects each inferior in turn: its number, and its process id.

    What was selected is selected again when there are no more, or when the iterator is closed.
    """
    with selection():
        for inferior in sorted(gdb.inferiors(), key=lambda one: one.num):
            if inferior.is_valid():
                gdb.execute(f"inferior {inferior.num}", to_string=True)
                yield inferior.num, inferior.pid or None


@contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    """Sets a GDB parameter for the time inside; one that this GDB does not have is left alone."""
    try:
        before = shown(name)
    except (gdb.error, RuntimeError):
        yield
        return
    if before == value:
        yield
        return
    gdb.execute(f"set {name} {value}", to_string=True)
    try:
        yield
    finally:
        gdb.execute(f"set {name} {before}", to_string=True)


# What GDB is asked in: it parses C's expressions too, and knows the names of C++.
LANGUAGE = "c++"
_users: list[str] = []


@contextmanager
def own_language() -> Iterator[None]:
    """Has GDB take what is asked inside for C++: in Fortran, Pascal or Go it fails, or GDB itself aborts."""
    _users.append(_users[-1] if _users else shown("language"))
    try:
        with setting("language", LANGUAGE):
            yield
    finally:
        _users.pop()


@contextmanager
def users_language() -> Iterator[None]:
    """Within `own_language`: the user's own, for an expression that the user has typed."""
    with setting("language", _users[-1]) if _users else nullcontext():
        yield


def shown(name: str) -> str:
    """A parameter's value as `set` takes it.

    Raises:
        RuntimeError: where this GDB has no such parameter.
    """
    value = gdb.parameter(name)
    if value is None:
        return "unlimited"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
