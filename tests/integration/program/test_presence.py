"""What has a value or none (std::optional, std::function, std::any), against what each thread says it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Subject, build_programs, core_subject, kernel_writes_cores, locked

# What owns an object through a pointer is null where it has none.
OWNERS = ("unique", "shared")


def truth_of(subject: Subject) -> dict[int, dict[str, Any]]:
    file = Path(f"{subject.truth.file}.presence")
    return {line["lwp"]: line for line in map(json.loads, file.read_text().splitlines())}


def expected(name: str, has: bool) -> str:
    if name == "flag":
        return "set"
    return "set" if has else "null" if name in OWNERS else "no-value"


def clang(level: int) -> Path:
    """presence.cc, built by Clang; for once with all types, which it else leaves to libstdc++'s debug information."""
    folder = build_programs() / f"presence-clang-{level}"
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        if not (folder / "presence").exists():
            flags = [f"-O{level}", "-g", "-fstandalone-debug", "-pthread"]
            run(["clang", *flags, "-c", PROGRAMS / "truth.c", "-o", folder / "truth.o"])
            command = ["clang++", *flags, "-std=c++17", PROGRAMS / "presence.cc", folder / "truth.o"]
            run([*command, "-o", folder / "made"])
            (folder / "made").rename(folder / "presence")
    return folder / "presence"


def check(subject: Subject, folder: Path) -> None:
    truth = truth_of(subject)
    assert len(truth) == 6
    queries = ["tls-map --module presence", *(f"tls-inspect {name}" for name in next(iter(truth.values()))["has"])]
    found = documents(subject, queries, folder)
    picture = found.pop(queries[0])
    named = {one["name"].removesuffix("[abi:cxx11]"): one["states"] for one in picture["variables"]}
    for query, document in found.items():
        name = query.split()[1]
        rows = {row["lwp"]: row for row in document["threads"]}
        assert rows.keys() == truth.keys()
        for lwp, line in truth.items():
            wanted = expected(name, line["has"][name])
            assert rows[lwp]["state"] == wanted, (name, line)
            assert wanted != "no-value" or (rows[lwp]["text"], rows[lwp]["value"]) == ("", None)
        assert named[name] == [expected(name, truth[one["lwp"]]["has"][name]) for one in picture["threads"]], name


def test_states(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    check(subjects.get("presence", kind), tmp_path)


@pytest.mark.parametrize("level", [0, 2])
def test_clang(level: int, shared_folder: Path, tmp_path: Path) -> None:
    executable = clang(level)
    folder = shared_folder / executable.parent.name
    check(core_subject("presence", executable, folder, (), by_kernel=None), tmp_path)


def test_hints(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Without a crash, or of what the crash did not come from, it is a hint; with the crash it says why."""
    subject = subjects.get("presence", kind)
    truth = truth_of(subject)
    audit, picture = documents(subject, ["tls-audit --all", "tls-map --module presence"], tmp_path).values()
    numbers = {truth[one["lwp"]]["who"]: one["num"] for one in picture["threads"]}
    found = {one["name"]: one for one in audit["findings"]}
    assert "number" not in found and "text" not in found  # two threads have none
    crashed = f", of which thread {numbers['worker-3']} crashed," if kind == "core" and kernel_writes_cores() else ""
    for name, has, has_none in (("only", "has a value", "has none"), ("flag", "is true", "is false")):
        sentences = [one["sentence"] for one in found[name]["reasons"]]
        assert any(one.startswith(f"It {has} in thread {numbers['worker-1']} only;") for one in sentences), sentences
        if name == "only":
            assert any(one.endswith(f"{crashed} it {has_none}.") for one in sentences), sentences
        assert found[name]["level"] == "hint"
    if not crashed:
        assert not any(one["level"] != "hint" for one in audit["findings"])
        return
    (alarm,) = (one for one in audit["findings"] if one["level"] != "hint")
    assert alarm["name"] == "config" and alarm["level"] == "the cause of the crash"
    wanted = f"It has none only in thread {numbers['worker-3']}, which crashed; it has a value in 5 others."
    assert wanted in [one["sentence"] for one in alarm["reasons"]]
