"""Where the list of loaded objects begins, when AT_PHDR does not lead there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unit.elfwriter import Symbol
from unit.process import AT_PHDR, Process

from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.target.facts import Region


def names(process: Process) -> Sequence[str]:
    return [one.name for one in LoadedObjects(process.target).all]


def region(process: Process, base: int, file: str) -> Region:
    return Region(base, base + 0x1000, False, False, file)


WHOLE = ["app", "libc.so.6", "ld-linux-x86-64.so.2"]


def test_the_images_in_memory_lead_to_it(process: Process) -> None:
    """A core without NT_AUXV and NT_FILE: the image whose DT_DEBUG is good is the executable."""
    process.target.vector = {}
    process.target.mappings = [region(process, one.base, "") for one in process.objects]
    assert names(process) == WHOLE


def test_the_loader_was_started(process: Process) -> None:
    """`ld.so ./app`: AT_PHDR is the loader's, which has no DT_DEBUG."""
    loader = process.loader
    process.target.vector = {AT_PHDR: loader.base + loader.elf.headers_at, 5: loader.elf.header_count}
    process.target.mappings = [region(process, one.base, "") for one in process.objects]
    found = LoadedObjects(process.target)
    assert [one.name for one in found.all] == WHOLE
    assert found.interpreter == process.executable.elf.interpreter


def test_the_debuggers_answer_comes_last(process: Process) -> None:
    process.target.vector = {}
    process.target.expressions = {"&_r_debug": process.r_debug}
    assert names(process) == WHOLE


def test_garbage_is_no_beginning(process: Process) -> None:
    """A version that never was, a link map that cannot be read, one that has others before it."""
    debug = process.r_debug
    version, first = process.memory.word(debug), process.memory.word(debug + 8)
    for wrong in ([0, first], [99, first], [version, 0], [version, 0x666000], [version, process.objects[1].link_map]):
        process.memory.put(debug, wrong[0], wrong[1])
        assert not any(one.link_map for one in LoadedObjects(process.target).all), wrong
    process.memory.put(debug, version, first)
    assert names(process) == WHOLE


def test_symbol_of_the_loaders_file(process: Process) -> None:
    loader = process.loader
    process.target.vector = {}
    process.target.mappings = [region(process, loader.base, "/lib/ld-linux-x86-64.so.2")]
    process.memory.leave_out(loader.base)  # its first page is not in the core
    place = 0x8000
    process.memory.put(loader.base + place, 1, process.executable.link_map)
    loader.elf.dynsym = [*(loader.elf.dynsym or []), Symbol("_r_debug", place, kind=1)]
    loader.elf.write(Path(loader.path))
    assert names(process)[1:] == WHOLE[1:]
