"""Files without section headers: their names and values are found through the dynamic section, as by the loader."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from integration.sessions import ask

from gdb_tls.elf.file import open_elf

LIBRARY = """
__thread int lib_counter = 70;
__thread char lib_text[8] = "text";
static __thread int hidden = 3;
int *lib_counter_at(void) { hidden++; return &lib_counter; }
"""
PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
int *lib_counter_at(void);
__thread int counter = 7;
static pthread_barrier_t both;
static void *work(void *argument) { counter = 100; *lib_counter_at() = 200; pthread_barrier_wait(&both); for (;;); }
int main(void) {
    pthread_t thread;
    pthread_barrier_init(&both, 0, 2);
    counter = 99, *lib_counter_at() = 199;
    pthread_create(&thread, 0, work, 0);
    pthread_barrier_wait(&both);
    abort();
}
"""


def without_sections(file: Path, output: Path) -> Path:
    """Cuts off the section headers and all behind the last segment, as sstrip does (64 bits, little-endian)."""
    data = bytearray(file.read_bytes())
    table, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    ends = [sum(struct.unpack_from("<8xQ16xQ", data, table + size * index)) for index in range(count)]
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<HHH", data, 58, 0, 0, 0)
    output.write_bytes(data[: max(ends)])
    output.chmod(0o755)
    return output


def build(source: str, output: Path, *flags: object) -> Path:
    subprocess.run(["gcc", "-x", "c", "-", "-o", output, *flags], input=source, text=True, check=True)
    return output


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_the_loaders_table(style: str, tmp_path: Path) -> None:
    whole = build(LIBRARY, tmp_path / "whole.so", "-shared", "-fPIC", f"-Wl,--hash-style={style}")
    cut = without_sections(whole, tmp_path / "cut.so")
    exported = {symbol for symbol in open_elf(whole).tls_symbols() if symbol.exported}
    found = open_elf(cut).tls_symbols()
    assert {(one.name, one.value, one.size) for one in found} == {(one.name, one.value, one.size) for one in exported}
    assert {one.name for one in found} == {"lib_counter", "lib_text"}
    assert open_elf(cut).symbols(["lib_counter_at"]).keys() == {"lib_counter_at"}


def test_a_table_that_is_cut_off_is_none(tmp_path: Path) -> None:
    whole = build(LIBRARY, tmp_path / "whole.so", "-shared", "-fPIC")
    cut = without_sections(whole, tmp_path / "cut.so")
    for size in (0x400, 0x1000, len(cut.read_bytes()) - 0x200):
        (tmp_path / "short.so").write_bytes(cut.read_bytes()[:size])
        assert open_elf(tmp_path / "short.so").tls_symbols() == []


def test_values(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    library = build(LIBRARY, tmp_path / "liblib.so", "-shared", "-fPIC")
    without_sections(library, folder / "liblib.so")
    flags = ("-rdynamic", "-pthread", f"-L{tmp_path}", "-llib", "-Wl,-rpath,$ORIGIN")
    program = without_sections(build(PROGRAM, tmp_path / "whole", *flags), folder / "program")
    subprocess.run(["bash", "-c", "ulimit -c unlimited; ./program"], cwd=folder, check=False)
    (core,) = folder.glob("core*")
    answers = ask([program, core], ["counter", "lib_counter"], tmp_path)
    for name, values in {"counter": [99, 100], "lib_counter": [199, 200]}.items():
        assert sorted(row["value"] for row in answers[name]["threads"]) == values
