"""The program's memory map: the kernel's list for a process, the core's own headers for a dump."""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress

import gdb

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.headers import PF_W, PF_X, PT_LOAD
from gdb_tls.target.protocol import Region

# GDB's table, which has no permissions for a core (and none before GDB 12), and /proc/PID/maps.
GDB_LINE = re.compile(
    r"^\s*(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+(?:\s+([r-][w-][x-][ps]))?\s*(.*)$"
)
PROC_LINE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+)\s+([r-][w-][x-][ps])\s+\S+\s+\S+\s+\S+\s*(.*)$")


def find_regions(kind: str, pid: int | None, core_file: str | None) -> list[Region]:
    """All mapped regions by address; empty where the target does not tell.

    Args:
        kind: "live", "core" or "remote".
        pid: the process id.
        core_file: the core's file name; None where it is not known.
    """
    if kind == "live" and pid:
        with suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
            found = (PROC_LINE.match(line.rstrip("\n")) for line in lines)
            return [_region(m.group(1), m.group(2), m.group(3), m.group(4), 16) for m in found if m]
    listed = _gdb_regions()
    if kind == "core" and core_file:
        with suppress(OSError, NotElf):
            return _core_regions(core_file, listed)
    # A core's own list (NT_FILE) names files only, which is no answer to "is this mapped?".
    return [] if kind == "core" else listed


def _gdb_regions() -> list[Region]:
    try:
        text = gdb.execute("info proc mappings", to_string=True)
    except gdb.error:
        return []
    found = (GDB_LINE.match(line) for line in text.splitlines())
    return [_region(m.group(1), m.group(2), m.group(3) or "r--p", m.group(4), 0) for m in found if m]


def _region(start: str, end: str, permissions: str, file: str, base: int) -> Region:
    return Region(int(start, base), int(end, base), "w" in permissions, "x" in permissions, file.strip())


def _core_regions(core_file: str, files: list[Region]) -> list[Region]:
    """The core's PT_LOAD headers (gABI), with the files of its NT_FILE note."""
    files = sorted(files)
    starts = [region.start for region in files]
    found = []
    for one in open_elf(core_file).segments:
        if one.type == PT_LOAD:
            at = bisect_right(starts, one.address) - 1
            file = files[at].file if at >= 0 and one.address < files[at].end else ""
            end = one.address + one.size
            found.append(Region(one.address, end, bool(one.flags & PF_W), bool(one.flags & PF_X), file))
    # GDB's own cores leave out code that is in a file: only the note tells of it.
    known = {region.start for region in found}
    return sorted(found + [region for region in files if region.start not in known])
