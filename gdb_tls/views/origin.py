"""Which program an answer speaks of: a line above a table, and some more under a page's title."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gdb_tls.tuples import NamedTuple


class Origin(NamedTuple):
    """Where an answer comes from; what is not known is empty or None.

    Attributes:
        executable: its path.
        pid: the process id.
        core: the core dump's path; empty for a process.
        is_remote: whether the process is another machine's.
        arguments: the command line, as the kernel noted it.
        signal: of a program that went wrong, and which thread it stopped.
        host: the machine that the process ran on.
        time: when the core was written, or this was asked.
    """

    executable: str = ""
    pid: int | None = None
    core: str = ""
    is_remote: bool = False
    arguments: str = ""
    signal: str = ""
    host: str = ""
    time: str = ""


def caption(origin: Origin, columns: int) -> str:
    """The program and its core dump, or its process, on one line.

    What is below the current folder is called from there; of a long path the end tells more than the beginning.
    """
    name = os.path.basename(origin.executable) or "a program without a file"
    if not origin.core:
        process = f"process {origin.pid}" if origin.pid else "a process"
        return f"{name}, {process}{' of another machine' if origin.is_remote else ''}"[:columns]
    head = f"{name}, core "
    core = os.path.relpath(origin.core)
    if core.startswith(os.pardir):
        core = origin.core
    room = max(columns - len(head), len(os.path.basename(core)))
    return head + (core if len(core) <= room else "..." + core[len(core) - room + 3 :])


def facts(origin: Origin) -> Sequence[tuple[str, str]]:
    """(name, value) of what is known, for a page."""
    found = [
        ("program", origin.executable),
        ("command line", origin.arguments),
        ("core", origin.core),
        ("process", str(origin.pid or "") + (", remote" if origin.is_remote else "")),
        ("signal", origin.signal),
        ("host", origin.host),
        ("written" if origin.core else "time", origin.time),
    ]
    return [(name, value) for name, value in found if value]
