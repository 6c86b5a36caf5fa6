"""Where the files of the loaded objects are: on this machine, or in the process's own file system.

A core is not to be trusted: of the names that it gives, only those in the usual places are taken for the program's
files without a build id that says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from gdb_tls.hosts.native.roots import DELETED, by_build_id, inside_root, is_same, mapped_file
from gdb_tls.target.facts import FoundFile, Region
from gdb_tls.target.regions import region_at

USUAL_PLACES = ("/lib", "/usr", "/opt", "/bin", "/sbin")
DEBUG_DIRECTORIES = ("/usr/lib/debug",)


class Files:
    """Looks for the files of one program.

    Args:
        executable: its file, which has been checked; None where there is none.
        sysroot: the folder that the user has named for the program's files; None for none.
        pid: of a running process; None for a core.
        regions: gives the memory map, with the names of the files.
    """

    def __init__(
        self, executable: str | None, sysroot: str | None, pid: int | None, regions: Callable[[], Sequence[Region]]
    ) -> None:
        """Looks for nothing yet."""
        self.executable = executable
        self._sysroot = sysroot
        self._pid = pid
        self._regions = regions

    def find(self, target_path: str, address: int, build_id: str | None) -> Iterator[FoundFile]:
        """See `Target.files_for`."""
        region = region_at(address, self._regions()) if address else None
        mapped = mapped_file(self._pid, region, is_executable=not target_path)
        noted = region.file.removesuffix(DELETED) if region and region.file.startswith("/") else ""
        seen: set[str] = set()
        for place, may_be in self._places(target_path, noted, build_id):
            if place and place not in seen and os.path.isfile(place):
                seen.add(place)
                same = is_same(place, mapped) if mapped else None
                yield FoundFile(place, False if same is None and not may_be else same)
        if mapped:
            yield FoundFile(mapped, True, noted)

    def _places(self, target_path: str, noted: str, build_id: str | None) -> Iterator[tuple[str | None, bool]]:
        """Names of files, and whether one may be the object's without a build id that tells so."""
        if not target_path and self.executable:
            yield self.executable, True
        names = [name for name in dict.fromkeys([target_path, noted]) if os.path.isabs(name)]
        if self._sysroot:
            yield from ((inside_root(self._sysroot, name), True) for name in names)
        if self._pid:
            for name in names:
                inside = inside_root(f"/proc/{self._pid}/root", name)
                # The name that the user knows, where it leads to the same file from here.
                yield (name if is_same(inside, name) else inside), True
            if target_path and not os.path.isabs(target_path):
                yield os.path.join(f"/proc/{self._pid}/cwd", target_path), True
        yield from ((name, self._is_usual(name)) for name in names)
        yield from ((place, False) for place in by_build_id(DEBUG_DIRECTORIES, build_id))

    def _is_usual(self, name: str) -> bool:
        """Whether it lies beside the executable, or where this machine's libraries are and the program's may be."""
        place = os.path.normpath(name)
        beside = os.path.dirname(os.path.abspath(self.executable)) if self.executable else None
        return os.path.dirname(place) == beside or (not self._sysroot and place.startswith(USUAL_PLACES))
