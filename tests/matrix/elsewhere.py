"""Cores from another distribution, opened in this machine's GDB, and the one file and the wheel of this machine in
that distribution's: `pytest tests/matrix/elsewhere.py`.

GDB_TLS_ROOT names the other distribution's root, and GDB_TLS_CORES the folder in it (as seen from inside)
that make_cores.py has filled. scripts/matrix sets both. The name of this file keeps it out of other runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.sessions import CHECKOUT, DEFECT, WITHOUT_LIBTHREAD_DB, ask
from integration.truth import Truth, mismatches

ROOT = Path(os.environ["GDB_TLS_ROOT"])


def inside(path: str) -> Path:
    return ROOT / path.lstrip("/")


RUNS = sorted(inside(os.environ["GDB_TLS_CORES"]).glob("*/made.json"))


@pytest.mark.parametrize("made", RUNS, ids=[made.parent.name for made in RUNS])
@pytest.mark.parametrize("libthread_db", [False, True], ids=["without-libthread_db", "with"])
def test_core(made: Path, libthread_db: bool, tmp_path: Path) -> None:
    known: dict[str, Any] = json.loads(made.read_text())
    early = [f"set sysroot {ROOT}"]
    if not libthread_db:
        early += WITHOUT_LIBTHREAD_DB
    arguments = [inside(known["executable"]), "-c", inside(known["core"])]
    answers = ask(arguments, known["queries"], tmp_path, early=early, passive=False)
    truth = Truth(made.parent / "truth.jsonl")
    wrong = []
    for query in known["queries"]:
        wrong += mismatches(answers[query], truth.of(query), kind="core")
    assert wrong == []


def test_core_without_its_libc(tmp_path: Path) -> None:
    """The executable's variables by the ABI; a library's rows name the missing file, its build id and what to type."""
    made = next(made for made in RUNS if made.parent.name == "pie")
    known = json.loads(made.read_text())
    executable = inside(known["executable"])
    early = [f"set sysroot {tmp_path}", f"set solib-search-path {executable.parent}"]
    answers = ask([executable, "-c", inside(known["core"])], known["queries"], tmp_path / "answers", early=early)
    truth = Truth(made.parent / "truth.jsonl")
    for query in ("any_buffer", "any_count", "any_wide"):
        assert mismatches(answers[query], truth.of(query), kind="core") == []
    for row in answers["far_buffer"]["threads"]:
        assert row["state"] == "unresolved"
        # Before glibc 2.34 it is libpthread that describes the threads.
        assert "libc.so" in row["reason"] or "libpthread" in row["reason"]
        assert "build id" in row["reason"] and "set sysroot" in row["reason"]


# What this machine has made, run by that distribution's own gdb and python3, where nothing of gdb-tls is installed.


@pytest.fixture(scope="module")
def carried() -> Iterator[Path]:
    """The one file and the wheel, in a folder of the other root."""
    folder = ROOT / "gdb-tls-carried"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run([CHECKOUT / "scripts" / "bundle", folder / "gdb-tls.py"], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", folder]
    subprocess.run([*pip, CHECKOUT], check=True)
    yield folder
    shutil.rmtree(folder)


def there(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs something in the other root, without HOME."""
    environment = ("env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "DEBUGINFOD_URLS=")
    command = ["chroot", str(ROOT), *environment, *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    for bad in ("Traceback (most recent call last)", "Python Exception", DEFECT):
        assert bad not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("made", RUNS, ids=[made.parent.name for made in RUNS])
def test_one_file_in_its_gdb(made: Path, carried: Path) -> None:
    known: dict[str, Any] = json.loads(made.read_text())
    truth = Truth(made.parent / "truth.jsonl")
    answers = {query: carried / f"{number}.json" for number, query in enumerate(known["queries"])}
    commands = [
        f"tls-inspect {query} --format json --output /{file.relative_to(ROOT)}" for query, file in answers.items()
    ]
    commands = ["source /gdb-tls-carried/gdb-tls.py", *commands, "tls-audit", "tls-map"]
    words = [word for command in commands for word in ("-ex", command)]
    said = there("gdb", "-nx", "--batch", known["executable"], "-c", known["core"], *words)
    for query, file in answers.items():
        assert mismatches(json.loads(file.read_text()), truth.of(query), kind="core") == [], said.stderr
    assert "ooked at" in said.stdout, said.stdout + said.stderr


def test_one_file_in_its_shell(carried: Path) -> None:
    answer(["python3", "-I", "-S", "/gdb-tls-carried/gdb-tls.py"])


def test_wheel_in_its_venv(carried: Path) -> None:
    """Made by the Python of this machine, for another one and another GDB."""
    (wheel,) = carried.glob("*.whl")
    made = there("python3", "-m", "venv", "/gdb-tls-carried/venv")
    assert made.returncode == 0, made.stdout + made.stderr
    installed = there("/gdb-tls-carried/venv/bin/pip", "install", "--no-index", f"/gdb-tls-carried/{wheel.name}")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    answer(["/gdb-tls-carried/venv/bin/gdb-tls"])


def answer(command: list[str]) -> None:
    made = next(made for made in RUNS if made.parent.name == "pie")
    known = json.loads(made.read_text())
    for query in known["queries"]:
        done = there(*command, "core", known["core"], query, "--format", "json")
        found = json.loads(done.stdout)
        assert mismatches(found, Truth(made.parent / "truth.jsonl").of(query), kind="core") == []
        summary = found["summary"]
        assert done.returncode == int(bool(summary["null"] or summary["dangling"] or summary["shared"]))
