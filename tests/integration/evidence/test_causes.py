"""Crashes with a known cause: tls-audit names the guilty variable, alone, and blames none where none is guilty."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.anywhere import run
from integration.evidence.causes import (
    Build,
    alarms_of,
    allow_core,
    audits_of_cores,
    audits_of_runs,
    cores,
    differences,
    names,
)
from integration.harness import PROGRAMS, kernel_writes_cores
from integration.hosts.direct.answers import gdb_tls
from limits import LIMIT_SECONDS

NAMES = ("causes", "causes_ways", "causes_astray", "causes_cc")
BUILDS = [Build(compiler, level) for compiler in ("gcc", "clang") for level in (0, 2, 3)]
STRIPPED = [Build(compiler, level, stripped=True) for compiler, level in (("gcc", 2), ("clang", 0))]


@pytest.mark.parametrize("build", [*BUILDS, *STRIPPED], ids=str)
def test_cores(build: Build, tmp_path: Path) -> None:
    """Every other thread-local variable is null in the thread that crashed."""
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    wrong = []
    for name in NAMES:
        program = build.folder() / name
        wrong += differences(program, build, audits_of_cores(program, cores(program, tmp_path / name)))
    assert wrong == []


WITHOUT_GDB = {"call", "tail", "deep_member", "index"}
# QEMU's cores say the signal, but nothing else of it.
ON_AARCH64 = {
    0: ("followed", "deep_member", "argument8", "getter", "argument_index", "helper", "call", "member_key"),
    2: (
        "member",
        "argument1",
        "argument3",
        "getter_address",
        "index",
        "flag",
        "assertion",
        "call_unmapped",
        "strlen",
        "tail",
        "call",
    ),
}


@pytest.mark.parametrize("level", ON_AARCH64)
def test_cores_of_aarch64(level: int, tmp_path: Path) -> None:
    """A static executable that is cross-compiled, and runs under QEMU."""
    program = tmp_path / "causes"
    sources = [PROGRAMS / name for name in ("causes.c", "causes_common.c", "causes_library.c")]
    flags = ["-g", f"-O{level}", "-pthread", "-static", "-DALONE", '-DPROGRAM="causes"']
    run(["aarch64-linux-gnu-gcc", *flags, *sources, "-ldl", "-o", program])
    made = {}
    for mode in ON_AARCH64[level]:
        place = tmp_path / mode
        place.mkdir()
        with (place / "truth").open("w") as truth:
            words = ["qemu-aarch64", program, mode]
            subprocess.run(words, cwd=place, stdout=truth, check=False, timeout=LIMIT_SECONDS, preexec_fn=allow_core)
        (made[mode],) = place.glob("qemu_*.core")
    direct = {}
    for mode in WITHOUT_GDB & set(made):
        words = ["core", made[mode], "--exe", program, "--engine", "direct", "--format", "json"]
        direct[mode] = names(alarms_of(gdb_tls(words).document))
    early = ["set sysroot /usr/aarch64-linux-gnu"]
    found = list(audits_of_cores(program, made, gdb="gdb-multiarch", early=early))
    # Its threads have QEMU's numbers in the core.
    # A key is called after the variable with its number, too.
    blamed = {mode: [one.partition(" (")[0] for one in names(alarms_of(audit))] for mode, _, audit in found}
    guilty = {
        mode: [f"pthread key {truth['key']}" if truth["guilty"] == "key" else truth["guilty"]]
        for mode, truth, _ in found
    }
    assert blamed == guilty
    assert direct == {mode: guilty[mode] for mode in direct}


@pytest.mark.parametrize("build", [Build("gcc", 2), Build("clang", 0, stripped=True)], ids=str)
def test_processes(build: Build, tmp_path: Path) -> None:
    """Every other variable is set."""
    wrong = []
    for name in NAMES:
        program = build.folder() / name
        wrong += differences(program, build, audits_of_runs(program, tmp_path / name, "all"))
    assert wrong == []
