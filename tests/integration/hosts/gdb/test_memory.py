"""Reading past GDB gives what GDB gives, and is off where GDB's view may differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import run_gdb
from peers.registers import writing_registers

COMPARE = """
import gdb, json, random
from gdb_tls.hosts.gdb import current_program
from gdb_tls.hosts.gdb.memory import GdbMemory
from gdb_tls.target.protocol import UnreadableMemory

target = current_program().target
direct, through = target.memory, GdbMemory(gdb.selected_inferior())
chance = random.Random(7)
regions = [one for one in target.regions() if one.file != "[vsyscall]"]
counts = dict(read=0, unreadable=0, differs=[])
def read(memory, address, size):
    try:
        return memory.read(address, size)
    except UnreadableMemory:
        return None
for _ in range(1500):
    region = chance.choice(regions)
    size = chance.choice((1, 4, 8, 64, 4096))
    # Also across the ends of a region, and outside of all.
    inside = chance.randrange(region.start, region.end)
    address = chance.choice((inside, region.end - size // 2, region.start - size // 2, 8))
    mine, theirs = read(direct, address, size), read(through, address, size)
    many = direct.read_many([address, 8, address], size)
    if many != [mine, None, mine]:
        counts["differs"].append(("read_many", hex(address), size))
    if mine is None:
        counts["unreadable"] += 1
    elif mine == theirs:
        counts["read"] += 1
    else:
        counts["differs"].append((hex(address), size))
counts["kind"] = type(direct).__name__
with open({file!r}, "w") as file:
    json.dump(counts, file)
"""


@pytest.mark.parametrize("program", ["zoo", "many"])
def test_equals_gdb(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    script, answer = tmp_path / "compare.py", tmp_path / "answer.json"
    script.write_text(COMPARE.replace("{file!r}", repr(str(answer))))
    done = run_gdb(subjects.get(program, kind).arguments, [f"source {script}"])
    assert answer.exists(), done.text
    found = json.loads(answer.read_text())
    assert found["kind"] == {"live": "ProcessMemory", "core": "CoreMemory"}[kind]
    assert found["differs"] == []
    assert found["read"] > 300 and found["unreadable"] > 100


@pytest.mark.parametrize("setting", ["set breakpoint always-inserted on", "checkpoint", "record full"])
def test_off_where_gdb_shows_something_else(setting: str, programs: Path, tmp_path: Path) -> None:
    kind = (
        "python from gdb_tls.hosts.gdb import current_program; "
        "print('MEMORY', type(current_program().target.memory).__name__)"
    )
    commands = ["break main", "run", kind, setting, kind]
    done = run_gdb([programs / "solo"], commands, early=writing_registers())  # a checkpoint is a call of fork
    lines = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("MEMORY")]
    assert lines == ["ProcessMemory", "GdbMemory"], done.text
