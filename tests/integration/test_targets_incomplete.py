"""Cores without what they need: what the ABI alone fixes is answered, and the rest says what is missing."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from integration.anywhere import BY_NAME, NATIVE, Build
from integration.harness import (
    Inferior,
    Subject,
    command_of,
    core_subject,
    kernel_writes_cores,
    library_of,
    make_core,
    without_its_libraries,
)
from integration.hosts.direct.answers import Said, gdb_tls
from integration.sessions import ask
from integration.truth import Truth, mismatches

from gdb_tls.elf.file import open_elf
from gdb_tls.elf.headers import PT_NOTE
from gdb_tls.hosts.native.thread_notes import thread_notes

OWN = ("any_buffer", "any_count", "any_wide")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("incomplete") / "run"
    return core_subject("pie", BY_NAME["pie"].executable(), folder, (), by_kernel=None)


def test_without_the_c_library(core: Subject, tmp_path: Path) -> None:
    early = [f"set sysroot {tmp_path}", f"set solib-search-path {core.executable.parent}"]
    assert core.core is not None
    file = without_its_libraries(core.core, tmp_path, library_of(core.executable, "libc."))
    answers = ask([core.executable, "-c", file], [*OWN, "near_count", "far_buffer"], tmp_path / "answers", early=early)
    for query in OWN:
        assert mismatches(answers[query], core.truth.of(query), kind="core") == []
        assert answers[query]["target"]["libc"] == "unknown"
        assert answers[query]["variable"]["module"]["storage"] == "static"
    for query in ("near_count", "far_buffer"):
        assert answers[query]["variable"]["module"]["storage"] == "unknown"
        rows = answers[query]["threads"]
        assert {row["lwp"] for row in rows} == core.truth.living
        for row in rows:
            assert (row["state"], row["address"]) == ("unresolved", None)
            assert "libc.so" in row["reason"] and "another build" in row["reason"]
            assert "build id" in row["reason"] and "set sysroot" in row["reason"]


@pytest.mark.parametrize("build", NATIVE, ids=[build.name for build in NATIVE])
def test_registers_only(build: Build, tmp_path: Path) -> None:
    """coredump_filter 0: the addresses are known, and nothing is there."""
    if not kernel_writes_cores():
        pytest.skip("the kernel writes no cores here, and gcore leaves no pages out")
    folder = tmp_path / "run"
    folder.mkdir()
    executable = build.executable()
    shell = 'echo 0 > /proc/self/coredump_filter && exec "$@"'
    with Inferior(["sh", "-c", shell, "sh", *command_of(executable, folder, "abort")], folder) as inferior:
        inferior.wait_ready()
        file = make_core(inferior, by_kernel=True)
    truth = Truth(folder / "truth.jsonl")
    answers = ask([executable, "-c", file], OWN, tmp_path / "answers")
    # GDB gives no thread pointer from an i386 core.
    state = "unresolved" if build.name.startswith("i386") else "unreadable"
    for query in OWN:
        true = {line.lwp: line for line in truth.of(query)}
        assert {row["lwp"] for row in answers[query]["threads"]} == set(true)
        for row in answers[query]["threads"]:
            assert (row["state"], row["value"]) == (state, None), row
            assert row["reason"]
            if state == "unreadable":
                assert row["address"] == true[row["lwp"]].address


@pytest.mark.parametrize("name", ["pie", "static-pie", "musl"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.97])
def test_truncated(name: str, part: float, tmp_path: Path) -> None:
    """Whatever is said of a value is the truth."""
    build = BY_NAME[name]
    whole = core_subject(name, build.executable(), tmp_path / "run", (), by_kernel=None)
    assert whole.core is not None
    cut = tmp_path / "cut"
    cut.write_bytes(whole.core.read_bytes()[: int(whole.core.stat().st_size * part)])
    answers = ask([whole.executable, "-c", cut], build.queries, tmp_path / "answers")
    for query, document in answers.documents.items():
        true = {line.lwp: line for line in whole.truth.of(query)}
        assert {row["lwp"] for row in document["threads"]} == set(true)
        for row in document["threads"]:
            line = true[row["lwp"]]
            if row["state"] in ("set", "null"):
                assert (row["state"], row["address"], row["value"]) == (line.state, line.address, line.value)
            assert row["address"] in (None, line.address)
            assert row["state"] != "unallocated" or line.state == "unallocated"
    # The executable's own variables need only their registers, which are at the core's beginning.
    assert set(OWN) <= set(answers.documents), answers.result.text


def test_root_that_holds_nothing(core: Subject, tmp_path: Path) -> None:
    """`set sysroot` to a folder that lacks files: this machine's are taken where the build ids agree."""
    early = [f"set sysroot {tmp_path}", f"set solib-search-path {core.executable.parent}"]
    answers = core.answers([*OWN, "near_count", "far_buffer"], tmp_path / "answers", early=early)
    for query in answers.queries:
        assert mismatches(answers[query], core.truth.of(query), kind="core") == []
        assert answers[query]["target"]["libc"] == "glibc"


