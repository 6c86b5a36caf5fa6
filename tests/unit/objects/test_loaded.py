"""The link map, and the files that belong to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.elfwriter import ET_EXEC, NOTE_AT, Elf, Symbol, Tls
from unit.fake import FakeTarget, architecture
from unit.process import AT_PHDR, MACHINE, Process

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.protocol import UnreadableMemory


@pytest.mark.parametrize("machine", MACHINE)
def test_link_map(tmp_path: Path, machine: str) -> None:
    process = Process(tmp_path, machine)
    process.load("libone.so", Elf(process.word * 8, process.order), "./libone.so")
    found = LoadedObjects(process.target).all
    assert [(one.link_map, one.load_base, one.target_path, one.path) for one in found] == [
        (known.link_map, known.base, path, known.path)
        for known, path in zip(process.objects, ("", "/lib/libc.so.6", "/lib/ld-linux-x86-64.so.2", "./libone.so"))
    ]
    assert [one.name for one in found] == ["app", "libc.so.6", "ld-linux-x86-64.so.2", "libone.so"]
    assert found[0].build_id == "aa" * 20
    assert found[1].file is not None and found[1].file.symbols(["_thread_db_sizeof_pthread"])


def test_executable_at_its_own_address(tmp_path: Path) -> None:
    """Not position-independent and without PT_PHDR: the base comes from the segment with the headers."""
    elf = Elf(type=ET_EXEC, base=0x400000, own_header=False, build_id=b"\x07")
    target = FakeTarget(architecture("x86-64"))
    target.executable = elf.write(tmp_path / "app")
    target.vector = {AT_PHDR: 0x400040, 5: elf.header_count}
    target.memory.map(0x400000, 0x2000)
    target.memory.write(0x400000, elf.image())
    (only,) = LoadedObjects(target).all
    assert (only.load_base, only.path, only.build_id, only.link_map) == (0, target.executable, "07", 0)


def test_without_auxiliary_vector(process: Process) -> None:
    process.target.vector = {}
    (only,) = LoadedObjects(process.target).all
    assert only.path == process.target.executable


def test_program_headers_that_a_core_left_out(process: Process) -> None:
    """Cores often lack the first page of a file: then its headers come from the file."""
    process.memory.leave_out(process.executable.base)
    found = LoadedObjects(process.target).all
    # DT_DEBUG is on the same page here, so the list itself is lost.
    assert [one.path for one in found] == [process.target.executable]
    assert found[0].load_base == process.executable.base
    assert LoadedObjects(process.target).list_is_lost


def test_cycle_ends(process: Process) -> None:
    last = process.objects[-1].link_map
    process.memory.put(last + 3 * process.word, process.objects[1].link_map)
    assert [one.link_map for one in LoadedObjects(process.target).all] == [one.link_map for one in process.objects]


@pytest.mark.parametrize("garbage", [0x10, 0x7777777777777777, 0xFFFFFFFFFFFFFFFF])
def test_garbage_link_keeps_what_came_before(process: Process, garbage: int) -> None:
    last = process.objects[-1].link_map
    process.memory.put(last + 3 * process.word, garbage)
    found = LoadedObjects(process.target).all
    assert [one.link_map for one in found] == [one.link_map for one in process.objects]


def test_missing_file(process: Process) -> None:
    process.load("libgone.so", Elf(build_id=b"\xbe\xef"))
    del process.target.known_files["/lib/libgone.so"]
    gone = LoadedObjects(process.target).all[-1]
    assert gone.path is None
    assert gone.file is None
    assert gone.build_id == "beef"
    assert gone.problem == "the file /lib/libgone.so (build id beef) is not on this machine"


def test_file_of_another_build(process: Process) -> None:
    loaded = process.load("libx.so", Elf(build_id=b"\x01\x01"))
    Elf(build_id=b"\x02\x02").write(Path(loaded.path))
    other = LoadedObjects(process.target).all[-1]
    assert other.path is None
    assert other.build_id == "0101"
    assert "(build id 0202)" in other.problem and "(build id 0101)" in other.problem


def test_build_id_that_a_core_left_out_is_the_files(process: Process) -> None:
    loaded = process.load("libx.so", Elf(build_id=b"\x01\x01"))
    process.memory.leave_out(loaded.base + NOTE_AT)
    found = LoadedObjects(process.target).all[-1]
    assert (found.path, found.build_id, found.problem) == (loaded.path, "0101", "")


def test_file_that_is_no_elf(process: Process) -> None:
    loaded = process.load("libx.so", Elf())
    Path(loaded.path).write_bytes(b"<html>not found</html>")
    found = LoadedObjects(process.target).all[-1]
    assert found.path is None
    assert "is not a whole ELF file" in found.problem


def test_kernels_own_object_is_not_missed(process: Process) -> None:
    process.load("vdso", Elf(), "linux-vdso.so.1")
    del process.target.known_files["linux-vdso.so.1"]
    vdso = LoadedObjects(process.target).all[-1]
    assert (vdso.path, vdso.problem) == (None, "")


def test_tls_segment_from_memory(process: Process) -> None:
    loaded = process.load("libx.so", Elf(tls=Tls(b"abc", 0x20, 16)))
    objects = LoadedObjects(process.target)
    assert objects.tls_segment_at(loaded.base) == TlsSegment(0x400, 3, 0x20, 16)
    assert objects.tls_segment_at(process.loader.base) is None
    assert objects.tls_segment_at(0x1234) is None


def test_symbol_address(process: Process) -> None:
    symbol = Symbol("here", 0x1500, kind=1)
    one = process.load("libone.so", Elf(dynsym=[symbol]))
    two = process.load("libtwo.so", Elf(dynsym=[symbol]))
    objects = LoadedObjects(process.target)
    found = objects.symbol_address("missing", "here")
    assert found is not None and found[2] == one.base + 0x1500
    found = objects.symbol_address("here", likely="libtwo")
    assert found is not None and found[2] == two.base + 0x1500
    assert objects.symbol_address("nowhere") is None


class TestWords:
    @pytest.mark.parametrize("machine", MACHINE)
    def test_words(self, machine: str) -> None:
        target = FakeTarget(architecture(machine))
        target.memory.map(0x1000, 0x1000)
        target.memory.put(0x1008, 0x12345678, 0x9ABCDEF0)
        words = Words(target)
        assert words.read(0x1008) == 0x12345678
        assert words.read_some(0x1008, 2) == (0x12345678, 0x9ABCDEF0)

    def test_string_at_the_end_of_a_page(self) -> None:
        target = FakeTarget(architecture("x86-64"))
        target.memory.map(0x1000, 0x1000)
        target.memory.write(0x1FFC, b"end\0")
        assert Words(target).string(0x1FFC) == "end"

    def test_strings_keep_their_bytes(self) -> None:
        target = FakeTarget(architecture("x86-64"))
        target.memory.map(0x1000, 0x1000)
        target.memory.write(0x1010, b"/tmp/\xff\xe9.so\0")
        assert Words(target).string(0x1010).encode("utf-8", "surrogateescape") == b"/tmp/\xff\xe9.so"

    @pytest.mark.parametrize("size", [0x1000, 0x4000])
    def test_string_without_an_end(self, size: int) -> None:
        target = FakeTarget(architecture("x86-64"))
        target.memory.map(0x1000, size)
        target.memory.write(0x1000, b"x" * size)
        with pytest.raises(UnreadableMemory):
            Words(target).string(0x1000)


def test_size_of_the_dynamic_section_is_not_believed(process: Process) -> None:
    """Program headers with garbage must not make anybody read terabytes."""
    elf = process.executable.elf
    headers = process.executable.base + 64
    for index in range(elf.header_count):
        header = headers + 56 * index
        if process.memory.read(header, 4) == b"\2\0\0\0":
            process.memory.put(header + 32, 1 << 44, 1 << 44)
    LoadedObjects(process.target).all  # noqa: B018 - FakeMemory.read refuses such sizes
