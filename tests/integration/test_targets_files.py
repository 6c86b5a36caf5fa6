"""A process's files are not those of this machine's folders, or AT_PHDR does not lead to the list of its objects.

Each program says what is true of itself; each other build has its variables elsewhere in the block.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import COMMON, run
from integration.harness import PROGRAMS, Inferior, command_of, kernel_writes_cores, make_core, with_own_mounts
from integration.sessions import ask
from integration.test_targets_remote import gdbserver
from integration.truth import Line, Truth
from limits import LIMIT_SECONDS

QUERIES = ("any_buffer", "any_count", "any_wide", "near_buffer", "near_count", "far_buffer", "far_count")
IDS = {"with build ids": "-Wl,--build-id", "without build ids": "-Wl,--build-id=none"}
NT_AUXV, NT_FILE, UNKNOWN = 6, 0x46494C45, 0x7F00


def built(folder: Path, *flags: str, newer: bool = False) -> Path:
    """anywhere.c and its two libraries; in a newer build, another variable comes first in each block."""
    folder.mkdir(parents=True, exist_ok=True)
    more: list[object] = []
    if newer:
        header = folder / "newer.h"
        header.write_text("static __thread long came_later[3] __attribute__((used)) = {4711, 4712, 4713};\n")
        more = ["-include", header]
    common = ["gcc", *COMMON, *flags, *more]
    for prefix in ("near", "far"):
        names = (f"-DBUFFER={prefix}_buffer", f"-DCOUNT={prefix}_count")
        run([*common, "-shared", "-fPIC", *names, PROGRAMS / "slots.c", "-o", folder / f"lib{prefix}.so"])
    sources = [PROGRAMS / "anywhere.c", PROGRAMS / "truth.c"]
    defined = ['-DNAME="anywhere"', "-DLINKED"]
    run(
        [
            *common,
            *defined,
            *sources,
            folder / "libnear.so",
            "-Wl,-rpath,$ORIGIN",
            "-ldl",
            "-o",
            folder / "anywhere",
        ]
    )
    return folder / "anywhere"


def offsets(file: Path) -> dict[str, str]:
    """Where a file's symbol table has the variables in the block."""
    rows = re.findall(r": ([0-9a-f]+) .* TLS .* (\S+)$", run(["readelf", "-sW", file]), re.M)
    return {name: value for value, name in rows if name in QUERIES}


def replace(old: Path, new: Path) -> None:
    """As a package manager does it: the files are renamed into their places."""
    for file in ("anywhere", "libnear.so", "libfar.so"):
        assert offsets(old / file) != offsets(new / file), f"{file}: the newer build has the same offsets"
        shutil.copy2(new / file, old / f"{file}.new")
        os.replace(old / f"{file}.new", old / file)


def wrong(document: Any, lines: Sequence[Line]) -> list[str]:
    """Every row that is not as the thread itself said."""
    true = {line.lwp: (line.state, line.address, line.value) for line in lines}
    said = {}
    for row in document["threads"]:
        state, value, own = row["state"], row["value"], true[row["lwp"]][2]
        if "assumed-pointer" in row["flags"] and isinstance(own, int):
            # Without its type, an integer of a pointer's size is shown as one.
            state, value = "set", int.from_bytes(int(value, 16).to_bytes(8, "little"), "little", signed=True)
        said[row["lwp"]] = (state, row["address"], value)
    return [
        f"{lines[0].query} in {lwp}: {said.get(lwp)}, not {true[lwp]}" for lwp in true if said.get(lwp) != true[lwp]
    ]


def all_wrong(answers: Any, truth: Truth) -> list[str]:
    return [one for query in QUERIES for one in wrong(answers[query], truth.of(query))]


