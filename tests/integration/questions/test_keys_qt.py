"""Qt's QThreadStorage in each thread, against what its own get() gives."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.documents import documents
from integration.harness import PROGRAMS, Subject, subject_of

ROOT = Path(__file__).resolve().parents[3]
NAMELESS = "(anonymous namespace)::"


def said(subject: Subject, ending: str = "qt") -> list[dict[str, Any]]:
    """What a program wrote beside its truth."""
    if subject.core:
        truth = subject.core.parent / "truth.jsonl"
    else:
        words = Path(f"/proc/{subject.pid}/cmdline").read_bytes().split(b"\0")
        truth = Path(words[words.index(b"--truth") + 1].decode())
    return [json.loads(line) for line in Path(f"{truth}.{ending}").read_text().splitlines()]


def without_gdb(subject: Subject, *words: str) -> str:
    target = ["core", str(subject.core)] if subject.core else ["pid", str(subject.pid)]
    command = [sys.executable, "-m", "gdb_tls", *target, "--command", "tls-keys", "--engine", "direct", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def built(qt: int, words: str, folder: Path) -> Path:
    """The program with one of the libraries."""
    compiler, *flags = words.split()
    executable, truth = folder / "qt_storage", folder / "truth.o"
    run(["gcc", "-g", "-c", PROGRAMS / "truth.c", "-o", truth])
    sources = [PROGRAMS / "qt_storage.cc", truth, f"-l:libQt{qt}Core.so.{qt}", "-pthread", "-ldl"]
    run([compiler, "-g", "-std=c++17", *flags, *sources, "-o", executable])
    return executable


def test_words(tmp_path: Path) -> None:
    with subject_of("core", built(5, "g++ -O0", tmp_path), tmp_path / "subject") as subject:
        table = without_gdb(subject)
        page = without_gdb(subject, "--format", "html")
    for text in (table, page):
        assert "4 objects of QThreadStorage: each thread has one table for all of them, behind one key." in text
        assert "inner()::made" in text


@pytest.mark.parametrize(
    ("qt", "words"), [(5, "g++ -O0"), (5, "clang++ -O2"), (5, "g++ -O2 -s"), (6, "g++ -O2"), (6, "clang++ -O0 -s")]
)
def test_values(qt: int, words: str, kind: str, tmp_path: Path) -> None:
    """Every QThreadStorage has its variable's name, and in each thread its value; with two engines."""
    with subject_of(kind, built(qt, words, tmp_path), tmp_path / "subject") as subject:
        found = documents(subject, ["tls-keys"], tmp_path / "found")["tls-keys"]
        other = json.loads(without_gdb(subject, "--format", "json"))
        rows = list(csv.DictReader(io.StringIO(without_gdb(subject, "--format", "csv"))))
        lines = said(subject)
    assert len(lines) == 12
    for document in (found, other):
        assert document["storage_problems"] == []
        by_index = {one["index"]: one for one in document["storages"]}
        for line in lines:
            storage = by_index[line["index"]]
            values = {one["lwp"]: one["value"] for one in storage["threads"]}
            assert values[line["lwp"]] == line["value"], line
            names = [one["name"].replace(NAMELESS, "").replace("[abi:cxx11]", "") for one in storage["variables"]]
            mine = [one for one in names if not one.startswith("libQt")]
            expected = f"qt_storage+0x{0:x}"[:-1] if "-s" in words else line["name"]
            assert len(mine) == 1 and mine[0].startswith(expected), line
        assert len(values) == 4 and all(len(one["threads"]) == 4 for one in document["storages"])
    shown = {(row["index"], row["lwp"], row["value"], row["state"]) for row in rows if row["class"]}
    told = {
        (str(line["index"]), str(line["lwp"]), line["value"], "unset" if line["value"] == "0x0" else "set")
        for line in lines
    }
    assert told <= shown
