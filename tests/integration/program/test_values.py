"""Values that people recognise: what is shown beside a pointer."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import ask
from integration.truth import mismatches

# What comes after the pointer itself; with libstdc++'s printers where there are any.
SHOWN = {
    "texts_bytes": ' length 5 "plain"',
    "texts_empty": ' length 0 ""',
    "texts_long": f' length 100 "{"x" * 100}"',
    "texts_gone": " length 9, unreadable",
    "texts_derived": ' length 5 "a\\x00b\\n\\""',
    "texts_wrong": "",
    "texts_iovec": ' length 3 "pla"',
    "texts_wide": ' L"wide"',
    "texts_utf16": ' u"sixteen"',
    "texts_plain": ' "zero-terminated"',
    "texts_dangling": "",
}
# The same with the library's own printers and without: then gdb-tls has its own.
PRINTED = {"texts_string": ' "a \\"string\\""', "texts_vector": " std::vector of length 3, capacity 3 = {1, 2, 3}"}


@pytest.mark.parametrize("printers", [True, False], ids=["printers", "no-printers"])
def test_beside_a_pointer(kind: str, printers: bool, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("texts", kind)
    before = [] if printers else ["disable pretty-printer"]
    answers = ask(subject.arguments, subject.truth.queries, tmp_path, before=before)
    wrong = []
    for query in subject.truth.queries:
        lines = subject.truth.of(query)
        wrong += mismatches(answers[query], lines, kind=kind)
        main = next(line for line in lines if line.state == "set")
        (row,) = (row for row in answers[query]["threads"] if row["lwp"] == main.lwp)
        beside = row["text"].partition(str(main.value))[2]
        shown = SHOWN.get(query, PRINTED.get(query, ""))
        if beside != shown:
            wrong.append(f"{query}: {row['text']!r}, not {shown!r}")
        null = next(row["text"] for row in answers[query]["threads"] if row["lwp"] != main.lwp)
        if not null.endswith(") 0x0"):
            wrong.append(f"{query}: {null!r}")
    assert not wrong, "\n".join(wrong)
