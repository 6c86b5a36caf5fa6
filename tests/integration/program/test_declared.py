"""Names, types and lines as the source has them, wherever compilers and packagers have put the debug information."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.harness import PROGRAMS
from integration.hosts.direct.answers import gdb_tls

# The name that its author would type -> the column of the truth, and the line of the definition.
NAMES = {
    "'declared.c'::level": (0, "declared.c:9"),
    "visit::calls": (1, "declared.c:14"),
    "'declared_other.c'::level": (2, "declared_other.c:4"),
    "go::calls": (3, "declared_other.c:7"),
}
BUILDS = {
    "plain": ["gcc"],
    "split": ["gcc", "-gsplit-dwarf"],
    "split, DWARF 4": ["gcc", "-gsplit-dwarf", "-gdwarf-4"],
    "split by clang": ["clang", "-gsplit-dwarf"],
    "split by clang, DWARF 4": ["clang", "-gsplit-dwarf", "-gdwarf-4"],
    "clang": ["clang"],
    "compressed as GNU did": ["gcc", "-gz=zlib-gnu"],
    "compressed": ["gcc", "-gz=zlib"],
    "compressed with zstd": ["gcc"],
    "LTO": ["gcc", "-flto", "-O2"],
    "LTO in parts": ["gcc", "-flto", "-flto-partition=max", "-O2"],
    "LTO by clang": ["clang", "-flto", "-fuse-ld=lld", "-O2"],
    "dwz": ["gcc"],
}


def built(how: str, folder: Path) -> Path:
    program = folder / "declared"
    sources = [PROGRAMS / "declared.c", PROGRAMS / "declared_other.c"]
    for source in sources:
        shutil.copy(source, folder)
    names = [source.name for source in sources]
    subprocess.run([*BUILDS[how], "-g", "-pthread", *names, "-o", program], check=True, cwd=folder)
    if how == "compressed with zstd":  # older compilers and linkers cannot themselves
        subprocess.run(["objcopy", "--compress-debug-sections=zstd", program], check=True)
    if how == "dwz":
        shutil.copy(program, folder / "twin")
        subprocess.run(["dwz", "-m", "common.dwz", "declared", "twin"], check=True, cwd=folder)
    return program


def core_of(program: Path) -> tuple[Path, list[tuple[int, ...]]]:
    """The core of an abort, which GDB writes, and what each thread said: its id and its four values."""
    core, said = program.parent / "declared.core", program.parent / "said"
    command = [
        "gdb",
        "-nx",
        "--batch",
        "-ex",
        f"run > {said}",
        "-ex",
        f"generate-core-file {core}",
        "-ex",
        "kill",
        program,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=program.parent)
    truth = [tuple(map(int, line.split())) for line in re.findall(r"^truth ([\d ]+)$", said.read_text(), re.MULTILINE)]
    assert len(truth) == 4, done.stdout + done.stderr
    return core, truth


def asked(core: Path, words: Sequence[object], engine: str) -> Any:
    said = gdb_tls(["core", core, *words, "--engine", engine, "--format", "json"])
    assert said.status == 0, said.errors
    return said.document


@pytest.mark.parametrize("how", BUILDS)
def test_names_that_its_author_would_type(how: str, tmp_path: Path) -> None:
    core, truth = core_of(built(how, tmp_path))
    for engine in ("gdb", "direct"):
        symbols = asked(core, ["--command", "tls-symbols", "--module", "declared"], engine)
        lines = {(one["offset"], f"{one['file']}:{one['line']}") for one in symbols["variables"]}
        for name, (column, line) in NAMES.items():
            document = asked(core, [name], engine)
            variable = document["variable"]
            assert variable["type"] == "volatile long", (engine, name)
            assert (variable["offset"], line) in lines, (engine, name)
            found = {(row["lwp"], int(row["text"])) for row in document["threads"]}
            assert found == {(one[0], one[column + 1]) for one in truth}, (engine, name)


@pytest.mark.parametrize("how", ["plain", "LTO in parts", "split"])
@pytest.mark.parametrize("name", ["level", "calls"])
def test_what_to_type_is_what_its_author_would(how: str, name: str, tmp_path: Path) -> None:
    core, _ = core_of(built(how, tmp_path))
    wanted = sorted(one for one in NAMES if one.endswith(f"::{name}"))
    for engine in ("gdb", "direct"):
        said = gdb_tls(["core", core, name, "--engine", engine])
        listed = re.search(r"Type one of: (.*)\.", said.errors)
        assert listed, said.errors
        assert sorted(listed[1].split(", ")) == wanted
        assert said.status == 2


def test_another_builds_split_file_is_not_believed(tmp_path: Path) -> None:
    """A .dwo file that was made anew after the program has other types and lines, perhaps other names."""
    core, _ = core_of(built("split", tmp_path))
    for source in ("declared.c", "declared_other.c"):
        changed = (tmp_path / source).read_text().replace("volatile long level", "volatile int pushed, level")
        (tmp_path / source).write_text(changed)
        command = ["gcc", "-gsplit-dwarf", "-g", "-c", source, "-o", f"declared-{Path(source).stem}.o"]
        subprocess.run(command, check=True, cwd=tmp_path)
    document = asked(core, ["'declared.c'::level"], "direct")
    assert document["variable"]["type"] is None


def test_what_nothing_unpacks_is_said(tmp_path: Path) -> None:
    core, _ = core_of(built("compressed with zstd", tmp_path))
    without = "from gdb_tls.elf import compressed; compressed._zstd = lambda: None; "
    said = gdb_tls(["core", core, "'declared.c'::level", "--engine", "direct"], before=without)
    assert "the debug information of declared is compressed with zstd" in said.errors
    assert "libzstd" in said.errors and "objcopy --decompress-debug-sections" in said.errors
    fine = gdb_tls(["core", core, "'declared.c'::level", "--engine", "direct"])
    assert "zstd" not in fine.errors
