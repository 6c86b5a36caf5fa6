"""Other architectures: QEMU's gdbstub for live processes and its cores, through gdb-multiarch.

GDB itself can read no TLS in either, and lists no libraries in QEMU's cores.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.anywhere import MACHINES, Build, Machine
from integration.harness import Inferior, command_of
from integration.sessions import Answers, ask
from integration.truth import Truth, mismatches
from limits import wait_until

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
    core = machine.core(executable, tmp_path)
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


COPY = """
__thread int twice = 1;
int *library_address(void) { return &twice; }
"""
USER = """
#include <stdlib.h>
__thread int twice = 2;
__thread int once;
int *library_address(void);
int main(void)
{
    once = &twice == library_address(); /* the loader takes the first: the library's own is never used */
    abort();
}
"""


@EVERY
def test_a_copy_that_the_loader_has_passed_over_is_no_variable(machine: Machine, tmp_path: Path) -> None:
    compiler = f"{machine.triple}-gcc"
    (tmp_path / "copy.c").write_text(COPY)
    (tmp_path / "user.c").write_text(USER)
    library = ["copy.c", "-shared", "-fPIC", "-o", "libcopy.so"]
    user = ["user.c", "./libcopy.so", "-rdynamic", "-o", "user"]
    for words in (library, user):
        subprocess.run([compiler, "-g", "-O0", *words], cwd=tmp_path, check=True)
    socket = tmp_path / "gdb.socket"
    process = subprocess.Popen([machine.qemu, "-L", f"/usr/{machine.triple}", "-g", socket, "./user"], cwd=tmp_path)
    try:
        wait_until(lambda: socket.exists() or process.poll() is not None, f"the socket of {machine.qemu}")
        early = [f"set sysroot /usr/{machine.triple}", f"set solib-search-path {tmp_path}"]
        before = [f"target remote {socket}", "continue"]
        listing = tmp_path / "twice.json"
        after = [f"tls-symbols ^twice$ --format json --output {listing}", "kill"]
        options = {"early": early, "before": before, "after": after, "gdb": "gdb-multiarch"}
        found = ask([tmp_path / "user"], ["once"], tmp_path / "answers", **options)
    finally:
        process.kill()
        process.wait()
    assert found["once"]["threads"][0]["text"].startswith("1"), found.result.text
    assert [one["module"]["path"] for one in json.loads(listing.read_text())["variables"]] == [str(tmp_path / "user")]
