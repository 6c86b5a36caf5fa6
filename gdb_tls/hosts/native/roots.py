"""Where files are: below another root than this machine's own, behind the kernel's doors, under their build ids."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from gdb_tls.target.facts import Region

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


def mapped_file(pid: int | None, region: Region | None, *, is_executable: bool) -> str | None:
    """The kernel's door to the file that a process has mapped (proc(5): map_files, exe); None where it is closed.

    Args:
        pid: the process id; None where it is no process of this machine.
        region: where it is mapped; None where that is not known.
        is_executable: whether it is the program's own file.
    """
    if not pid:
        return None
    places = [f"/proc/{pid}/map_files/{region.start:x}-{region.end:x}"] if region else []
    # Where the loader itself was started, `exe` is the loader.
    if is_executable and (region is None or _is_exe(pid, region)):
        places.append(f"/proc/{pid}/exe")
    for place in places:
        with suppress(OSError), open(place, "rb"):
            return place
    return None


def _is_exe(pid: int, region: Region) -> bool:
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe") == region.file
    return False


def by_build_id(directories: Iterable[str], build_id: str | None) -> Iterator[str]:
    """Where folders of debug files have those of a build id: the file itself, and its debug information."""
    for directory in directories if build_id else ():
        if directory and build_id:
            place = os.path.join(directory, ".build-id", build_id[:2], build_id[2:])
            yield place
            yield place + ".debug"
