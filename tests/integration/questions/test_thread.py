"""tls-thread against the programs' truth, and what GDB says."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.sessions import one_sentence, run_gdb, session
from integration.truth import Line


def blocks(subject: Subject) -> dict[tuple[str, int | None], set[str]]:
    """Module (its id where the program says it) -> the thread pointers of the threads that have a block."""
    found: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for line in subject.truth.lines:
        have = found[line.module, line.module_id]
        if line.address and line.kind in ("pointer", "number", "owner", "object") and "->" not in line.variable:
            have.add(line.thread_pointer)
    return found


def is_right(line: Line, variable: dict[str, Any]) -> bool:
    value = None if line.kind == "owner" else line.value
    flags = set(variable["flags"]) - {"assumed-pointer", "constructed"}  # see test_lifetimes
    got = (variable["state"], variable["address"], variable["value"], sorted(flags))
    return got == (line.state, line.address, value, sorted(line.flags))


@pytest.mark.parametrize("program", ["zoo", "ended", "namespaces", "many"])
def test_threads(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """All threads: every variable that the program speaks of, and the blocks around them."""
    subject = subjects.get(program, kind)
    document = documents(subject, ["tls-thread all"], tmp_path)["tls-thread all"]
    assert document["schema"] == "gdb-tls/thread/1"
    threads = {thread["thread_pointer"]: thread for thread in document["threads"]}
    assert set(threads) == {line.thread_pointer for line in subject.truth.lines}
    wrong = []
    for line in subject.truth.lines:
        thread = threads[line.thread_pointer]
        if (
            line.kind == "null-path"
            or "->" in line.variable
            or re.search(r"[.\[](?!so)", line.variable.split("::")[-1])
        ):
            continue
        modules = [
            block
            for block in thread["blocks"]
            if Path(block["module"]["path"]).name == line.module and line.module_id in (None, block["module"]["id"])
        ]
        assert len(modules) == 1, line
        if line.state == "unallocated":
            if (modules[0]["state"], modules[0]["address"], modules[0]["variables"]) != ("unallocated", None, []):
                wrong.append(f"{line}: {modules[0]}")
            continue
        variables = [one for one in modules[0]["variables"] if one["linkage_name"] == line.linkage]
        if not any(is_right(line, variable) for variable in variables):
            wrong.append(f"{line}: {variables}")
        for variable in variables:
            if int(modules[0]["address"], 16) + int(variable["offset"], 16) != int(variable["address"], 16):
                wrong.append(f"{line}: {variable} is not in the block {modules[0]['address']}")
    assert not wrong, "\n".join(wrong)
    for thread in document["threads"]:
        is_ended = any(
            "exited" in line.flags for line in subject.truth.lines if line.thread_pointer == thread["thread_pointer"]
        )
        assert thread["exited"] == is_ended
        assert thread["control_block"]["address"] == thread["thread_pointer"]  # x86-64
        assert thread["dtv"]["generation"] >= 1
        assert thread["reason"] is None
        assert is_ended or thread["function"]


def test_thread_as_gdb_has_it(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """The selected thread where none is named, and the DTV that libc's own debug information shows."""
    subject = subjects.get("zoo", kind)
    commands = ["thread 3", "tls-thread", "tls-thread 2,4 --module libe*"]
    found = documents(subject, commands, tmp_path / "found")
    (selected,) = found["tls-thread"]["threads"]
    assert selected["num"] == 3
    assert [thread["num"] for thread in found[commands[2]]["threads"]] == [2, 4]
    assert {len(thread["blocks"]) for thread in found[commands[2]]["threads"]} == {1}
    dtv = selected["dtv"]["address"]
    words = run_gdb(
        subject.arguments, [f"print *(long *) {dtv}", f"print ((long *) {dtv})[-2]"], extension=False
    ).stdout
    assert [int(word) for word in re.findall(r"^\$\d = (\d+)$", words, re.MULTILINE)] == [
        selected["dtv"]["generation"],
        selected["dtv"]["capacity"],
    ]


def test_thread_table(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    main = next(line for line in subject.truth.of("early_buffer") if line.lwp == subject.pid)
    select = f"python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == {main.lwp}]"
    commands = [select, "tls-thread --module libe*", "tls-thread 77", "tls-thread x", "tls-thread --format csv"]
    done = session(subject.arguments, commands, tmp_path)
    output = done["tls-thread --module libe*"].output
    assert f"thread pointer {main.thread_pointer}" in output
    assert re.search(rf"0x\w+ +early_buffer +set +\(struct buffer \*\) {main.value}", output), output
    assert "has 1 of 1 block, 16 bytes" in output
    assert "no thread 77" in one_sentence(done, "tls-thread 77")
    one_sentence(done, "tls-thread x")
    rows = list(csv.DictReader(done["tls-thread --format csv"].output.splitlines()))
    (row,) = (row for row in rows if row["variable"] == "early_buffer")
    assert (row["lwp"], row["address"], row["value"]) == (str(main.lwp), main.address, main.value)