@contextlib.contextmanager
def running(command: Sequence[object], folder: Path) -> Iterator[Inferior]:
    with Inferior(command, folder) as inferior:
        inferior.wait_ready()
        yield inferior


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_replaced_while_it_runs(ids: str, tmp_path: Path) -> None:
    executable = built(tmp_path / "bin", ids)
    folder = tmp_path / "run"
    with running(command_of(executable, folder, "wait"), folder) as inferior:
        built(tmp_path / "newer", ids, newer=True)
        replace(tmp_path / "bin", tmp_path / "newer")
        truth = Truth(folder / "truth.jsonl")
        for arguments in (["-p", inferior.pid], [executable, "-p", inferior.pid]):
            answers = ask(arguments, QUERIES, tmp_path / "answers")
            assert all_wrong(answers, truth) == []
            assert answers["any_count"]["variable"]["module"]["path"].startswith(f"/proc/{inferior.pid}/")
            # The newer file describes other places: no type of it may be used.
            assert answers["any_count"]["variable"]["source"] != "gdb"
    assert "is another" in answers.result.text and "is read instead" in answers.result.text


@pytest.mark.skipif(not kernel_writes_cores(), reason="the kernel writes no cores here")
@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_replaced_before_its_core_is_read(ids: str, tmp_path: Path) -> None:
    executable = built(tmp_path / "bin", ids)
    folder = tmp_path / "run"
    with running(command_of(executable, folder, "abort"), folder) as inferior:
        core = make_core(inferior, by_kernel=True)
    truth = Truth(folder / "truth.jsonl")
    assert all_wrong(ask([executable, "-c", core], QUERIES, tmp_path / "same"), truth) == []
    shutil.copytree(tmp_path / "bin", tmp_path / "kept")
    built(tmp_path / "newer", ids, newer=True)
    replace(tmp_path / "bin", tmp_path / "newer")
    answers = ask([executable, "-c", core], QUERIES, tmp_path / "answers")
    assert answers.documents == {}
    assert answers.result.text.count("is another build") >= len(QUERIES)
    # The old files, in another folder.
    before = [f"set solib-search-path {tmp_path / 'kept'}"]
    answers = ask([tmp_path / "kept" / "anywhere", "-c", core], QUERIES, tmp_path / "kept-answers", early=before)
    assert all_wrong(answers, truth) == []


@contextlib.contextmanager
def contained(tmp_path: Path, ids: str) -> Iterator[tuple[Inferior, Truth, Path]]:
    """A process whose folder of files is a file system of its own, and another build is here under its name."""
    outside, folder = tmp_path / "bin", tmp_path / "run"
    built(tmp_path / "inner", ids)
    built(outside, ids, newer=True)
    inner = shlex.join(str(tmp_path / "inner" / file) for file in ("anywhere", "libnear.so", "libfar.so"))
    place = shlex.quote(str(outside))
    script = f'mount -t tmpfs none {place} && cp {inner} {place} && exec "$@"'
    command = [*with_own_mounts(), "sh", "-c", script, "sh", *command_of(outside / "anywhere", folder, "wait")]
    with running(command, folder) as inferior:
        yield inferior, Truth(folder / "truth.jsonl"), outside


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_in_a_container(ids: str, tmp_path: Path) -> None:
    with contained(tmp_path, ids) as (inferior, truth, outside):
        for number, arguments in enumerate((["-p", inferior.pid], [outside / "anywhere", "-p", inferior.pid])):
            answers = ask(arguments, QUERIES, tmp_path / f"answers-{number}")
            assert all_wrong(answers, truth) == []
            # GDB has the container's own file in the one case, and another build in the other.
            assert (answers["any_count"]["variable"]["source"] == "gdb") == (number == 0)


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_gdbserver_in_a_container(ids: str, tmp_path: Path) -> None:
    """GDB takes the files through the connection; this machine's of the same names are another build."""
    with (
        contained(tmp_path, ids) as (inferior, truth, _),
        gdbserver(
            "--attach", "127.0.0.1:0", inferior.pid, through=["nsenter", "-t", inferior.pid, "-m", "--root", "--wd=/"]
        ) as address,
    ):
        before = [f"target remote {address}"]
        answers = ask([], QUERIES, tmp_path / "answers", before=before, after=["detach"])
    assert all_wrong(answers, truth) == []


def loader_of(executable: Path) -> str:
    found = re.search(r"interpreter: ([^\]]+)\]", run(["readelf", "-lW", executable]))
    assert found
    return found[1]


