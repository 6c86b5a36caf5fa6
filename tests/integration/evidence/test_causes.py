"""Crashes with a known cause: tls-audit names the guilty variable, alone, and blames none where none is guilty."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.evidence.causes import Build, audits_of_cores, audits_of_runs, cores, differences
from integration.harness import kernel_writes_cores

NAMES = ("causes", "causes_cc")
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


@pytest.mark.parametrize("build", [Build("gcc", 2), Build("clang", 0, stripped=True)], ids=str)
def test_processes(build: Build, tmp_path: Path) -> None:
    """Every other variable is set."""
    wrong = []
    for name in NAMES:
        program = build.folder() / name
        wrong += differences(program, build, audits_of_runs(program, tmp_path / name, "all"))
    assert wrong == []
