"""Containers of the C++ library: every state that they can be in is shown, and no other bytes are."""

from __future__ import annotations

from pathlib import Path

from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.sessions import ask, session

# What the threads' containers are, in the order in which the threads are made.
THREADS = ("main", "one", "many", "emptied", "moved", "garbage-a5", "garbage-ff", "garbage-01", "torn")
VALID = ("one", "many", "emptied", "moved")


def roles(subject: Subject, rows: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    return dict(zip(THREADS, sorted(rows, key=lambda row: (row["lwp"] != subject.pid, row["lwp"]))))


def test_states(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("containers", kind)
    several = ask(subject.arguments, ["box_*"], tmp_path)["box_*"]["variables"]
    assert len(several) == 12
    for one in several:
        rows = roles(subject, one["threads"])
        assert rows.keys() == set(THREADS)
        name = one["name"]
        for role in VALID:
            assert rows[role]["state"] == "set" and rows[role]["text"], (name, role, rows[role])
            assert "<error" not in str(rows[role]["text"]), (name, role, rows[role])
        for role in set(THREADS) - {*VALID, "main"}:
            reason = str(rows[role]["reason"])
            assert rows[role]["state"] == "unreadable" and reason.startswith("not a valid std::"), (
                name,
                role,
                rows[role],
            )
            assert rows[role]["text"] == "" and rows[role]["value"] is None
        # Nothing has touched main's, and the guard says so.
        assert rows["main"]["state"] == "not-constructed" and not rows["main"]["text"], (name, rows["main"])


def test_map_says_the_same(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("containers", "core")
    picture = documents(subject, ["tls-map --module containers"], tmp_path)["tls-map --module containers"]
    several = ask(subject.arguments, ["box_*"], tmp_path)["box_*"]["variables"]
    states = {one["name"]: [row["state"] for row in one["threads"]] for one in several}
    assert {one["name"]: one["states"] for one in picture["variables"] if one["name"] in states} == states
    done = session(subject.arguments, ["tls-inspect box_deque"], tmp_path)
    assert "not a valid std::deque: its iterators lie outside of their buffers" in done["tls-inspect box_deque"].words
