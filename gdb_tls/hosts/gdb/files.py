"""Where the files of the loaded objects are: on this machine, in the process's own file system, or behind gdbserver.

A process may have another root than the debugger (a container), or its file may have been replaced since it was
loaded; the kernel still has the file itself (proc(5): map_files, exe).  A name that GDB begins with `target:` is one
of the process's file system: this machine's file of that name is another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import gdb

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.hosts.native.roots import DELETED, by_build_id, inside_root, is_same, mapped_file
from gdb_tls.target.facts import FoundFile, Region
from gdb_tls.target.regions import region_at

TARGET = "target:"

_fetched: dict[tuple[int, str, str], str | None] = {}


class Files:
    """Looks for the files of one inferior.

    Args:
        kind: "live", "core" or "remote".
        pid: the process id.
        executable: GDB's name of it, perhaps with `target:`; None for none.
        regions: gives the memory map, with the names of the files.
    """

    def __init__(
        self, kind: str, pid: int | None, executable: str | None, regions: Callable[[], Sequence[Region]]
    ) -> None:
        """Looks for nothing yet."""
        self._kind = kind
        self._pid = pid if kind == "live" else None
        self._executable = executable
        self._regions = regions

    def find(self, target_path: str, address: int, build_id: str | None) -> Iterator[FoundFile]:
        """See `Target.files_for`."""
        named = (gdb.solib_name(address) if address else None) if target_path else self._executable
        region = region_at(address, self._regions()) if address else None
        mapped = mapped_file(self._pid, region, is_executable=not target_path)
        noted = region.file.removesuffix(DELETED) if region and region.file.startswith("/") else ""
        remote = self._remote_names(named, target_path, noted)
        seen: set[str] = set()
        for place, may_be in self._places(named, target_path, noted, build_id, bool(remote)):
            if place and place not in seen and os.path.isfile(place):
                seen.add(place)
                same = is_same(place, mapped) if mapped else None
                yield FoundFile(place, False if same is None and not may_be else same)
        if mapped:
            yield FoundFile(mapped, True, noted)
        for name in remote:
            fetched = fetch(name)
            if fetched:
                # GDB read it through the connection, by the name under which the process has it.
                yield FoundFile(fetched, None, noted)

    def _places(
        self, named: str | None, target_path: str, noted: str, build_id: str | None, is_elsewhere: bool
    ) -> Iterator[tuple[str | None, bool]]:
        """Names of files, and whether one may be the object's without a build id that tells so."""
        here = not is_elsewhere
        if named and not named.startswith(TARGET):
            yield named, True
        own = target_path or (named or "").removeprefix(TARGET)
        sysroot = gdb.parameter("sysroot") or ""
        names = [name for name in dict.fromkeys([own, noted]) if os.path.isabs(name)]
        if self._pid:
            for name in names:
                inside = inside_root(f"/proc/{self._pid}/root", name)
                # The name that the user knows, where it leads to the same file from here.
                yield (name if is_same(inside, name) else inside), True
        if sysroot and not sysroot.startswith(TARGET):
            yield from ((inside_root(sysroot, name), True) for name in names)
        for directory in (gdb.parameter("solib-search-path") or "").split(os.pathsep):
            if directory and (target_path or noted):
                yield os.path.join(directory, os.path.basename(target_path or noted)), True
        if own and not os.path.isabs(own) and self._pid:
            yield os.path.join(f"/proc/{self._pid}/cwd", own), True
        # This machine's own files: another machine's are to agree in their build ids.
        complete = here and (not sysroot or sysroot.startswith(TARGET))
        yield from ((name, complete) for name in names)
        directories = (gdb.parameter("debug-file-directory") or "").split(os.pathsep)
        yield from ((place, False) for place in by_build_id(directories, build_id))

    def _remote_names(self, named: str | None, target_path: str, noted: str) -> list[str]:
        """The names of the object in a file system that only GDB can read."""
        if self._kind != "remote" or (named and not named.startswith(TARGET)):
            return []
        if not named and not (gdb.parameter("sysroot") or "").startswith(TARGET):
            return []
        names = [(named or "").removeprefix(TARGET), target_path, noted]
        return [TARGET + name for name in dict.fromkeys(names) if os.path.isabs(name)]


def fetch(name: str) -> str | None:
    """Has GDB read a file of a remote process (`target:/...`), once for each connection; None where it cannot.

    GDB's own `remote get` does it: gdbserver reads the file in the process's mount namespace.
    """
    inferior = gdb.selected_inferior()
    connection = getattr(inferior, "connection_num", None) or 0
    key = (connection, f"{inferior.pid}", name)
    if key not in _fetched:
        _fetched[key] = None
        path = name.removeprefix(TARGET)
        local = _folder() + path
        with suppress(OSError, gdb.error, NotElf):
            os.makedirs(os.path.dirname(local), exist_ok=True)
            gdb.execute(f"remote get {_quoted(path)} {_quoted(local)}", to_string=True)
            open_elf(local)
            _fetched[key] = local
    return _fetched[key]


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folder() -> str:
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="gdb-tls-files-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def is_own(objfile_name: str, object_path: str) -> bool:
    """Whether GDB's object is of the file from which we read, which may have another name here."""
    if objfile_name.startswith(TARGET):
        path = objfile_name.removeprefix(TARGET)
        return object_path.endswith(path) or os.path.realpath(object_path).removesuffix(DELETED) == path
    try:
        # A name below /proc/PID may lead to another root, where the same name is another file.
        return os.path.samefile(objfile_name, object_path)
    except OSError:
        return os.path.realpath(objfile_name) == os.path.realpath(object_path)
