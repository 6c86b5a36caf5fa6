"""tls-exit against what ran when a thread's twin ended."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Subject, subject_of
from integration.questions.test_keys import said as key_lines
from integration.sessions import one_sentence, session

# What each destructor says when it runs -> its function, and the variable or the key's order.
FUNCTIONS = {
    "early": ("Noted::~Noted", "early"),
    "hidden": ("Noted::~Noted", "hidden"),
    "inside": ("Noted::~Noted", "inside"),
    "remote": ("(anonymous namespace)::Remote::~Remote", "remote"),
    "plain": ("end_plain", None),
    "numbers": ("end_numbers", None),
}


def said(subject: Subject) -> list[dict[str, Any]]:
    """What exits.cc wrote beside its truth."""
    if subject.core:
        truth = subject.core.parent / "truth.jsonl"
    else:
        words = Path(f"/proc/{subject.pid}/cmdline").read_bytes().split(b"\0")
        truth = Path(words[words.index(b"--truth") + 1].decode())
    return [json.loads(line) for line in Path(f"{truth}.exits").read_text().splitlines()]


def shown(step: dict[str, Any]) -> tuple[str, str | None]:
    name = re.sub(r"\(\)$|\(void\*\)$", "", step["function"]["name"] or "")
    variable = step["variable"]
    return name, variable.rpartition("::")[2] if variable else None


@pytest.mark.parametrize("passive", [True, False], ids=["alone", "with-libthread_db"])
def test_order(passive: bool, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("exits", kind)
    lines = said(subject)
    lwps = {line["who"]: line["lwp"] for line in lines if "who" in line}
    ran = {who: [line["ran"] for line in lines if line.get("ended") == who] for who in ("twin", "main")}
    assert len(ran["twin"]) == 6 and "hidden" in ran["twin"]
    document = documents(subject, ["tls-exit all"], tmp_path, passive=passive)["tls-exit all"]
    assert document["schema"] == "gdb-tls/exit/1"
    by_lwp = {one["lwp"]: one for one in document["threads"]}
    threads = {who: by_lwp[lwp] for who, lwp in lwps.items() if who != "twin"}

    def steps(who: str) -> list[tuple[str, str | None]]:
        return [shown(step) for step in threads[who]["steps"] if step["variable"] != "slow"]

    assert steps("worker-1") == [FUNCTIONS[what] for what in ran["twin"]]
    # exit() runs no key's destructor.
    objects = [step for step in steps("main") if step[1]]
    assert objects == [FUNCTIONS[what] for what in ran["main"]]
    assert steps("worker-2") == []
    assert steps("worker-3")[-1:] == [FUNCTIONS["early"]]
    assert (threads["worker-3"]["stage"], threads["worker-3"]["running"]) == ("objects", "Slow::~Slow")
    orphan, gone = threads["worker-4"]["steps"]
    assert (orphan["variable"], orphan["key"]) == ("orphan", None) and gone["key"] is not None
    assert all(step["gone"] and step["function"]["name"] is None for step in (orphan, gone))
    assert orphan["function"] == gone["function"]
    for who, one in threads.items():
        assert one["problems"] == []
        assert one["main"] is (who == "main") and one["exited"] is False
        assert who == "worker-3" or one["stage"] is None
        assert who == "worker-4" or not any(step["gone"] for step in one["steps"])
    keys = [step["key"] for step in threads["worker-1"]["steps"]]
    assert keys == [None] * 5 + sorted(key for key in keys if key is not None)


def test_words(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("exits", "core")
    lwps = {line["who"]: line["lwp"] for line in said(subject) if "who" in line}
    document = documents(subject, ["tls-exit all"], tmp_path)["tls-exit all"]
    numbers = {who: one["num"] for one in document["threads"] for who, lwp in lwps.items() if one["lwp"] == lwp}
    commands = {who: f"tls-exit {number}" for who, number in numbers.items()}
    done = session(subject.arguments, [*commands.values(), "tls-exit 99", "tls-exit all --format csv"], tmp_path)
    words = {who: done[command].words for who, command in commands.items()}
    ends = (
        f"When thread {numbers['worker-1']} ends, 5 destructors of thread_local objects, then 2 destructors of pthread "
    )
    assert ends + "keys will run." in words["worker-1"]
    assert "the return from main, and exit(), run the objects' destructors" in words["main"]
    assert "No destructor will run when thread" in words["worker-2"]
    assert (
        "is ending: it runs the destructors of thread_local objects, in Slow::~Slow now. After that, "
        in words["worker-3"]
    )
    assert "would crash if it ended now: the destructor of orphan" in words["worker-4"]
    assert "would crash if it ended now: the destructor of key" in words["worker-4"]
    assert "no code there any more" in words["worker-4"]
    assert "There is no thread 99" in one_sentence(done, "tls-exit 99")
    rows = list(csv.DictReader(done["tls-exit all --format csv"].output.splitlines()))
    assert {row["variable"] for row in rows} >= {"early", "hidden", "remote"}


def test_other_programs(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """A thread that has ended, and a static program."""
    for program in ("ended", "solo_static", "solo_own"):
        document = documents(subjects.get(program, kind), ["tls-exit all"], tmp_path / program)["tls-exit all"]
        for one in document["threads"]:
            assert one["problems"] == []
            assert not one["exited"] or one["steps"] == []


@pytest.mark.parametrize("linking", ["dynamic", "static"])
def test_musl(linking: str, kind: str, tmp_path: Path) -> None:
    """What is not known is said, and no key has a destructor that has none."""
    executable = tmp_path / "keys_musl"
    sources = [PROGRAMS / "keys.c", PROGRAMS / "truth.c"]
    flags = ["-DKEEP", "-g", "-O1", "-std=gnu11", "-pthread"] + ["-static"] * (linking == "static")
    subprocess.run(["musl-gcc", *flags, *map(str, sources), "-o", str(executable)], check=True, capture_output=True)
    with subject_of(kind, executable, tmp_path / "subject") as subject:
        document = documents(subject, ["tls-exit all"], tmp_path / "found")["tls-exit all"]
        lines = key_lines(subject)
    # A dynamic musl is stripped: the table of destructors has no name in it.
    known = linking == "static"
    for one in document["threads"]:
        assert any("musl keeps no list" in problem for problem in one["problems"])
        values = [line for line in lines if line["lwp"] == one["lwp"] and line["state"] == "set"]
        expected = {line["key"]: line["destructor"] for line in values if line["destructor"] or not known}
        steps = {step["key"]: step["function"]["name"] or "" for step in one["steps"]}
        assert steps == (expected if known else dict.fromkeys(expected, ""))
        assert known or "destructor of pthread keys" not in " ".join(one["text"])
    assert any(one["steps"] for one in document["threads"])


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        *(("g++", ()), ("g++", ("-O2",)), ("clang++", ()), ("musl-gcc", ()), ("musl-gcc", ("-static",))),
        *(("g++", ("-DIN_THREAD",)), ("clang++", ("-DIN_THREAD", "-O0")), ("clang++", ("-DIN_THREAD", "-fPIC", "-O2"))),
        *(("musl-gcc", ("-DIN_THREAD",)), ("musl-gcc", ("-DIN_THREAD", "-static", "-O2"))),
    ],
)
def test_list_under_a_key(compiler: str, flags: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    """Where the C library has no list of objects, the C++ library's own is found by the code that registers them."""
    executable = tmp_path / "own_list"
    c = {"g++": "gcc", "clang++": "clang"}.get(compiler, compiler)
    common = ["-g", "-O1", "-pthread", *flags]
    run([c, *common, "-c", PROGRAMS / "truth.c", "-o", tmp_path / "truth.o"])
    sources = ["-x", "c++", PROGRAMS / "own_list.cc", "-x", "none", tmp_path / "truth.o", "-ldl"]
    run([compiler, *common, "-std=c++17", "-fno-exceptions", "-fno-rtti", *sources, "-o", executable])
    with subject_of(kind, executable, tmp_path / "subject") as subject:
        document = documents(subject, ["tls-exit all"], tmp_path / "found")["tls-exit all"]
        lines = said(subject)
    ran = [line["ran"] for line in lines if line.get("ended") == "twin"]
    assert sorted(ran) == ["early", "hidden", "inside", "plain"]
    by_lwp = {one["lwp"]: one for one in document["threads"]}
    threads = {line["who"]: by_lwp[line["lwp"]] for line in lines if "who" in line and line["who"] != "twin"}
    # A dynamic musl is stripped: the table of destructors has no name in it.
    is_known = compiler != "musl-gcc" or "-static" in flags
    plain, own, *objects = threads["worker-1"]["steps"]
    assert (plain["key"], plain["list_key"], own["list_key"]) == (0, None, None)
    if is_known:
        assert plain["function"]["name"] == "end_plain" and "run" in own["function"]["name"]
    assert [shown(one) for one in objects] == [("Noted::~Noted", what) for what in ran if what != "plain"]
    assert all((one["key"], one["list_key"], one["gone"]) == (None, own["key"], False) for one in objects)
    for who, one in threads.items():
        assert who == "worker-1" or one["steps"] == []
        assert not any("keeps no list" in text for text in one["problems"])
        assert is_known is (one["problems"] == [])
    assert "(one of which destroys 3 thread_local objects) will run" in threads["worker-1"]["text"][0]
