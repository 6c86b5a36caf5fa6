"""tls-keys against what the threads of keys.c say of their own values."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.sessions import run_gdb, session

FILLERS = 40


def said(subject: Subject) -> list[dict[str, Any]]:
    """What keys.c wrote beside its truth."""
    if subject.core:
        truth = subject.core.parent / "truth.jsonl"
    else:
        words = Path(f"/proc/{subject.pid}/cmdline").read_bytes().split(b"\0")
        truth = Path(words[words.index(b"--truth") + 1].decode())
    return [json.loads(line) for line in Path(f"{truth}.keys").read_text().splitlines()]


@pytest.mark.parametrize("passive", [True, False], ids=["alone", "with-libthread_db"])
def test_every_key_in_every_thread(kind: str, passive: bool, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("keys", kind)
    document = documents(subject, ["tls-keys"], tmp_path, passive=passive)["tls-keys"]
    assert document["schema"] == "gdb-tls/keys/1"
    assert document["problem"] is None
    lines = said(subject)
    found = {(key["key"], row["lwp"]): (key, row) for key in document["keys"] for row in key["threads"]}
    wrong = []
    for line in lines:
        key, row = found[line["key"], line["lwp"]]
        got = (row["state"], int(row["value"] or "0", 16), key["destructor"]["name"] or "", key["in_use"])
        true = (line["state"], int(line["value"], 16), line["destructor"], line["in_use"])
        if got != true:
            wrong.append(f"{line}: {row}, {key['destructor']}")
        if row["state"] in ("set", "null") and row["sequence"] != key["sequence"]:
            wrong.append(f"{line}: sequence {row['sequence']}, but the key's is {key['sequence']}")
        if row["state"] == "stale" and not row["sequence"] < key["sequence"]:
            wrong.append(f"{line}: stale, but {row['sequence']} of {key['sequence']}")
    assert not wrong, "\n".join(wrong)
    named = {line["key"] for line in lines}
    fillers = [key for key in document["keys"] if key["key"] not in named]
    assert len(fillers) == FILLERS
    assert all(key["destructor"] == {"address": "0x0", "name": None, "file": None} for key in fillers)
    assert {row["state"] for key in fillers for row in key["threads"]} == {"unset"}
    assert {key["destructor"]["file"] for key in document["keys"] if key["destructor"]["name"]} == {"keys"}
    # A key's number comes once, and deleted ones last.
    numbers = [key["key"] for key in document["keys"]]
    assert len(set(numbers)) == len(numbers)
    assert [key["in_use"] for key in document["keys"]] == [True] * (FILLERS + 4) + [False]


def test_words(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("keys", "core")
    lines = said(subject)
    number = {line["name"]: line["key"] for line in lines}
    done = session(subject.arguments, ["tls-keys", "tls-keys --threads 1 --format csv"], tmp_path)
    words = done["tls-keys"].words
    assert f"{FILLERS + 4} keys in use, in 4 threads." in words
    assert f"Key {number['reused']} was deleted and created again: " in words
    assert f"Key {number['deleted']} was deleted, but " in words
    assert re.search(rf"Key {number['shared']}: \d threads \(\S+\) have the same value", words)
    assert "free_plain (keys)" in words
    # Keys that nobody has set share a line.
    assert len(done["tls-keys"].output.splitlines()) < 25
    rows = list(csv.DictReader(done["tls-keys --threads 1 --format csv"].output.splitlines()))
    assert {row["num"] for row in rows} == {"1"}
    assert len(rows) >= FILLERS + 4


def test_hints(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """A value that was kept for a key which was deleted, or is another one now, is a hint: no code shows its use."""
    subject = subjects.get("keys", kind)
    lines = said(subject)
    found = documents(subject, ["tls-audit --all", "tls-keys"], tmp_path)
    findings = {one["key"]: one for one in found["tls-audit --all"]["findings"] if one["key"] is not None}
    numbers = {row["lwp"]: row["num"] for key in found["tls-keys"]["keys"] for row in key["threads"]}
    for number in {line["key"] for line in lines}:
        stale = sorted(numbers[line["lwp"]] for line in lines if line["key"] == number and line["state"] == "stale")
        said_of = findings[number]["reasons"] if number in findings else []
        threads = [sorted(reason["threads"]) for reason in said_of if reason["rule"] == "key-stale"]
        assert threads == [stale] * bool(stale), (number, said_of)
    assert not any(one["alarming"] for one in findings.values())


def test_narrow_screen(subjects: Subjects) -> None:
    # Not in a session: there GDB's width is unlimited, whatever was set.
    result = run_gdb(subjects.get("keys", "core").arguments, ["set width 70", "tls-keys"])
    table = result.stdout[result.stdout.index("Key  Variable") :]
    assert max(map(len, table.splitlines())) <= 70
    assert "free_plain" in table and "(keys)" in table


@pytest.mark.parametrize("program", ["ended", "solo_static"])
def test_other_programs(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """An ended thread has its rows too; a program that made no key has none of its own."""
    subject = subjects.get(program, kind)
    document = documents(subject, ["tls-keys"], tmp_path)["tls-keys"]
    assert document["problem"] is None
    threads = {(row["num"], row["thread_pointer"]) for key in document["keys"] for row in key["threads"]}
    pointers = {line.thread_pointer for line in subject.truth.lines}
    assert {pointer for _, pointer in threads} <= pointers
    for key in document["keys"]:
        assert len(key["threads"]) == len(pointers)
