"""ELF files: headers, build ids, symbol tables, in every width and byte order."""

from __future__ import annotations

import lzma
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from unit.elfwriter import (
    DATA_AT,
    ET_EXEC,
    GLOBAL,
    HIDDEN,
    LOCAL,
    STT_FUNC,
    STT_OBJECT,
    TDATA_AT,
    WEAK,
    Elf,
    Symbol,
    Tls,
    build_id_note,
    file_row,
)

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import TlsSegment
from gdb_tls.elf.notes import find_build_id

FORMS = [(64, "<", 62), (32, "<", 3), (64, ">", 22), (32, ">", 8)]


def parsed(elf: Elf) -> ElfFile:
    return ElfFile("libx.so", BytesIO(elf.file()))


@pytest.mark.parametrize(("bits", "order", "machine"), FORMS)
def test_header(bits: int, order: str, machine: int) -> None:
    file = parsed(Elf(bits, order, machine))
    assert file.pointer_size == bits // 8
    assert file.byte_order == {"<": "little", ">": "big"}[order]
    assert file.is_relocatable
    assert file.tls_segment is None
    assert file.build_id is None
    assert file.tls_symbols() == []
    assert not parsed(Elf(bits, order, machine, type=ET_EXEC)).is_relocatable


@pytest.mark.parametrize(("bits", "order", "machine"), FORMS)
def test_segments(bits: int, order: str, machine: int) -> None:
    elf = Elf(bits, order, machine, base=0x400000, tls=Tls(b"tdata", 0x30, 32), build_id=bytes.fromhex("00ab" * 10))
    elf.data = {0x400000 + DATA_AT: b"hello"}
    file = parsed(elf)
    assert file.tls_segment == TlsSegment(0x400000 + TDATA_AT, 5, 0x30, 32)
    assert file.build_id == "00ab" * 10
    assert file.at_address(0x400000 + TDATA_AT, 5) == b"tdata"
    assert file.at_address(0x400000 + DATA_AT + 1, 4) == b"ello"
    assert file.at_address(0x400000 + DATA_AT + 1, 5) is None, "beyond what the file holds"
    assert file.at_address(0x3FFFFF, 4) is None


def test_alignment_of_zero_counts_as_one() -> None:
    """The gABI: 0 and 1 both mean no alignment."""
    segment = parsed(Elf(tls=Tls(b"", 4, alignment=0))).tls_segment
    assert segment is not None and segment.alignment == 1


@pytest.mark.parametrize(("bits", "order", "machine"), FORMS)
def test_tls_symbols(bits: int, order: str, machine: int) -> None:
    elf = Elf(bits, order, machine)
    elf.symtab = [
        file_row("first.cc"),
        Symbol("counter", 0x10, 4, binding=LOCAL),
        Symbol("function", 0x1000, 4, STT_FUNC, LOCAL),
        Symbol("other", 0x18, 4, binding=LOCAL),
        file_row("second.cc"),
        Symbol("counter", 0x14, 4, binding=LOCAL),
        Symbol("shown", 0x20, 8),
        Symbol("hidden", 0x28, 8, visibility=HIDDEN),
        Symbol("elsewhere", 0, 0, section=0),
    ]
    elf.dynsym = [
        Symbol("shown", 0x20, 8),
        Symbol("hidden", 0x28, 8, visibility=HIDDEN),
        Symbol("elsewhere", 0, 0, section=0),
        Symbol("only", 0x30, 8, binding=WEAK),
    ]
    found = {(s.name, s.value): s for s in parsed(elf).tls_symbols()}
    assert {key: (s.size, s.exported, s.is_local, s.file, s.source) for key, s in found.items()} == {
        ("counter", 0x10): (4, False, True, "first.cc", "symtab"),
        ("other", 0x18): (4, False, True, "first.cc", "symtab"),
        ("counter", 0x14): (4, False, True, "second.cc", "symtab"),
        ("shown", 0x20): (8, True, False, "", "symtab"),
        ("hidden", 0x28): (8, False, False, "", "symtab"),
        ("only", 0x30): (8, True, False, "", "dynsym"),
    }


@pytest.mark.parametrize(("bits", "order", "machine"), FORMS)
def test_symbols_by_name(bits: int, order: str, machine: int) -> None:
    elf = Elf(bits, order, machine)
    elf.dynsym = [
        Symbol("not_this_one", 1, 4, STT_OBJECT),
        Symbol("_thread_db_sizeof_pthread", 0x1000, 4, STT_OBJECT),
        Symbol("one", 0x1010, 4, STT_OBJECT),
        Symbol("undefined", 0, 0, STT_OBJECT, section=0),
    ]
    elf.symtab = [Symbol("one", 0x9999, 4, STT_OBJECT, LOCAL), Symbol("_thread_db_x", 0x1020, 12, STT_OBJECT, LOCAL)]
    file = parsed(elf)
    found = file.symbols(["one", "undefined", "missing", "_thread_db_x"])
    assert {name: (s.value, s.source) for name, s in found.items()} == {
        "one": (0x1010, "dynsym"),
        "_thread_db_x": (0x1020, "symtab"),
    }
    assert file.symbols_with_prefix("_thread_db_").keys() == {"_thread_db_sizeof_pthread", "_thread_db_x"}


