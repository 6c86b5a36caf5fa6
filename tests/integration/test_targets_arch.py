"""Other architectures: QEMU's gdbstub for live processes and its cores, through gdb-multiarch.

GDB itself can read no TLS in either, and lists no libraries in QEMU's cores.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.anywhere import MACHINES, Build, Machine
from integration.harness import Inferior, command_of
from integration.sessions import Answers, ask
from integration.truth import Truth, mismatches
from limits import LIMIT_SECONDS, wait_until

EVERY = pytest.mark.parametrize("machine", MACHINES, ids=[machine.name for machine in MACHINES])
WITH_CORES = [machine for machine in MACHINES if machine.cores]
LINKED = pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])


def inspect(machine: Machine, build: Build, arguments: Sequence[object], folder: Path, **options: object) -> Answers:
    executable = build.executable()
    early = [f"set sysroot /usr/{machine.triple}", f"set solib-search-path {executable.parent}"]
    return ask(arguments, build.queries, folder / "answers", early=early, gdb="gdb-multiarch", **options)


def check(answers: Answers, truth: Truth, machine: Machine, kind: str, queries: Sequence[str]) -> None:
    wrong = []
    for query in queries:
        document = answers[query]
        assert document["target"]["architecture"] == machine.name
        assert document["target"]["libc"] == "glibc"
        wrong += mismatches(document, truth.of(query), kind=kind, untyped_ok=True)
    assert wrong == []


@EVERY
@LINKED
def test_gdbstub(machine: Machine, static: bool, tmp_path: Path) -> None:
    build = machine.build(static=static)
    executable = build.executable()
    socket = tmp_path / "gdb.socket"
    run = command_of(executable, tmp_path, "abort")
    command = [machine.qemu, "-L", f"/usr/{machine.triple}", "-g", socket, *run]
    with Inferior(command, tmp_path) as inferior:
        process = inferior.process
        assert process is not None
        wait_until(lambda: socket.exists() or process.poll() is not None, f"the socket of {machine.qemu}")
        assert process.poll() is None, (tmp_path / "stderr").read_text()
        before = [f"target remote {socket}", "continue"]
        answers = inspect(machine, build, [executable], tmp_path, before=before, after=["kill"])
    typed = answers.queries
    if machine.name == "i386" and not static:
        # This GDB loads no libraries from QEMU's i386, so only the executable's variables have types.
        typed = [query for query in typed if query.startswith("any_")]
    check(answers, Truth(tmp_path / "truth.jsonl"), machine, "remote", typed)


@pytest.mark.parametrize("machine", WITH_CORES, ids=[machine.name for machine in WITH_CORES])
@LINKED
def test_core(machine: Machine, static: bool, tmp_path: Path) -> None:
    build = machine.build(static=static)
    executable = build.executable()
    command = [machine.qemu, "-L", f"/usr/{machine.triple}", *command_of(executable, tmp_path, "abort")]
    with Inferior(command, tmp_path) as inferior:
        assert inferior.process is not None
        inferior.process.wait(LIMIT_SECONDS)
    (core,) = tmp_path.glob("qemu_*.core")
    answers = inspect(machine, build, [executable, "-c", core], tmp_path)
    queries = answers.queries
    if "far_count" in queries and machine.name in ("arm", "i386"):
        # GDB has no types of libraries that it does not list, and a number is as large as a pointer here.
        queries = [query for query in queries if query not in ("near_count", "far_count")]
    check(answers, Truth(tmp_path / "truth.jsonl"), machine, "core", queries)


def test_every_machine_has_its_tools() -> None:
    """A missing tool is a failure, and not a test less."""
    for machine in MACHINES:
        for tool in (machine.qemu, f"{machine.triple}-gcc"):
            assert subprocess.run([tool, "--version"], capture_output=True, check=False).returncode == 0
