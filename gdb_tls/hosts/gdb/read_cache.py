"""GDB's reads of a core, through GDB's own cache.

GDB looks every address of a core up among all segments, one by one (section_table_xfer_memory_partial, exec.c), and a
program has two segments a thread.  libthread_db reads some thirty words for each answer, most of them beside each
other.  With the cache that `mem` has, GDB reads lines of 64 bytes instead (dcache.c); it forgets them when the thread
is another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gdb


@contextmanager
def cached_reads(kind: str) -> Iterator[None]:
    """Has GDB cache what it reads of a core inside; where the user or the target has memory regions, they stay."""
    if kind != "core" or not _has_no_regions():
        yield
        return
    try:
        gdb.execute("mem 0 0 ro cache", to_string=True)
        yield
    finally:
        gdb.execute("mem auto", to_string=True)


def _has_no_regions() -> bool:
    with suppress(gdb.error):
        said = gdb.execute("info mem", to_string=True)
        return "provided by the target" in said and not re.search(r"(?m)^\d+ ", said)
    return False
