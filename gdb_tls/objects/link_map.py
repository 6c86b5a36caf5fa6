"""Where the program's list of loaded objects begins: `struct r_debug` (glibc elf/link.h, musl include/link.h).

DT_DEBUG of the executable's dynamic section points to it.  Where the kernel started the loader itself
(`ld.so ./program`), or a core has no auxiliary vector, the executable has to be found first, or the loader's
own `_r_debug`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import ET_EXEC, ProgramHeader
from gdb_tls.errors import BadArgument
from gdb_tls.objects.images import Images
from gdb_tls.objects.words import Words
from gdb_tls.target.protocol import Target, UnreadableMemory

DT_DEBUG = 21
HIGHEST_VERSION = 16  # of struct r_debug: 1, and 2 since glibc 2.35
LOADERS = ("ld-", "ld.so", "ld64.so", "libc.musl-")


def first_link_map(target: Target, images: Images) -> int:
    """The address of the first `struct link_map`; 0 where none is found."""
    words = Words(target)
    for place in _places(target, images, words):
        try:
            version, first = words.read(place) & 0xFFFFFFFF, words.read(place + words.size)
            if 1 <= version <= HIGHEST_VERSION and first and not words.read_some(first, 5)[4]:  # l_prev
                return first
        except UnreadableMemory:
            continue
    return 0


def _places(target: Target, images: Images, words: Words) -> Iterator[int]:
    """Where `struct r_debug` may be, the surest first."""
    if images.started_base is not None:
        yield from _from_dynamic(images, images.started_base, images.started_headers)
    for file in _files(target, "", 0):
        # Not position-independent: the file itself has the address.
        if file.type == ET_EXEC:
            yield from _from_dynamic(images, 0, file.segments)
        elif images.started_base is None and (base := images.base_of(file.segments)) is not None:
            yield from _from_dynamic(images, base, file.segments)
    for base, headers in images.all():
        yield from _from_dynamic(images, base, headers)
    yield from _in_loader(target, words)
    for expression in ("&_r_debug", "_dl_debug_addr"):
        try:
            yield target.evaluate(expression)
        except BadArgument:
            continue


def _from_dynamic(images: Images, load_base: int, headers: list[ProgramHeader]) -> Iterator[int]:
    for tag, value in images.dynamic_entries(load_base, headers):
        if tag == DT_DEBUG and value:
            yield value


def _in_loader(target: Target, words: Words) -> Iterator[int]:
    """`_r_debug` of the loader's file at the beginning of the loader's first mapping; musl has a pointer to it."""
    starts: dict[str, int] = {}
    for region in sorted(target.regions()):
        if os.path.basename(region.file).startswith(LOADERS):
            starts.setdefault(region.file, region.start)
    for name, start in starts.items():
        for file in _files(target, name, start):
            symbols = file.symbols(["_r_debug", "_dl_debug_addr"])
            if "_r_debug" in symbols:
                yield start + symbols["_r_debug"].value
            elif "_dl_debug_addr" in symbols:
                try:
                    yield words.read(start + symbols["_dl_debug_addr"].value)
                except UnreadableMemory:
                    continue


def _files(target: Target, target_path: str, address: int) -> Iterator[ElfFile]:
    for found in target.files_for(target_path, address):
        try:
            file = open_elf(found.path)
            if file.segments:
                yield file
        except NotElf:
            continue
