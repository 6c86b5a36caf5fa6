"""What GDB is connected to."""

from __future__ import annotations

import re

import gdb

LOCAL_TARGETS = ("native",)


def kind_of(inferior: gdb.Inferior) -> str:
    """What an inferior is: "live", "core" or "remote"; it has to be the selected one."""
    connection = getattr(inferior, "connection", None)
    what = connection.type if connection else _connection_line()
    return "core" if what == "core" else "live" if what in LOCAL_TARGETS else "remote"


def _connection_line() -> str:
    # GDB 10 has connections, but no Python attribute for them.
    found = re.search(r"^\*?\s*\d+\s+(\S+)", gdb.execute("info connections", to_string=True), re.MULTILINE)
    return found.group(1) if found else "native"
