"""What files need, and what they are called, against what readelf says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from integration.anywhere import run

from gdb_tls.elf.file import open_elf
from gdb_tls.elf.needed import needed_by


def told(file: Path, tag: str) -> list[str]:
    output = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
    return re.findall(rf"\({tag}\)[^\[]*\[(.*)\]", output)


def check(file: Path) -> None:
    found = needed_by(open_elf(str(file)))
    assert list(found.names) == told(file, "NEEDED")
    assert [found.name] * bool(found.name) == told(file, "SONAME")
    search = told(file, "RUNPATH") or told(file, "RPATH")
    assert list(found.search) == [one for text in search for one in text.split(":")]


def test_files_of_the_system() -> None:
    files = [Path("/bin/sh").resolve(), *sorted(Path("/usr/lib/x86_64-linux-gnu").glob("lib[a-d]*.so.?"))[:40]]
    assert len(files) > 10
    for file in files:
        check(file)


@pytest.mark.parametrize("tags", ["--enable-new-dtags", "--disable-new-dtags"])
def test_where_they_are_looked_for(tags: str, tmp_path: Path) -> None:
    needed, library = tmp_path / "libneeded.so", tmp_path / "lib.so"
    for output, *others in ((needed,), (library, needed)):
        own = f"-Wl,--no-as-needed,{tags},-soname,{output.name},-rpath,$ORIGIN/sub:/opt/elsewhere"
        run(["gcc", "-shared", "-fPIC", "-x", "c", "/dev/null", "-x", "none", own, *others, "-o", output])
    check(library)
    assert "libneeded.so" in told(library, "NEEDED")
    assert needed_by(open_elf(str(library))).folders(str(library)) == [f"{tmp_path}/sub", "/opt/elsewhere"]


def test_a_static_program_needs_nothing(tmp_path: Path) -> None:
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text("int main(void) { return 0; }\n")
    run(["gcc", "-static", source, "-o", program])
    assert needed_by(open_elf(str(program))) == ("", [], [])
