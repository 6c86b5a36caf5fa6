"""The memory map of a process, as the kernel lists it, and of a core, by its own headers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat
from operator import add

from gdb_tls.elf.file import open_elf
from gdb_tls.elf.headers import PF_W, PF_X, PT_LOAD, ProgramHeader
from gdb_tls.target.facts import Region
from gdb_tls.tuples import tuples_of

PROC_LINE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) [r-]([w-])([x-])[ps] \S+ \S+ \S+ *(.*)$", re.MULTILINE)


def process_regions(pid: int) -> list[Region]:
    """What /proc/PID/maps lists.

    Raises:
        OSError: where it cannot be read.
    """
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        lines = PROC_LINE.findall(file.read())
    if not lines:
        return []
    low, high, writable, executable, names = zip(*lines)
    rows = zip(
        map(int, low, repeat(16)),
        map(int, high, repeat(16)),
        map("w".__eq__, writable),
        map("x".__eq__, executable),
        names,
    )
    return tuples_of(Region, rows)


def core_regions(core_file: str, files: Sequence[Region]) -> list[Region]:
    """The core's PT_LOAD headers (gABI), with the files of its NT_FILE note.

    Raises:
        NotElf: where the core cannot be read.
    """
    files = sorted(files)
    loaded = [one for one in open_elf(core_file).segments if one.type == PT_LOAD]
    _, flags, _, starts, _, sizes, _ = zip(*loaded) if loaded else [()] * len(ProgramHeader._fields)
    before = map(bisect_right, repeat([region.start for region in files]), starts)
    names = [files[at - 1].file if at and one < files[at - 1].end else "" for at, one in zip(before, starts)]
    kinds = {one: (bool(one & PF_W), bool(one & PF_X)) for one in set(flags)}
    rights = zip(*map(kinds.__getitem__, flags))
    found = tuples_of(Region, zip(starts, map(add, starts, sizes), *rights, names))
    # GDB's own cores leave out code that is in a file: only the note tells of it.
    known = {region.start for region in files}.intersection(starts)
    return sorted(found + [region for region in files if region.start not in known])
