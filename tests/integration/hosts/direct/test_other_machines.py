"""Cores of other architectures, QEMU's, without GDB: what the program itself prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from integration.anywhere import MACHINES, Machine
from integration.truth import Truth, mismatches

ASK_DIRECTLY = Path(__file__).parent / "ask_directly.py"
WITH_CORES = [machine for machine in MACHINES if machine.cores]


@pytest.mark.parametrize("machine", WITH_CORES, ids=[machine.name for machine in WITH_CORES])
@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
def test_core(machine: Machine, static: bool, tmp_path: Path) -> None:
    build = machine.build(static=static)
    executable = build.executable()
    core = machine.core(executable, tmp_path)
    words = ["core", core, "--exe", executable, "--sysroot", f"/usr/{machine.triple}", "--", *build.queries]
    asked = [sys.executable, ASK_DIRECTLY, tmp_path, "answer", *words]
    done = subprocess.run(list(map(str, asked)), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "defect of gdb-tls" not in done.stderr, done.stderr
    truth = Truth(tmp_path / "truth.jsonl")
    wrong = []
    for query in build.queries:
        answer = tmp_path / f"answer-{query}.json"
        assert answer.exists(), done.stderr
        document = json.loads(answer.read_text())
        assert (document["target"]["architecture"], document["target"]["libc"]) == (machine.name, "glibc")
        wrong += mismatches(document, truth.of(query), kind="core", untyped_ok=True)
    assert wrong == []
