"""The program's memory map: the kernel's list for a process, the core's own headers for a dump."""

from __future__ import annotations

import re
from contextlib import suppress

import gdb

from gdb_tls.elf.file import NotElf
from gdb_tls.hosts.native.regions import core_regions, process_regions
from gdb_tls.target.facts import Region

# Without permissions for a core, and none at all before GDB 12.
GDB_LINE = re.compile(
    r"^\s*(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+(?:\s+([r-][w-][x-][ps]))?\s*(.*)$"
)


def find_regions(kind: str, pid: int | None, core_file: str | None) -> list[Region]:
    """All mapped regions by address; empty where the target does not tell.

    Args:
        kind: "live", "core" or "remote".
        pid: the process id.
        core_file: the core's file name; None where it is not known.
    """
    if kind == "live" and pid:
        with suppress(OSError):
            return process_regions(pid)
    listed = _gdb_regions()
    if kind == "core" and core_file:
        with suppress(OSError, NotElf):
            return core_regions(core_file, listed)
    # A core's own list (NT_FILE) names files only, which is no answer to "is this mapped?".
    return [] if kind == "core" else listed


def _gdb_regions() -> list[Region]:
    try:
        text = gdb.execute("info proc mappings", to_string=True)
    except gdb.error:
        return []
    found = (GDB_LINE.match(line) for line in text.splitlines())
    return [_region(m.group(1), m.group(2), m.group(3) or "r--p", m.group(4)) for m in found if m]


def _region(start: str, end: str, permissions: str, file: str) -> Region:
    return Region(int(start, 0), int(end, 0), "w" in permissions, "x" in permissions, file.strip())
