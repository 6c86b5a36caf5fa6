"""Cores that are not whole or not honest, without GDB: no hang, no crash, nothing false, no file unasked for.

What is true of both engines' answers about garbage in a process is in tests/integration/test_damage.py.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.harness import Inferior, command_of, core_of, kernel_writes_cores, make_core
from integration.hosts.direct.answers import Said, gdb_tls
from integration.truth import Truth, mismatches, nothing_invented

ASK_DIRECTLY = Path(__file__).parent / "ask_directly.py"
MOST_SECONDS = 120
MOST_MEMORY = 2 << 30


def asked(core: Path, executable: Path, queries: Sequence[str], folder: Path) -> tuple[dict[str, Any], str]:
    """The documents, and what was said; nothing but sentences, in bounded time and memory."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, ASK_DIRECTLY, folder, "answer", "core", core, "--exe", executable, "--", *queries]
    began = time.monotonic()
    done = subprocess.run(
        list(map(str, words)),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)),
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < MOST_SECONDS
    for line in done.stderr.splitlines():
        assert line.startswith(("gdb-tls: ", "Note: ")) and "defect of gdb-tls" not in line, line
    files = {query: folder / f"answer-{query}.json" for query in queries}
    return {query: json.loads(file.read_text()) for query, file in files.items() if file.exists()}, done.stderr


def one_sentence(said: Said) -> str:
    assert (said.status, said.output) == (2, "")
    (line,) = said.errors.splitlines()
    assert line.startswith("gdb-tls: ") and line.endswith(".")
    return line


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_truncated(part: float, subjects: Subjects, tmp_path: Path) -> None:
    whole = subjects.get("zoo", "core")
    assert whole.core is not None
    core = tmp_path / "core"
    with whole.core.open("rb") as source:
        core.write_bytes(source.read(int(whole.core.stat().st_size * part)))
    queries = ["zoo_counter", "zoo_buffer", "linked_buffer", "early_buffer", "late_gd_count", "late_ie_buffer"]
    documents, _ = asked(core, whole.executable, queries, tmp_path / "answers")
    assert nothing_invented(documents, whole.truth) == []


def test_without_pages(programs: Path, tmp_path: Path) -> None:
    """coredump_filter 0: registers only."""
    if not kernel_writes_cores():
        pytest.skip("the kernel writes no cores here, and gcore leaves no pages out")
    folder = tmp_path / "run"
    folder.mkdir()
    shell = 'echo 0 > /proc/self/coredump_filter && exec "$@"'
    with Inferior(["sh", "-c", shell, "sh", *command_of(programs / "ended", folder, "abort")], folder) as inferior:
        inferior.wait_ready()
        core = make_core(inferior, by_kernel=True)
    truth = Truth(folder / "truth.jsonl")
    documents, said = asked(core, programs / "ended", ["ended_buffer", "early_count"], tmp_path / "answers")
    for document in documents.values():
        assert {row["lwp"] for row in document["threads"] if row["num"]} == truth.living
        assert {row["state"] for row in document["threads"]} <= {"unreadable", "unresolved"}
    assert documents or "coredump_filter" in said


