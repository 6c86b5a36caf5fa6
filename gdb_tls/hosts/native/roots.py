"""Names of files below another root than this machine's own."""

from __future__ import annotations

import os
from contextlib import suppress

DELETED = " (deleted)"


def is_same(path: str, mapped: str) -> bool | None:
    """Whether two names are of one file; None where one cannot be looked at."""
    with suppress(OSError):
        return os.path.samefile(path, mapped)
    return None


def inside_root(root: str, path: str) -> str:
    """The place of a path below another machine's root, whose absolute symbolic links stay below it.

    Debian's /lib64/ld-linux-x86-64.so.2 was such a link up to glibc 2.31, and GDB does not follow it.
    """
    place = root.rstrip("/") + path
    for _ in range(8):
        if not os.path.islink(place):
            break
        link = os.readlink(place)
        place = root.rstrip("/") + link if os.path.isabs(link) else os.path.join(os.path.dirname(place), link)
    return place
