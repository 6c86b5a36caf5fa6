"""boost::thread_specific_ptr in each thread, against what its own get() gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.anywhere import run
from integration.documents import documents
from integration.harness import PROGRAMS, subject_of
from integration.questions.test_keys_qt import NAMELESS, said, without_gdb

CLASS = "boost::thread_specific_ptr"


@pytest.mark.parametrize("words", ["g++ -O0", "clang++ -O2", "g++ -O2 -s", "g++ -O2 -l:libboost_thread.a"])
def test_values(words: str, kind: str, tmp_path: Path) -> None:
    """With two engines; the library may be linked into the program."""
    compiler, *flags = words.split()
    library = [flag for flag in flags if flag.startswith("-l")] or ["-lboost_thread"]
    executable, truth = tmp_path / "boost_storage", tmp_path / "truth.o"
    run(["gcc", "-g", "-c", PROGRAMS / "truth.c", "-o", truth])
    flags = [flag for flag in flags if not flag.startswith("-l")]
    sources = [PROGRAMS / "boost_storage.cc", truth, *library, "-pthread", "-ldl"]
    run([compiler, "-g", "-std=c++17", *flags, *sources, "-o", executable])
    with subject_of(kind, executable, tmp_path / "subject") as subject:
        found = documents(subject, ["tls-keys"], tmp_path / "found")["tls-keys"]
        other = json.loads(without_gdb(subject, "--format", "json"))
        table = without_gdb(subject)
        lines = said(subject, "boost")
    assert len(lines) == 12
    for document in (found, other):
        assert document["storage_problems"] == []
        storages = document["storages"]
        assert len(storages) == 4 and {one["class"] for one in storages} == {CLASS}
        values = {
            variable["name"].replace(NAMELESS, ""): {row["lwp"]: row["value"] for row in one["threads"]}
            for one in storages
            for variable in one["variables"]
        }
        assert all(len(one["threads"]) == 4 and len(one["variables"]) == 1 for one in storages)
        if "-s" in flags:
            assert all(name.startswith("boost_storage+0x") for name in values)
            told = sorted(sorted(map(str, one.items())) for one in values.values())
            lwps = sorted({line["lwp"] for line in lines} | {lwp for one in values.values() for lwp in one})
            names = {line["name"] for line in lines}
            by_name = {name: dict.fromkeys(lwps, "0x0") for name in names}
            for line in lines:
                by_name[line["name"]][line["lwp"]] = line["value"]
            assert told == sorted(sorted(map(str, one.items())) for one in by_name.values())
        else:
            assert {(line["name"], line["lwp"], line["value"]) for line in lines} <= {
                (name, lwp, value) for name, own in values.items() for lwp, value in own.items()
            }
    assert f"4 objects of {CLASS}: each thread has one map for all of them, behind one key." in table
