"""Cores from another distribution, opened in this machine's GDB: `pytest tests/matrix/elsewhere.py`.

GDB_TLS_ROOT names the other distribution's root, and GDB_TLS_CORES the folder in it (as seen from inside)
that make_cores.py has filled. scripts/matrix sets both. The name of this file keeps it out of other runs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from integration.sessions import WITHOUT_LIBTHREAD_DB, ask
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
