"""Containers and bit-fields: each thread's own elements, and never one that is not there."""

from __future__ import annotations

from pathlib import Path

from integration.conftest import Subjects
from integration.documents import documents
from integration.sessions import ask


def test_elements(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """What is there has its value; what is not has a reason, and no value."""
    subject = subjects.get("shapes", kind)
    truth = subject.truth
    absent = ["shapes_vector[12]", "shapes_deque[12]", "shapes_list[12]", "shapes_string[12]", "shapes_map[z]"]
    absent += ["shapes_vector[-1]", "shapes_empty[0]", "shapes_blank[0]", "shapes_hashed[99]"]
    answers = ask(subject.arguments, [*truth.queries, *absent], tmp_path)
    wrong = []
    for query in [*truth.queries, *absent]:
        said = {line.lwp: line for line in truth.lines if line.query == query}
        for row in answers[query]["threads"]:
            line = said.get(row["lwp"])
            if line is not None:
                flags = [flag for flag in row["flags"] if flag != "constructed"]  # see test_lifetimes
                got = (row["state"], row["address"], row["value"], flags)
                if got != (line.state, line.address, line.value, line.flags):
                    wrong.append(f"{query}: {got}, not {line}")
            elif "[" in query or "->" in query:
                is_there = query.startswith(("shapes_array", "shapes_several", "shapes_pointed", "shapes_owned"))
                if not is_there and (row["value"] is not None or row["state"] == "set" or not row["reason"]):
                    wrong.append(f"{query}: invented {row}")
    assert not wrong, "\n".join(wrong)
    main = next(line.lwp for line in truth.lines if line.thread == "shapes")

    def why(query: str, lwp: int) -> str:
        return next(row["reason"] for row in answers[query]["threads"] if row["lwp"] == lwp)

    worker = next(line.lwp for line in truth.lines if line.thread == "worker")
    assert why("shapes_vector[12]", worker) == "shapes_vector has the elements 0 to 2, so there is no [12]"
    assert why("shapes_vector[12]", main) == "shapes_vector has one element, [0], so there is no [12]"
    assert why("shapes_empty[0]", main) == "shapes_empty is empty, so there is no [0]"
    assert why("shapes_deque[12]", worker) == "shapes_deque has the elements 0 to 2, so there is no [12]"
    assert why("shapes_optional->x", main) == "shapes_optional holds no value"
    assert why("shapes_map[z]", worker) == "shapes_map has no [z]: none of its 3 keys is it"


def test_long_texts(subjects: Subjects, tmp_path: Path) -> None:
    """As much of a text as `set print elements` says, and how long it is where that is not all."""
    subject = subjects.get("shapes", "core")
    speaking = {line.lwp: line.thread for line in subject.truth.lines}
    letters = {"shapes": "q", "worker": "s"}
    for limit in (200, 20, 0):
        before = [f"set print elements {limit}", "set print repeats unlimited"]
        answers = ask(subject.arguments, ["shapes_long", "shapes_label"], tmp_path / str(limit), before=before)
        for query, length in (("shapes_long", 150), ("shapes_label", 300)):
            for row in answers[query]["threads"]:
                if row["lwp"] not in speaking:
                    continue
                shown = min(length, limit or length)
                text = '"' + letters[speaking[row["lwp"]]] * shown + '"' + f"... length {length}" * (shown < length)
                assert row["text"].endswith(text) and row["text"].count('"') == 2, (limit, row["text"])


def test_empty_is_not_null(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """And what no constructor has made is no empty one, but nothing."""
    subject = subjects.get("shapes", kind)
    names = ["shapes_vector", "shapes_empty", "shapes_string", "shapes_blank", "shapes_deque", "shapes_list"]
    names += ["shapes_map", "shapes_hashed"]
    answers = ask(subject.arguments, names, tmp_path)
    speaking = {line.lwp for line in subject.truth.lines}
    for name in names:
        for row in answers[name]["threads"]:
            assert "-" not in row["text"], row
            if row["lwp"] in speaking:
                assert row["state"] == "set" and row["text"], row
            else:
                assert row["state"] == "not-constructed" and not row["text"], row
                assert row["reason"].endswith("its guard is not set in this thread")


def test_difference_in_words(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Values as they are printed everywhere; texts that differ are news, though both are pointers."""
    subject = subjects.get("shapes", kind)
    rows = ask(subject.arguments, ["shapes_vector", "shapes_label"], tmp_path)["shapes_vector"]["threads"]
    threads = {line.lwp: line.thread for line in subject.truth.lines}
    numbers = {threads[row["lwp"]]: row["num"] for row in rows if row["lwp"] in threads}
    command = f"tls-diff {numbers['shapes']} {numbers['worker']} --module shapes"
    found = documents(subject, [command], tmp_path / "diff")[command]
    texts = {one["variable"]["name"]: one for one in found["differences"]}
    vector = texts["shapes_vector"]
    assert (vector["left"]["text"], vector["right"]["text"]) == (
        "std::vector of length 1, capacity 1 = {100}",
        "std::vector of length 3, capacity 4 = {300, 301, 302}",
    )
    assert not texts["shapes_label"]["expected"] and "qqq" in texts["shapes_label"]["left"]["text"]
    assert texts["shapes_owned"]["left"]["text"] != texts["shapes_owned"]["right"]["text"]
