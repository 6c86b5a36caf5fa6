"""Whether a library that is not loaded yet, with all that it needs, would get its part of static TLS."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.needed import needed_by
from gdb_tls.elf.relocations import relocations
from gdb_tls.errors import BadArgument
from gdb_tls.libc.static_tls import StaticTls
from gdb_tls.program.interposed import TYPES
from gdb_tls.program.program import Program
from gdb_tls.program.static_tls import static_budget
from gdb_tls.tuples import NamedTuple

MOST_FILES = 1000
# musl ldso/dynlink.c, load_library: these names mean musl itself.
OF_MUSL = tuple(f"lib{name}." for name in ("c", "pthread", "rt", "m", "dl", "util", "xnet"))


class Asking(NamedTuple):
    """A file that would be loaded.

    Attributes:
        name: what it is called.
        file: it.
        needs_static: whether some code needs its block to be static.
    """

    name: str
    file: ElfFile
    needs_static: bool

    @property
    def size(self) -> int:
        """Of its block, in bytes; 0 for none."""
        return self.file.tls_segment.size if self.file.tls_segment else 0


class Room(NamedTuple):
    """Whether a file's thread-local storage would still fit.

    Attributes:
        path: the file.
        size: of its block; 0 for none.
        needs_static: whether its code needs it to be static.
        fits: whether it would be loaded, as far as static TLS is concerned; None where that is not known.
        why: a sentence without its full stop.
        asked: how many bytes of static TLS it needs with all that would be loaded with it.
    """

    path: str
    size: int
    needs_static: bool
    fits: bool | None
    why: str
    asked: int = 0


def room_for(program: Program, path: str) -> Room:
    """Whether a file could still be loaded.

    Raises:
        BadArgument: where it is no file that this program could load.
    """
    try:
        file = open_elf(os.path.expanduser(path))
    except NotElf as error:
        raise BadArgument(f"{path} cannot be loaded: {error}", "Give a shared library's file.") from error
    own = program.target.architecture
    if (file.pointer_size, file.byte_order) != (own.pointer_size, own.byte_order):
        raise BadArgument(f"{path} is of another architecture than the program ({own.name})", "")
    files, missing = _with_dependencies(program, file)
    asking = _asking(program, files)
    first = asking[0]
    static = [one for one in asking if one.needs_static]
    room = Room(path, first.size, first.needs_static, True, "", sum(one.size for one in static))
    if not static:
        if missing:
            return room._replace(fits=None, why=_unknown(first, missing))
        if not first.size:
            return room._replace(why=f"{first.name} has no thread-local storage")
        return room._replace(why=f"{first.name} needs no static TLS: each thread gets its block when it uses it")
    if program.libc.name == "musl":
        # ldso/dynlink.c: "initial-exec TLS resolves to dynamic definition".
        code = f"{static[0].name} has initial-exec code"
        which = "" if static[0] is first else f"{first.name} needs {static[0].name}, and "
        why = f"{which}{code}, and musl gives no library static TLS after the program has started"
        return room._replace(fits=False, why=why)
    budget = static_budget(program)
    if budget is None:
        return room._replace(fits=None, why=f"What static TLS {program.libc.name} has is not known")
    return _fitted(room, budget.total, static, first, missing)


def _fitted(room: Room, total: StaticTls, static: Sequence[Asking], first: Asking, missing: Sequence[str]) -> Room:
    """Gives each file its part, as glibc does: those first that others need."""
    alone = len(static) == 1
    largest = max((one.file.tls_segment.alignment if one.file.tls_segment else 1) for one in static)
    who = static[0].name if alone else f"{first.name} with what it needs ({_listed(static)})"
    if alone and static[0] is not first:
        who = f"{first.name} needs {static[0].name}, which"
    asks = f"{who} needs {room.asked:,} bytes of static TLS, aligned to {largest:,}"
    if total.left is None or total.alignment is None:
        return room._replace(fits=None, why=f"{asks}, and what is left is not known: {total.problem}")
    if largest > total.alignment:
        why = f"{asks}: it does not fit, as the threads' blocks are aligned to {total.alignment:,} only"
        return room._replace(fits=False, why=why)
    left: StaticTls | None = total
    for one in reversed(static):
        if one.file.tls_segment is not None and left is not None:
            left = left.with_one_more(one.file.tls_segment)
    if left is not None and missing:
        return room._replace(fits=None, why=f"{_unknown(first, missing)}; {asks}, and {total.left:,} are left")
    why = f"{asks}: it {'fits' if left else 'does not fit'}, as {total.left:,} are left"
    return room._replace(fits=left is not None, why=why)


def _listed(static: Sequence[Asking]) -> str:
    return ", ".join(f"{one.name} {one.size:,}" for one in static)


def _unknown(first: Asking, missing: Sequence[str]) -> str:
    names = ", ".join(missing)
    return f"{first.name} needs {names}, which {'is' if len(missing) == 1 else 'are'} neither loaded nor found"


def _with_dependencies(program: Program, file: ElfFile) -> tuple[list[ElfFile], list[str]]:
    """The files that would be loaded with one, the nearest first, and the names of those that were not found.

    Where they are looked for: ld.so(8), without LD_LIBRARY_PATH and the cache, but where the program's own files are.
    """
    there = {one.name for one in program.objects.all} | {os.path.basename(file.path)}
    there |= {one.target_path for one in program.objects.all}
    for loaded in program.objects.all:
        with suppress(NotElf):
            own = needed_by(loaded.file) if loaded.file else None
            there |= {own.name} if own and own.name else set()
    folders = list(dict.fromkeys(os.path.dirname(one.path) for one in program.objects.all if one.path))
    found, missing = [file], []
    for one in found:
        needed = needed_by(one)
        for name in needed.names:
            is_musl = program.libc.name == "musl" and name.startswith(OF_MUSL)
            if name in there or is_musl or len(found) >= MOST_FILES:
                continue
            there.add(name)
            other = _opened(name, [*needed.folders(one.path), *folders], file)
            if other is None:
                missing.append(name)
            else:
                found.append(other)
    return found, missing


def _opened(name: str, folders: Sequence[str], like: ElfFile) -> ElfFile | None:
    for path in [name] if "/" in name else [os.path.join(folder, name) for folder in folders]:
        if os.path.exists(path):
            try:
                file = open_elf(path)
            except NotElf:
                continue
            if (file.machine, file.pointer_size) == (like.machine, like.pointer_size):
                return file
    return None


def _asking(program: Program, files: Sequence[ElfFile]) -> list[Asking]:
    """Which of the files need static TLS: for their own initial-exec code, or that of another one of them."""
    kinds = TYPES.get(program.target.architecture.name)
    wanted = frozenset((kinds.distance,)) if kinds else frozenset()
    rows = [list(relocations(one, wanted)) for one in files]
    # What is defined elsewhere asks for that one's storage.
    outside = {row.symbol.name for own in rows for row in own if row.symbol and not row.symbol.defined}
    found = []
    for file, own in zip(files, rows):
        needs = any(row.symbol is None or row.symbol.defined for row in own)
        needs = needs or any(one.name in outside and one.exported for one in file.tls_symbols())
        found.append(Asking(os.path.basename(file.path), file, needs and file.tls_segment is not None))
    return found
