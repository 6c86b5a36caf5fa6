"""Globals of which a language's runtime keeps a copy for each thread, in memory of its own: no thread shares them.

Clang's OpenMP makes a cache `NAME.cache.` for each thread-private variable where it does not use thread-local storage
(clang's CGOpenMPRuntime.cpp, getOrCreateThreadPrivateCache).  Free Pascal lists each unit's threadvars in
THREADVARLIST_UNIT, as addresses and sizes, packed, up to an address of zero (its rtl/inc/threadvr.inc, ltvInitEntry).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gdb_tls.elf.file import ElfFile
from gdb_tls.target.facts import OtherName

CACHE = "{}.cache."
LISTS, PASCAL = "THREADVARLIST_", "_$$_"
MOST_LISTED = 10_000
OF_OPENMP = OtherName(
    "thread-private by OpenMP's runtime",
    "The runtime keeps the other threads' copies in memory of its own, which is not read here; what debuggers show "
    "under that name is the first thread's.",
    is_thread_local=True,
)
OF_PASCAL = OtherName(
    "a threadvar of Free Pascal",
    "Its runtime keeps each thread's own in one block, which tls-keys shows; what debuggers show under that name is "
    "what the program had before it had threads.",
    is_thread_local=True,
)


def kept_by_runtime(name: str, files: Iterable[ElfFile]) -> OtherName | None:
    """What a name is of which a runtime keeps copies; None for others."""
    for file in files:
        if file.symbols([CACHE.format(name)]):
            return OF_OPENMP
        if file.mentions(LISTS.encode()) and _is_threadvar(name, file):
            return OF_PASCAL
    return None


def _is_threadvar(name: str, file: ElfFile) -> bool:
    ending = f"{PASCAL}{name.upper()}"
    places = {one.value for one in file.every_with_prefix("U_") if one.name.endswith(ending)}
    return bool(places) and any(
        not places.isdisjoint(_listed(file, one.value)) for one in file.every_with_prefix(LISTS)
    )


def _listed(file: ElfFile, at: int) -> Iterator[int]:
    """The addresses in one unit's list; none where the file has only what is put there when it is loaded."""
    size = file.pointer_size
    for number in range(MOST_LISTED):
        raw = file.at_address(at + number * (size + 4), size)
        if not raw or not any(raw):
            break
        yield int.from_bytes(raw, "little" if file.byte_order == "little" else "big")