@pytest.mark.parametrize("link", ["-pie", "-no-pie"])
def test_started_by_the_loaders_name(link: str, tmp_path: Path) -> None:
    executable = built(tmp_path / "bin", "-fPIE" if link == "-pie" else "-fno-PIE", link)
    folder = tmp_path / "run"
    # The program looks for its library beside what was started.
    loader = shutil.copy2(loader_of(executable), executable.parent)
    with running([loader, *command_of(executable, folder, "wait")], folder) as inferior:
        answers = ask(["-p", inferior.pid], QUERIES, tmp_path / "answers")
        assert all_wrong(answers, Truth(folder / "truth.jsonl")) == []
        core = make_core(inferior, by_kernel=False)
    for number, arguments in enumerate(([loader, "-c", core], [executable, "-c", core])):
        answers = ask(arguments, QUERIES, tmp_path / f"answers-{number}")
        assert all_wrong(answers, Truth(folder / "truth.jsonl")) == []


def without_notes(core: Path, folder: Path, *kinds: int) -> Path:
    """A copy of a 64-bit little-endian core whose notes of some types have another type."""
    data = bytearray(core.read_bytes())
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    changed = set()
    for header in range(table, table + 56 * count, 56):
        if struct.unpack_from("<I", data, header)[0] == 4:  # PT_NOTE
            at, _, _, size = struct.unpack_from("<QQQQ", data, header + 8)
            end = at + size
            while at < end:
                name, length, kind = struct.unpack_from("<III", data, at)
                if kind in kinds:
                    struct.pack_into("<I", data, at + 8, UNKNOWN)
                    changed.add(kind)
                at += 12 + (name + 3) // 4 * 4 + (length + 3) // 4 * 4
    assert changed == set(kinds)
    copy = folder / ("without-" + "-".join(map(str, kinds)))
    copy.write_bytes(data)
    return copy


@pytest.mark.skipif(not kernel_writes_cores(), reason="the kernel writes no cores here")
@pytest.mark.parametrize("link", ["-pie", "-no-pie"])
def test_core_without_notes(link: str, tmp_path: Path) -> None:
    executable = built(tmp_path / "bin", "-fPIE" if link == "-pie" else "-fno-PIE", link)
    folder = tmp_path / "run"
    with running(command_of(executable, folder, "abort"), folder) as inferior:
        core = make_core(inferior, by_kernel=True)
    truth = Truth(folder / "truth.jsonl")
    for kinds in ([NT_AUXV], [NT_FILE], [NT_AUXV, NT_FILE]):
        cut = without_notes(core, tmp_path, *kinds)
        assert all_wrong(ask([executable, "-c", cut], QUERIES, tmp_path / f"answers-{cut.name}"), truth) == []


def test_valgrinds_core(tmp_path: Path) -> None:
    """Valgrind writes its own cores, without NT_AUXV and NT_FILE."""
    executable = built(tmp_path / "bin")
    folder = tmp_path / "run"
    with running(["valgrind", "-q", *command_of(executable, folder, "abort")], folder) as inferior:
        assert inferior.process is not None
        inferior.process.wait(LIMIT_SECONDS)
    (core,) = folder.glob("vgcore*")
    assert all_wrong(ask([executable, "-c", core], QUERIES, tmp_path / "answers"), Truth(folder / "truth.jsonl")) == []


def test_missing_files_debug_file(tmp_path: Path) -> None:
    """A library that is not here, but its debug file is: symbols and PT_TLS are all that is needed of it."""
    executable = built(tmp_path / "bin")
    folder = tmp_path / "run"
    with running(command_of(executable, folder, "wait"), folder) as inferior:
        core = make_core(inferior, by_kernel=False)
    library = tmp_path / "bin" / "libnear.so"
    found = re.search(r"Build ID: ([0-9a-f]+)", run(["readelf", "-nW", library]))
    assert found
    place = tmp_path / "debug" / ".build-id" / found[1][:2] / f"{found[1][2:]}.debug"
    place.parent.mkdir(parents=True)
    run(["objcopy", "--only-keep-debug", library, place])
    library.unlink()
    arguments = [executable, "-c", core]
    assert "near_buffer" not in ask(arguments, QUERIES, tmp_path / "without").documents
    answers = ask(arguments, QUERIES, tmp_path / "answers", early=[f"set debug-file-directory {tmp_path / 'debug'}"])
    assert all_wrong(answers, Truth(folder / "truth.jsonl")) == []
