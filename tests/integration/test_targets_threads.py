"""Threads of which the C library and GDB think differently: in containers, not yet made, left, not attached."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from integration.harness import Inferior, command_of, with_own_mounts
from integration.sessions import ask, run_gdb
from integration.truth import Truth

NAMES = ("late_ie_buffer", "late_ie_count")

# Inside a namespace of process ids, a program in another one: the ids that it sees are other threads' ids out here.
NESTED = """
unshare --pid --fork {program} &
wait
"""


@pytest.fixture
def nested(programs: Path, tmp_path: Path) -> Any:
    """A program whose ids overlap those outside, and a gdb that sees it from there."""
    command = command_of(programs / "many", tmp_path, "wait")
    script = NESTED.format(program=shlex.join(map(str, command)))
    own = [*with_own_mounts(), "--pid", "--fork", "--mount-proc", "--kill-child"]
    outer = [*own, "sh", "-c", script]
    with Inferior(outer, tmp_path, environment={"LD_LIBRARY_PATH": str(programs)}) as inferior:
        inferior.wait_ready()
        found = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_program(pid, programs / "many")]
        (inside,) = [pid for pid in found if is_below(pid, inferior.pid)]  # other tests run the same program
        gdb = tmp_path / "gdb"
        gdb.write_text(f'#!/bin/sh\nexec nsenter --target {parent(parent(inside))} --pid --mount --root gdb "$@"\n')
        gdb.chmod(0o755)
        status = Path(f"/proc/{inside}/status").read_text()
        ids = [int(word) for word in re.findall(r"^NSpid:(.*)$", status, re.M)[0].split()]
        yield ids[-2], gdb, Truth(tmp_path / "truth.jsonl")


def is_program(pid: str, executable: Path) -> bool:
    try:
        return os.path.samefile(f"/proc/{pid}/exe", executable)
    except OSError:
        return False


def parent(pid: int) -> int:
    return int(re.findall(r"^PPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[0])


def is_below(pid: int, ancestor: int) -> bool:
    """Whether one process comes from another; not where one between them has ended meanwhile."""
    try:
        while pid not in (0, ancestor):
            pid = parent(pid)
    except OSError:
        return False
    return pid == ancestor


def test_ids_that_are_other_threads_ids_outside(nested: Any, tmp_path: Path) -> None:
    """Each thread has its own value: that of the address at which it says its variable is."""
    pid, gdb, truth = nested
    answers = ask(["-p", pid], NAMES, tmp_path / "answers", options="--all", gdb=str(gdb))
    for name in NAMES:
        document = answers[name]
        true = {line.address: line for line in truth.lines if line.variable == name and line.address}
        found = {row["address"]: row for row in document["threads"] if row["address"]}
        assert set(found) == set(true) and len(true) > 1
        for address, row in found.items():
            # From inside of a chroot GDB does not find the types of a program in another mount namespace.
            assert set(row["flags"]) <= {"shared", "assumed-pointer"}
            assert row["state"] == true[address].state
        assert len(document["threads"]) == 4 and all(row["num"] for row in document["threads"])


def test_main_has_left(programs: Path, tmp_path: Path) -> None:
    """pthread_exit in main: its storage is there, it has ended, and the others' rows are right."""
    with Inferior([programs / "births"], tmp_path) as inferior:
        inferior.wait_ready()
        # GDB attaches to no zombie, as which the kernel shows a main thread that has left.
        worker = max(map(int, os.listdir(f"/proc/{inferior.pid}/task")))
        document = ask(["-p", worker], ["births_counter"], tmp_path)["births_counter"]
    said = [(row["lwp"], row["value"], row["flags"]) for row in document["threads"]]
    assert said == [(worker, 8, []), (None, 9, ["exited"])]


def test_not_attached(programs: Path, tmp_path: Path) -> None:
    """gdb attached to one thread by its id lists only that; the others have not ended."""
    with Inferior(command_of(programs / "many", tmp_path, "wait"), tmp_path) as inferior:
        inferior.wait_ready()
        worker = max(map(int, os.listdir(f"/proc/{inferior.pid}/task")))
        document = ask(["-p", worker], ["late_ie_count"], tmp_path)["late_ie_count"]
    assert [row["lwp"] for row in document["threads"] if row["num"]] == [worker]
    assert [row["flags"] for row in document["threads"] if not row["num"]] == [["not-attached"]] * 3
    assert document["summary"]["exited"] == 0 and document["target"]["pid"] == inferior.pid


def test_being_created(programs: Path, tmp_path: Path) -> None:
    """Stopped where the C library has listed a thread that the kernel has not made yet."""
    file = tmp_path / "0.json"
    query = f"tls-inspect births_counter --format json --output {file}"
    stop = ["tbreak main", "run", "catch syscall clone3", "continue"]
    run_gdb([programs / "births"], [*stop, query, "kill"], passive=False)
    document = json.loads(file.read_text())
    assert [(row["num"], row["flags"]) for row in document["threads"]] == [(1, []), (None, ["being-created"])]
    assert document["threads"][0]["value"] == 9
