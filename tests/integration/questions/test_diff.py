"""tls-diff: two threads, two moments, two cores."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import run_gdb, session


def written(arguments: list[Any], command: str, folder: Path, **options: Any) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "answer.json"
    output.unlink(missing_ok=True)
    result = run_gdb(arguments, [f"{command} --format json --output {output}"], **options)
    assert output.exists(), result.text
    return json.loads(output.read_text())


def numbers(document: Any, lwps: set[int]) -> list[int]:
    return sorted(thread["num"] for thread in document["threads"] if thread["lwp"] in lwps)


@pytest.fixture
def subject(subjects: Subjects, kind: str) -> Subject:
    return subjects.get("suspects", kind)


def test_the_difference_of_two_threads(subject: Subject, tmp_path: Path) -> None:
    picture = written(subject.arguments, "tls-map", tmp_path)
    lwps = {line.thread: line.lwp for line in subject.truth.of("minority")}
    third, fourth = (numbers(picture, {lwps[f"worker-{n}"]})[0] for n in (3, 4))
    found = written(subject.arguments, f"tls-diff {third} {fourth}", tmp_path)
    told = {one["variable"]["name"]: one for one in found["differences"] if not one["expected"]}
    assert told["minority"]["left"]["state"] == "null" and told["minority"]["right"]["state"] == "set"
    assert told["neighbour_stack"]["in_state"] and told["number"]["right"]["text"] == "4"
    expected = {one["variable"]["name"] for one in found["differences"] if one["expected"]}
    assert {"own", "pair", "mark"} <= expected
    assert not {"unused", "everybodys", "constant", "main_only"} & (set(told) | expected)


def test_two_moments_of_a_process(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("suspects", "live")
    before = tmp_path / "before.json"
    commands = [
        f"tls-map --format json --output {before}",
        "thread 1",
        # Changed by the debugger, and put back: the process is shared with other tests.
        "set var number = 4711",
        f"tls-diff --against {before}",
        "set var number = 0",
        f"tls-diff --against {before} --module suspects",
    ]
    said = session(subject.arguments, commands, tmp_path, passive=False)
    assert "4711" in said[commands[3]].words and said[commands[3]].words.count("1 difference ") == 1
    assert said[commands[5]].words.endswith("0 differences in 12 variables.")


def test_another_core_and_this_session_stays(subjects: Subjects, tmp_path: Path) -> None:
    live = subjects.get("suspects", "live")
    core = subjects.get("suspects", "core").core
    said = session(live.arguments, ["info inferiors", f"tls-diff --core {core}", "info inferiors "], tmp_path)
    assert "Two runs of the program" in said[f"tls-diff --core {core}"].words
    assert "no such variable" not in said[f"tls-diff --core {core}"].words
    assert said.said[0].output == said.said[2].output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("tls-diff", "takes the numbers of two threads"),
        ("tls-diff 1 99", "There is no thread 99"),
        ("tls-diff 1 x", "x is no thread number"),
        ("tls-diff --against /nonexistent", "cannot be read"),
        ("tls-diff --core /nonexistent", "There is no core"),
        ("tls-audit --module nothing", "No module with thread-local storage matches"),
        ("tls-map --threads 1,x", "is no list of thread numbers"),
    ],
)
def test_bad_input_is_one_sentence(subjects: Subjects, command: str, words: str, tmp_path: Path) -> None:
    said = session(subjects.get("suspects", "core").arguments, [command], tmp_path)
    assert words in (said[command].error or "")


def test_two_runs_with_other_thread_numbers(programs: Path, tmp_path: Path) -> None:
    """Threads are paired by what they are, not by their numbers; addresses are no difference, what they lead to is."""
    then_core, then = core_and_roles(programs, tmp_path / "a", 0, "a")
    # The kernel writes the threads in the order in which they stopped, by chance: until that is another one.
    for attempt in range(10):
        core, now = core_and_roles(programs, tmp_path / f"b{attempt}", 3, "b")
        if now != then:
            break
    assert now.keys() == then.keys() and now != then, "all cores number the threads alike"
    arguments = [programs / "runs", "-c", core]
    commands = [f"tls-diff --core {then_core}"]
    said = session(arguments, commands, tmp_path, passive=False)
    picture = tmp_path / "then-map.json"
    run_gdb([programs / "runs", "-c", then_core], [f"tls-map --format json --output {picture}"], passive=False)
    names = {number: role for role, number in now.items()}
    wanted = {
        ("colour", "crasher"): ('"red"', '"blue"'),
        ("place", "main"): ("heap", "stack"),
        ("note", "other-2"): ('"note a"', '"note b"'),
        ("mood", "other-0"): ("eager", "upset"),
        ("number", "main"): ("7", "8"),
    }
    for other in (f"--core {then_core}", f"--against {picture}"):
        found = written(arguments, f"tls-diff {other} --module runs", tmp_path, passive=False)
        told = {(one["variable"]["name"], names[one["num"]]): one for one in found["differences"]}
        assert told.keys() == wanted.keys()
        for key, (left, right) in wanted.items():
            assert left in told[key]["left"]["text"] and right in told[key]["right"]["text"], told[key]
        assert not any(one["in_state"] or one["expected"] for one in found["differences"])
    assert '"red"' in said[commands[0]].output and "Two runs of the program" in said[commands[0]].words


def core_and_roles(programs: Path, folder: Path, crasher: int, run: str) -> tuple[Path, dict[str, int]]:
    """A core, and which role has which of GDB's numbers in it."""
    folder.mkdir()
    subprocess.run([programs / "runs", folder, str(crasher), run], preexec_fn=allow_cores, check=False)
    (core,) = folder.glob("core*")
    document = written([programs / "runs", "-c", core], "tls-inspect role", folder / "roles")
    return core, {row["text"].split('"role ')[1].rstrip('"'): row["num"] for row in document["threads"]}


def allow_cores() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
