"""tls-audit on a program with one defect for each rule, against its own truth."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject, kernel_writes_cores
from integration.questions.test_exit import said as exit_lines
from integration.questions.test_modules import said as budget_lines
from integration.sessions import CHECKOUT, run_gdb, session
from integration.truth import Truth

# What each variable of suspects.c is there for: the rule that must find it, or None for no alarm.
EXPECTED = {
    "main_only": "set-in-main",
    "minority": "null-in-minority",
    "pair": "shared",
    "gone": "dangling",
    "neighbour_stack": "other-stack",
    "neighbour_block": "other-block",
    "early_buffer": "set-in-main",
    "own": None,
    "everybodys": None,
    "constant": None,
    "mark": None,
    "unused": None,
    "number": None,
}


def written(arguments: list[Any], command: str, folder: Path, **options: Any) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "answer.json"
    output.unlink(missing_ok=True)
    result = run_gdb(arguments, [f"{command} --format json --output {output}"], **options)
    assert output.exists(), result.text
    return json.loads(output.read_text())


def numbers(document: Any, lwps: set[int]) -> list[int]:
    return sorted(thread["num"] for thread in document["threads"] if thread["lwp"] in lwps)


def culprits(truth: Truth, name: str) -> set[int]:
    """The LWPs of the threads in which a variable is wrong, as the program says."""
    lines = truth.of(name)
    if name in ("neighbour_stack", "neighbour_block"):
        return {line.lwp for line in lines if line.state == "set"}
    if name in ("pair", "gone"):
        return {line.lwp for line in lines if line.flags}
    null = {line.lwp for line in lines if line.state == "null"}
    # Main is none of the workers.
    return null - {min(line.lwp for line in lines)}


@pytest.fixture
def subject(subjects: Subjects, kind: str) -> Subject:
    return subjects.get("suspects", kind)


def test_the_audit_finds_every_defect_and_nothing_else(subject: Subject, tmp_path: Path) -> None:
    found = written(subject.arguments, "tls-audit", tmp_path)
    picture = written(subject.arguments, "tls-map", tmp_path)
    assert found["schema"] == "gdb-tls/audit/1"
    alarming = {one["variable"]["name"]: one for one in found["findings"] if one["alarming"]}
    assert set(alarming) == {name for name, rule in EXPECTED.items() if rule}
    for name, one in alarming.items():
        reasons = {reason["rule"]: reason for reason in one["reasons"]}
        assert set(reasons) == {EXPECTED[name]}
        assert sorted(reasons[EXPECTED[name]]["threads"]) == numbers(picture, culprits(subject.truth, name)), name
    assert found["summary"]["alarming"] == len(alarming)
    scores = [one["score"] for one in found["findings"]]
    assert scores == sorted(scores, reverse=True)


def test_the_status_says_that_something_looks_wrong(subjects: Subjects, tmp_path: Path) -> None:
    arguments = subjects.get("suspects", "core").arguments
    commands = ["tls-audit --module suspects", "echo $_tls_status", "tls-audit --module libc.so*", "echo $_tls_status"]
    commands = [command.replace("echo", "output") for command in commands]
    said = session(arguments, commands, tmp_path)
    assert [one.output for one in said.said if one.command.startswith("output")] == ["1", "0"]
    assert "No thread-local variable looks wrong among the " in said[commands[2]].words


def test_an_abort_is_no_memory_fault(subjects: Subjects, tmp_path: Path) -> None:
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    subject = subjects.get("suspects", "core")
    fault = written(subject.arguments, "tls-audit", tmp_path)["fault"]
    assert (fault["signal"], fault["address"]) == ("SIGABRT", None)


@pytest.fixture(scope="module")
def crashed(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A program that crashed under gdb: its truth, its core, and what tls-audit said of the live process."""
    folder = tmp_path_factory.mktemp("crash")
    truth, core, answer = folder / "truth", folder / "core", folder / "live.json"
    words = ["--args", programs / "suspects", "--truth", truth, "--mode", "wait", "--crash", "yes"]
    # run_gdb's own commands would come after --args: so it is a script.
    script = folder / "commands"
    script.write_text(
        f"run\nsource {CHECKOUT / 'gdb_tls.py'}\ntls-audit --format json --output {answer}\ngcore {core}\n"
    )
    command = ["gdb", "-nx", "--batch", "-iex", "set debuginfod enabled off", "-x", script, *words]
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert core.exists() and answer.exists(), finished.stdout + finished.stderr
    return truth, core, answer.read_text()


def check_crash(found: Any, truth: Path) -> None:
    suffering = next(line for line in Truth(truth).of("minority") if line.thread == "worker-3")
    assert found["fault"]["lwp"] == suffering.lwp
    assert (found["fault"]["signal"], found["fault"]["address"]) == ("SIGSEGV", "0x8")
    assert found["fault"]["frames"][0]["function"] == "worker"
    first = found["findings"][0]
    assert first["variable"]["name"] == "minority"
    assert {reason["rule"] for reason in first["reasons"]} == {"explains-fault", "null-in-minority"}


def test_the_variable_that_explains_the_crash_comes_first(
    crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path
) -> None:
    truth, core, live = crashed
    check_crash(json.loads(live), truth)
    check_crash(written([programs / "suspects", "-c", core], "tls-audit", tmp_path), truth)


