"""Whether a file is the program's own, where no build id tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.elfwriter import Elf, Tls
from unit.process import Loaded, Process

from gdb_tls.objects.loaded import LoadedObject, LoadedObjects


def last(process: Process) -> LoadedObject:
    return LoadedObjects(process.target).all[-1]


def library(process: Process, **settings: object) -> Loaded:
    return process.load("libx.so", Elf(tls=Tls(b"abc", 0x20, 16), **settings))  # type: ignore[arg-type]


def test_the_same_file_with_other_symbols(process: Process) -> None:
    """A file that was stripped, or that is not: only what is not loaded differs."""
    loaded = library(process)
    loaded.elf.debug_info = True
    loaded.elf.symtab = []
    loaded.elf.write(Path(loaded.path))
    assert last(process).path == loaded.path


def test_other_program_headers(process: Process) -> None:
    loaded = library(process)
    loaded.elf.tls = Tls(b"abc", 0x28, 16)
    loaded.elf.write(Path(loaded.path))
    found = last(process)
    assert found.path is None and "another build" in found.problem and "program headers" in found.problem


def test_other_first_page(process: Process) -> None:
    loaded = library(process)
    loaded.elf.tls = Tls(b"abd", 0x20, 16)  # the initial image lies there
    loaded.elf.write(Path(loaded.path))
    found = last(process)
    assert found.path is None and "another build" in found.problem and "first page" in found.problem


def test_a_build_id_that_the_program_does_not_have(process: Process) -> None:
    loaded = library(process)
    loaded.elf.build_id = b"\x02\x02"
    loaded.elf.write(Path(loaded.path))
    assert "another build (build id 0202)" in last(process).problem


@pytest.mark.parametrize(("is_mapped", "is_used"), [(True, True), (False, False)])
def test_the_kernel_knows_the_file(is_mapped: bool, is_used: bool, process: Process) -> None:
    """Another file of the same contents is not known to be the same build; the mapped one needs no proof."""
    loaded = library(process)
    process.target.mapped = {loaded.path: is_mapped}
    assert (last(process).path == loaded.path) == is_used


def test_another_file_with_the_same_build_id(process: Process) -> None:
    loaded = library(process, build_id=b"\x01\x01")
    process.target.mapped = {loaded.path: False}
    assert last(process).path == loaded.path


def test_debug_file_only(process: Process) -> None:
    """Its symbols are good where the build id agrees, and nothing else is read from it."""
    loaded = library(process, build_id=b"\x01\x01", nobits=[".text"])
    loaded.elf.sections = {".text": b"code"}
    loaded.elf.write(Path(loaded.path))
    found = last(process)
    assert found.file is not None and found.file.is_debug_only
    assert found.file.at_address(0x400, 3) is None and found.file.tls_segment is not None
    process.memory.leave_out(loaded.base)
    assert "debug information only" in last(process).problem
