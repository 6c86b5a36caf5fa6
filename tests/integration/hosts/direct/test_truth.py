"""What the direct engine says of every thread is what the program says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.harness import Inferior, kernel_writes_cores, make_core
from integration.hosts.direct.answers import gdb_tls


@pytest.mark.parametrize("drgn", [False, True])
def test_crowd(programs: Path, tmp_path: Path, drgn: bool) -> None:
    """A tenth of the threads of the large one: who has it null is drawn by lot."""
    mode = "abort" if kernel_writes_cores() else "wait"
    command = [programs / "crowd", programs / "libcrowd.so", 1000, tmp_path / "truth", mode]
    with Inferior(command, tmp_path) as inferior:
        inferior.wait_ready()
        core = make_core(inferior, by_kernel=mode == "abort")
        pid = inferior.pid
    lines = [list(map(int, line.split())) for line in (tmp_path / "truth").read_text().splitlines()]
    truth = {lwp: ("null" if null else "set", touches, number) for lwp, touches, null, number, _ in lines}
    words = ["core", core, "--exe", programs / "crowd", "--engine", "direct", "--format", "json"]
    found = gdb_tls([*words, "crowd_buffer"], drgn=drgn).document
    assert (found["target"]["engine"], found["target"]["pid"]) == ("direct", pid)
    assert found["variable"]["type"] == "char *"
    rows = {row["lwp"]: row for row in found["threads"]}
    assert {lwp: rows[lwp]["state"] for lwp in truth} == {lwp: state for lwp, (state, _, _) in truth.items()}
    assert len({row["thread_pointer"] for row in rows.values()}) == len(rows)
    numbers = json.loads(gdb_tls([*words, "crowd_number"]).output)
    assert {row["lwp"]: row["value"] for row in numbers["threads"] if row["lwp"] in truth} == {
        lwp: number for lwp, (_, _, number) in truth.items()
    }
