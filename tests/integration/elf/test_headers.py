"""Our reading of ELF files against pyelftools, on real files of every width and byte order."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from integration.harness import build_programs

from gdb_tls.elf.file import open_elf

# scripts/test installs them: little and big endian, 32 and 64 bits.
CROSS = ("aarch64-linux-gnu", "arm-linux-gnueabihf", "i686-linux-gnu", "powerpc64le-linux-gnu", "s390x-linux-gnu")


def files(folder: str) -> list[Path]:
    if folder == "programs":
        return [path for path in build_programs().rglob("*") if path.is_file() and is_elf(path)]
    return sorted({path.resolve() for path in Path("/usr", folder, "lib").glob("lib[cdmp]*.so*") if is_elf(path)})


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


@pytest.mark.parametrize("folder", ["programs", *CROSS])
def test_as_pyelftools(folder: str) -> None:
    found = files(folder)
    assert len(found) > 2
    for path in found:
        ours = open_elf(str(path))
        with path.open("rb") as stream:
            theirs = ELFFile(stream)
            assert ours.pointer_size == theirs.elfclass // 8
            assert (ours.byte_order == "little") == theirs.little_endian
            assert ours.is_relocatable == (theirs["e_type"] == "ET_DYN")
            assert [
                (one.offset, one.address, one.file_size, one.size, one.alignment, one.flags) for one in ours.segments
            ] == [
                tuple(one[key] for key in ("p_offset", "p_vaddr", "p_filesz", "p_memsz", "p_align", "p_flags"))
                for one in theirs.iter_segments()
            ]
            tables = [theirs.get_section_by_name(name) for name in (".symtab", ".dynsym")]
            symbols = {
                (symbol.name, symbol["st_value"], symbol["st_size"])
                for table in tables
                if table and table["sh_type"] != "SHT_NOBITS"
                for symbol in table.iter_symbols()
                if symbol["st_info"]["type"] == "STT_TLS"
                and symbol["st_shndx"] != "SHN_UNDEF"
                and not symbol.name.startswith("$")  # AArch64's mapping symbols are no variables
            }
            if theirs.get_section_by_name(".gnu_debugdata") is None:
                assert {(one.name, one.value, one.size) for one in ours.tls_symbols()} == symbols, path
            assert ours.has_debug_info == theirs.has_dwarf_info(strict=True), path