def test_sparse(core: Subject, tmp_path: Path) -> None:
    assert core.core is not None
    file = tmp_path / "sparse"
    subprocess.run(["cp", "--sparse=always", core.core, file], check=True)
    assert file.stat().st_blocks * 512 < file.stat().st_size
    answers = ask([core.executable, "-c", file], BY_NAME["pie"].queries, tmp_path / "answers")
    for query in answers.queries:
        assert mismatches(answers[query], core.truth.of(query), kind="core") == []


def _said(core: Path, executable: Path, engine: str, question: str) -> Said:
    words = [question] if not question.startswith("tls-") else ["--command", question]
    return gdb_tls(["core", core, *words, "--exe", executable, "--engine", engine])


@pytest.mark.parametrize("engine", ["gdb", "direct"])
def test_a_core_without_memory_says_so(engine: str, tmp_path: Path) -> None:
    """And there is no answer, which the exit status says; that other modules are unknown is said, too."""
    if not kernel_writes_cores():
        pytest.skip("the kernel writes no cores here, and gcore leaves no pages out")
    executable = BY_NAME["pie"].executable()
    shell = 'echo 0 > /proc/self/coredump_filter && exec "$@"'
    with Inferior(["sh", "-c", shell, "sh", *command_of(executable, tmp_path, "abort")], tmp_path) as inferior:
        inferior.wait_ready()
        core = make_core(inferior, by_kernel=True)
    for question in ("any_buffer", "tls-map", "tls-audit"):
        said = _said(core, executable, engine, question)
        assert said.status == 2, (question, said)
        assert "Note: The core has registers and nothing of what the program wrote" in said.errors, question
    assert "these pages are not in the core" in _said(core, executable, engine, "any_buffer").output
    assert "There may be more modules: " in _said(core, executable, engine, "tls-modules").output


def test_a_core_that_is_cut_off_says_so(core: Subject, tmp_path: Path) -> None:
    """The threads that are left are no answer for all; GDB does not read what ends before the notes do."""
    assert core.core is not None
    whole = core.core.read_bytes()
    notes = next(one for one in open_elf(str(core.core)).segments if one.type == PT_NOTE)
    half, short = tmp_path / "half", tmp_path / "short"
    half.write_bytes(whole[: len(whole) // 2])
    # The first threads' notes, and what is between them and the others'.
    places = [note.offset for note in thread_notes(str(core.core))]
    short.write_bytes(whole[: places[-1] - 100])
    assert short.stat().st_size < notes.offset + notes.file_size
    sizes = {file: f"{file.stat().st_size:,} of {len(whole):,} bytes" for file in (half, short)}
    for engine in ("gdb", "direct"):
        said = _said(half, core.executable, engine, "any_buffer")
        assert f"The core is cut off: {sizes[half]} are here, so memory is missing" in said.errors
        assert _said(core.core, core.executable, engine, "any_buffer").errors.count("cut off") == 0
    left = _said(short, core.executable, "direct", "any_buffer")
    assert f"The core is cut off: {sizes[short]} are here, so threads are missing" in left.errors
    refused = _said(short, core.executable, "gdb", "any_buffer")
    assert refused.status == 2 and "cut off" in refused.errors and "Try --engine direct" in refused.errors


TEXTS = """
#include <stdlib.h>
__thread const char *kept = "in the program's file, and not in the core";
__thread char written[] = "in the core";
__thread char *pointer;
int main(void) { pointer = written; abort(); }
"""


def test_notes_of_registers_only(tmp_path: Path) -> None:
    """As small dumpers write them, without NT_AUXV and NT_FILE: what the core left out is no empty text."""
    program, notes = tmp_path / "program", tmp_path / "core.small"
    subprocess.run(["gcc", "-g", "-x", "c", "-", "-o", program], input=TEXTS, text=True, check=True)
    subprocess.run(["bash", "-c", "ulimit -c unlimited; ./program"], cwd=tmp_path, check=False)
    (whole,) = tmp_path.glob("core*")
    data = bytearray(whole.read_bytes())
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for at in (table + 56 * index for index in range(count)):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, at)
        if kind == 4:  # PT_NOTE
            registers = _notes(bytes(data[offset : offset + size]), kind=1)  # NT_PRSTATUS
            data[offset : offset + len(registers)] = registers
            struct.pack_into("<Q", data, at + 32, len(registers))
    notes.write_bytes(data)
    answers = ask([program, notes], ["kept", "pointer"], tmp_path / "answers")
    (kept,), (pointer,) = (answers[name]["threads"] for name in ("kept", "pointer"))
    assert kept["state"] == pointer["state"] == "set"
    assert kept["text"].partition(str(kept["value"]))[2] in ("", ' "in the program\'s file, and not in the core"')
    assert pointer["text"].endswith('"in the core"')


def _notes(data: bytes, kind: int) -> bytes:
    kept, at = b"", 0
    while at < len(data):
        name, size, found = struct.unpack_from("<III", data, at)
        end = at + 12 + (name + 3) // 4 * 4 + (size + 3) // 4 * 4
        kept += data[at:end] if found == kind else b""
        at = end
    return kept