def test_name_that_ends_like_another() -> None:
    """Linkers put `one` into the tail of `someone`: its string begins in the middle of the other."""
    elf = Elf(dynsym=[Symbol("someone", 0x1000, 4, STT_OBJECT)])
    content = bytearray(elf.file())
    assert parsed(elf).symbols(["one"]) == {}
    # A second row that names the tail.
    two = Elf(dynsym=[Symbol("someone", 0x1000, 4, STT_OBJECT), Symbol("one", 0x2000, 4, STT_OBJECT)])
    content = bytearray(two.file())
    row = content.index(b"\x09\0\0\0\x11\0\1\0")  # st_name of the second: behind "\0someone\0"
    content[row : row + 4] = (1 + len("some")).to_bytes(4, "little")
    file = ElfFile("libx.so", BytesIO(bytes(content)))
    assert file.symbols(["one"])["one"].value == 0x2000


def test_mini_debug_information() -> None:
    inner = Elf(symtab=[file_row("a.c"), Symbol("hidden_away", 0x40, 8, binding=LOCAL)])
    outer = Elf(dynsym=[Symbol("shown", 0x20)], debugdata=lzma.compress(inner.file()))
    assert {s.name: s.file for s in parsed(outer).tls_symbols()} == {"hidden_away": "a.c", "shown": ""}
    assert "hidden_away" in parsed(outer).symbols(["hidden_away"])
    with_symtab = replace(outer, symtab=[Symbol("own", 8)])
    assert {s.name for s in parsed(with_symtab).tls_symbols()} == {"own", "shown"}


@pytest.mark.parametrize("data", [b"", b"not xz at all", lzma.compress(b"not ELF")])
def test_damaged_mini_debug_information(data: bytes) -> None:
    assert [s.name for s in parsed(Elf(dynsym=[Symbol("shown", 1)], debugdata=data)).tls_symbols()] == ["shown"]


def test_sections_without_contents() -> None:
    """A separate debug file has headers of the sections that it left in the other file."""
    elf = Elf(dynsym=[Symbol("shown", 1)], symtab=[Symbol("full", 2)], nobits=(".dynsym", ".dynstr"))
    assert [s.name for s in parsed(elf).tls_symbols()] == ["full"]
    elf = Elf(symtab=[Symbol("full", 2)], nobits=(".strtab",))
    assert parsed(elf).tls_symbols() == []


def test_debug_link() -> None:
    assert parsed(Elf(debuglink="libx.so.debug")).debug_link == "libx.so.debug"
    assert parsed(Elf()).debug_link is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_build_id_notes(order: str) -> None:
    notes = build_id_note(b"\x01\x02\x03", order)
    assert find_build_id(notes, order) == "010203"
    assert find_build_id(notes[:-1], order) is None, "cut off"
    assert find_build_id(b"", order) is None
    assert find_build_id(b"\xff" * 64, order) is None


def test_files_are_opened_once_and_again_when_they_change(tmp_path: Path) -> None:
    path = Elf(build_id=b"\1").write(tmp_path / "libx.so")
    first = open_elf(path)
    assert open_elf(path) is first
    Elf(build_id=b"\2", dynsym=[]).write(tmp_path / "libx.so")
    os.utime(path, ns=(1, 1))
    assert open_elf(path).build_id == "02"


def test_not_elf(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").touch()
    (tmp_path / "cut").write_bytes(Elf().file()[:40])
    for name in ("text", "empty", "cut", "missing", "."):
        with pytest.raises(NotElf) as caught:
            open_elf(str(tmp_path / name))
        assert str(tmp_path / name) in str(caught.value)


def test_file_that_ends_inside_its_symbol_table() -> None:
    """A table behind the section headers, cut off in its last row: the whole rows still count."""
    content = Elf(symtab=[Symbol("whole", 1), Symbol("cut", 2)]).file()
    table = content.index(bytes(24), 0x1000)
    moved = content + content[table : table + 3 * 24 - 5]
    header = content.rindex(table.to_bytes(8, "little"))
    moved = moved[:header] + len(content).to_bytes(8, "little") + moved[header + 8 :]
    assert [s.name for s in ElfFile("x", BytesIO(moved)).tls_symbols()] == ["whole"]


def test_symbol_table_of_an_odd_size() -> None:
    content = Elf(symtab=[Symbol("whole", 1), Symbol("cut", 2)]).file()
    size = content.rindex((3 * 24).to_bytes(8, "little"))
    odd = content[:size] + (3 * 24 - 5).to_bytes(8, "little") + content[size + 8 :]
    assert [s.name for s in ElfFile("x", BytesIO(odd)).tls_symbols()] == ["whole"]


def test_global_symbols_have_no_file() -> None:
    elf = Elf(symtab=[file_row("last.c"), Symbol("mine", 1, binding=LOCAL), Symbol("everyones", 2, binding=GLOBAL)])
    assert [s.file for s in parsed(elf).tls_symbols()] == ["last.c", ""]