def test_the_selected_thread_does_not_matter(crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path) -> None:
    arguments = [programs / "suspects", "-c", crashed[1]]
    said = session(arguments, ["thread 5", "tls-audit", "thread"], tmp_path)
    assert said["tls-audit"].output.splitlines()[0].startswith("! struct buffer *minority")
    assert "Current thread is 5" in said["thread"].output
    assert "just above null" in said["tls-audit"].words and "suspects.c:" in said["tls-audit"].words


def test_ctrl_c_shows_what_was_found_so_far(subjects: Subjects, tmp_path: Path) -> None:
    script = tmp_path / "interrupt.py"
    script.write_text(
        "import gdb_tls.questions.audit.answer as audit\n"
        "examine = audit._Auditor.examine\n"
        "def interrupted(self, column):\n"
        "    if column.name == 'pair':\n"
        "        raise KeyboardInterrupt\n"
        "    return examine(self, column)\n"
        "audit._Auditor.examine = interrupted\n"
    )
    said = session(subjects.get("suspects", "core").arguments, [f"source {script}", "tls-audit"], tmp_path)
    assert said["tls-audit"].error is None
    assert "Interrupted:" in said["tls-audit"].words


def test_a_crash_in_what_could_not_be_looked_at_is_no_clean_bill(
    crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path
) -> None:
    """The module that crashed is stripped: that is said first, and the status is that of no answer."""
    stripped = tmp_path / "suspects"
    subprocess.run(["strip", "-o", stripped, programs / "suspects"], check=True)
    said = session([stripped, "-c", crashed[1]], ["tls-audit", "print $_tls_status"], tmp_path)
    words = said["tls-audit"].words
    assert "The program crashed in suspects, whose thread-local variables could not be looked at" in words
    assert words.index("crashed in suspects") < words.index("Not looked at, as it is stripped")
    assert said["print $_tls_status"].output.strip() == "$1 = 2"


def test_no_address_at_all_is_no_answer(subjects: Subjects, tmp_path: Path) -> None:
    """Every row is unresolved: the status is 2, and the reason is said once."""
    commands = ["tls-inspect minority --via dlsym", "print $_tls_status"]
    said = session(subjects.get("suspects", "core").arguments, commands, tmp_path)
    assert said[commands[1]].output.strip() == "$1 = 2"


def test_no_static_tls(kind: str, subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    """A library that got none is named, with those that took it; and what dlerror gave is what the program got."""
    subject = subjects.get("budget", kind)
    lines = budget_lines(subject)
    audit = written(subject.arguments, "tls-audit", tmp_path)
    errors = {error["lwp"]: error for error in audit["loader_errors"]}
    workers = {line["lwp"]: line for line in lines if "asked" in line}
    assert {lwp: errors[lwp]["was_asked"] for lwp in workers} == {lwp: line["asked"] for lwp, line in workers.items()}
    (text,) = (line["error"] for line in workers.values() if line["asked"])
    assert {errors[lwp]["text"] for lwp in workers} == {text}
    (main,) = (error for lwp, error in errors.items() if lwp not in workers)
    assert "no_such_symbol" in main["text"] and not main["was_asked"]
    first = audit["findings"][0]
    assert (first["name"], first["level"], first["alarming"]) == ("libroom_big.so", "not loaded", True)
    sentences = " ".join(reason["sentence"] for reason in first["reasons"])
    assert "cannot allocate memory in static TLS block" in sentences
    assert "Static TLS is used up: " in sentences and "libroom_big.so needs 4,096 (initial-exec)" in sentences
    assert re.search(r"took 9\d\d bytes: libroom_700\.so 7\d\d, libroom_200\.so 2\d\d\.", sentences)
    assert {number for reason in first["reasons"] for number in reason["threads"]} == {
        error["num"] for lwp, error in errors.items() if lwp in workers
    }
    assert "Not loaded for want of static TLS: libroom_big.so." in " ".join(audit["verdict"])


def test_destructors(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Code that is gone, and a key that only main has set though others need its destructor as well."""
    subject = subjects.get("exits", kind)
    lwps = {line["who"]: line["lwp"] for line in exit_lines(subject) if "who" in line}
    commands = ["tls-audit", "tls-keys", "tls-exit all"]
    found = documents(subject, commands, tmp_path)
    audit = found["tls-audit"]
    number = {thread["lwp"]: thread["num"] for thread in found["tls-exit all"]["threads"]}
    keys = {
        key["destructor"]["name"]: key["key"]
        for key in found["tls-keys"]["keys"]
        if key["in_use"] and key["destructor"]["address"] != "0x0"
    }
    named = {
        one["name"]: one for one in audit["findings"] if one["reasons"][0]["rule"] in ("destructor-gone", "set-once")
    }
    gone = [f"pthread key {keys[None]}", "orphan"]
    once = f"pthread key {keys['end_once']}"
    assert sorted(named) == sorted([*gone, once])
    assert all(one["alarming"] for one in named.values())
    for name in gone:
        (reason,) = named[name]["reasons"]
        assert reason["rule"] == "destructor-gone" and reason["threads"] == [number[lwps["worker-4"]]]
        assert "where no code is mapped" in reason["sentence"]
    (reason,) = named[once]["reasons"]
    assert (named[once]["key"], reason["rule"]) == (keys["end_once"], "set-once")
    assert reason["threads"] == sorted(number[lwps[f"worker-{one}"]] for one in (1, 2, 4))
    assert "to the value of unfreed" in reason["sentence"] and "in the main thread only" in reason["sentence"]
