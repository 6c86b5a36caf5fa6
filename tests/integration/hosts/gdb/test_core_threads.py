"""GDB's numbers of the threads of a core, as its notes have them, are those that GDB says when it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import run_gdb

COMPARE = """
import gdb, json
from gdb_tls.hosts.gdb import core_threads
core_threads.FEW = 1
found = core_threads.find({core!r})
answer = dict(count=found and len(found), lwps=found and list(enumerate(found.lwps, 1)))
answer["one"] = found and [thread.num for thread in found.values()]
answer["selected"] = gdb.selected_thread().num
answer["gdb"] = sorted((thread.num, thread.ptid[1]) for thread in gdb.selected_inferior().threads())
with open({file!r}, "w") as file:
    json.dump(answer, file)
"""


def compared(subject: Subject, folder: Path, *before: str) -> dict[str, object]:
    script, file = folder / "compare.py", folder / "answer.json"
    script.write_text(COMPARE.format(core=str(subject.core), file=str(file)))
    done = run_gdb(subject.arguments, [*before, f"source {script}"], passive=False)
    assert file.exists(), done.text
    answer: dict[str, object] = json.loads(file.read_text())
    return answer


def has_count(folder: Path) -> bool:
    """Whether this GDB counts threads without listing them (from 11 on)."""
    done = run_gdb([], ["python print(gdb.convenience_variable('_inferior_thread_count'))"], extension=False)
    return "None" not in done.stdout


@pytest.mark.parametrize("program", ["zoo", "many", "ended", "solo"])
@pytest.mark.parametrize("kind", ["core", "gcore"])
def test_as_gdb_numbers_them(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    answer = compared(subjects.get(program, kind), tmp_path, "thread 1")
    if not has_count(tmp_path):
        assert answer["count"] is None
        return
    assert answer["lwps"] == answer["gdb"]
    assert answer["one"] == [number for number, _ in answer["gdb"]]  # type: ignore[attr-defined]
    assert answer["selected"] == 1


def test_not_where_numbers_may_differ(subjects: Subjects, tmp_path: Path) -> None:
    """With a second inferior `thread 2` may mean another one's."""
    assert compared(subjects.get("zoo", "core"), tmp_path, "add-inferior")["count"] is None
