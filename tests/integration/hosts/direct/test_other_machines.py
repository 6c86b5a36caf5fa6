"""Cores of other architectures, QEMU's, without GDB: what the program itself prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from integration.anywhere import MACHINES, Machine, run
from integration.evidence.causes import allow_core
from integration.harness import PROGRAMS
from integration.hosts.direct.answers import gdb_tls
from integration.truth import Truth, mismatches
from limits import LIMIT_SECONDS

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


@pytest.mark.parametrize(("mode", "is_told"), [("followed", True), ("assertion", False)])
def test_the_address_that_qemu_does_not_tell(mode: str, is_told: bool, tmp_path: Path) -> None:
    """The kernel's word is not in the core; the instruction and its registers are. Who gave up has none."""
    program = tmp_path / "causes"
    sources = [PROGRAMS / name for name in ("causes.c", "causes_common.c", "causes_library.c")]
    flags = ["-g", "-O0", "-pthread", "-static", "-DALONE", '-DPROGRAM="causes"']
    run(["aarch64-linux-gnu-gcc", *flags, *sources, "-ldl", "-o", program])
    words = ["qemu-aarch64", program, mode]
    subprocess.run(words, cwd=tmp_path, check=False, timeout=LIMIT_SECONDS, preexec_fn=allow_core, capture_output=True)
    (core,) = tmp_path.glob("qemu_*.core")
    words = ["core", core, "--exe", program, "--engine", "direct", "--format"]
    document = gdb_tls([*words, "json"]).document
    fault = document["fault"]
    if not is_told:
        assert (fault["signal"], fault["address"]) == ("SIGABRT", None)
        return
    assert fault["signal"] == "SIGSEGV" and int(fault["address"], 16) < 0x10000
    assert fault["address"] == document["cause"]["address"]
    assert f"stopped on SIGSEGV on an access to {fault['address']}" in gdb_tls([*words, "table"]).output