@pytest.mark.parametrize("seed", range(12))
def test_garbage(seed: int, subjects: Subjects, tmp_path: Path) -> None:
    """Random words all over a core: everywhere, in its headers and notes, or in its pages."""
    whole = subjects.get("ended", "core")
    assert whole.core is not None
    chance = random.Random(seed)
    data = bytearray(whole.core.read_bytes())
    first, last = ((64, len(data) // 8), (len(data) // 8, len(data)), (0, 8192), (64, len(data)))[seed % 4]
    for _ in range((last - first) // (64, 256, 1024)[seed % 3] + 1):
        at = chance.randrange(first, last - 8)
        values = (chance.randbytes(8), b"\xff" * 8, bytes(8), struct.pack("<Q", 1 << 40), b"\xff" * 7 + b"\x7f")
        data[at : at + 8] = chance.choice(values)
    core = tmp_path / "core"
    core.write_bytes(data)
    queries = ["ended_buffer", "ended_count", "early_buffer", "early_count"]
    documents, _ = asked(core, whole.executable, queries, tmp_path / "answers")
    for document in documents.values():
        assert all(row["reason"] for row in document["threads"] if row["state"] in ("unresolved", "unreadable"))
    if seed % 4 == 1:  # what says who the threads are was left alone
        for document in documents.values():
            assert {row["lwp"] for row in document["threads"] if row["num"]} == whole.truth.living
    for command in ("tls-audit", "tls-map", "tls-exit"):
        said = gdb_tls(["core", core, "--exe", whole.executable, "--engine", "direct", "--command", command])
        assert said.status in (0, 1, 2) and "Traceback" not in said.errors and "defect" not in said.errors, said.errors


def test_a_crash_of_drgn_costs_the_stacks_only(subjects: Subjects) -> None:
    whole = subjects.get("ended", "core")
    words = ["core", whole.core, "--exe", whole.executable, "--engine", "direct", "ended_buffer"]
    good = gdb_tls(words)
    crash = (
        "import os; from gdb_tls.hosts.direct.unwinder import Unwinder; "
        "Unwinder.{} = lambda *rest: os.kill(os.getpid(), 11); "
    )
    for method in ("trace", "__init__"):
        said = gdb_tls(words, before=crash.format(method))
        assert said.errors == "Note: drgn could not read all of it: it ended by SIGSEGV.\n"
        assert said.status == good.status
        assert gdb_tls([*words, "--format", "json"], before=crash.format(method)).document == (
            gdb_tls([*words, "--format", "json"]).document
        )
        # The last columns, where a thread is, have no lines of source any more.
        assert [line[:50] for line in said.output.splitlines()] == [line[:50] for line in good.output.splitlines()]


def test_another_build_of_a_library(programs: Path, tmp_path: Path) -> None:
    """The file at the library's path is not what the process had loaded: it is not believed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ended", "libearly.so"):
        shutil.copy2(programs / name, folder / name)
    _, core = core_of(folder / "ended", tmp_path / "run")
    truth = Truth(tmp_path / "run" / "truth.jsonl")
    shutil.copy2(programs / "liblate_big.so", folder / "libearly.so")
    common = ["core", core, "--exe", folder / "ended", "--engine", "direct"]
    for name in ("early_buffer", "late_big_buffer"):
        assert "libearly.so" in one_sentence(gdb_tls([*common, name]))
    (folder / "libearly.so").unlink()
    assert "libearly.so" in one_sentence(gdb_tls([*common, "early_buffer"]))
    own = gdb_tls([*common, "ended_count", "--format", "json"]).document
    assert mismatches(own, truth.of("ended_count"), kind="core") == []
    said = gdb_tls(["core", core, "--exe", programs / "solo", "--engine", "direct", "solo_buffer"])
    assert re.search(r"build id [0-9a-f]{40}", one_sentence(said))


def test_no_core(programs: Path, tmp_path: Path) -> None:
    file = tmp_path / "core"
    file.write_bytes(b"\x7fELF" + os.urandom(4096))
    one_sentence(gdb_tls(["core", file, "--exe", programs / "solo", "--engine", "direct", "solo_buffer"]))


def test_its_paths_are_not_opened(subjects: Subjects, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A core says which files were mapped: of those out of the usual places, only one of the same build is taken."""
    whole = subjects.get("ended", "core")
    assert whole.core is not None
    data = whole.core.read_bytes()
    library = str(whole.executable.parent / "libearly.so").encode()
    short = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    request.addfinalizer(lambda: shutil.rmtree(short, ignore_errors=True))
    trap = short / "trap"
    name = str(trap).encode()
    assert len(name) <= len(library) and data.count(library + b"\0")
    os.mkfifo(trap)  # whoever opened it would wait for ever
    core = tmp_path / "core"
    core.write_bytes(data.replace(library + b"\0", name.ljust(len(library) + 1, b"\0")))
    documents, said = asked(core, whole.executable, ["ended_count", "early_count"], tmp_path / "answers")
    assert mismatches(documents["ended_count"], whole.truth.of("ended_count"), kind="core") == []
    assert "early_count" not in documents and "trap" in said
    # As a file that is no such library, it is not believed either.
    trap.unlink()
    shutil.copy2(whole.executable.parent / "liblate_big.so", trap)
    documents, said = asked(core, whole.executable, ["early_count"], tmp_path / "again")
    assert documents == {}
