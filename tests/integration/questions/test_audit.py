"""tls-audit on a program with one defect for each rule, against its own truth."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Inferior, Subject, kernel_writes_cores
from integration.questions.test_exit import said as exit_lines
from integration.questions.test_modules import said as budget_lines
from integration.sessions import CHECKOUT, run_gdb, session
from integration.truth import Truth
from limits import LIMIT_SECONDS

# What each variable of suspects.c is there for: the rule that must find it, or None for no hint.
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


CRASHES = "minority->length = 1;"


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


def test_the_audit_hints_at_every_pattern_and_alarms_at_none(subject: Subject, tmp_path: Path) -> None:
    """The patterns of the values alone are no evidence: every worker runs the code that sets them."""
    found = written(subject.arguments, "tls-audit", tmp_path)
    picture = written(subject.arguments, "tls-map", tmp_path)
    assert found["schema"] == "gdb-tls/audit/1"
    assert [one["variable"]["name"] for one in found["findings"] if one["alarming"]] == []
    hints = {one["variable"]["name"]: one for one in found["findings"]}
    for name, rule in EXPECTED.items():
        reasons = {reason["rule"]: reason for reason in hints[name]["reasons"]} if name in hints else {}
        if rule:
            assert set(reasons) == {rule}
            assert sorted(reasons[rule]["threads"]) == numbers(picture, culprits(subject.truth, name)), name
        else:
            # What all share may be meant so, and is the weakest of the hints.
            assert set(reasons) <= {"shared"}, name
    weakest = min(hints[name]["score"] for name, rule in EXPECTED.items() if rule)
    assert all(one["score"] <= weakest for name, one in hints.items() if not EXPECTED.get(name))
    assert found["summary"]["alarming"] == 0 and found["summary"]["hints"] == len(found["findings"])
    scores = [one["score"] for one in found["findings"]]
    assert scores == sorted(scores, reverse=True)


# What tls-inspect says by the same rules.
SENTENCES = {
    "set-in-main": "Set only in the main thread",
    "shared": "share one object: it is not each thread's own.",
    "dangling": "Dangling in",
    "other-stack": "it points into the stack of",
    "other-block": "it points into the thread-local storage of",
}


def test_inspecting_says_what_the_audit_says(subject: Subject, tmp_path: Path) -> None:
    found = written(subject.arguments, "tls-audit", tmp_path)
    rules = {one["variable"]["name"]: {reason["rule"] for reason in one["reasons"]} for one in found["findings"]}
    commands = [f"tls-inspect {name} --module suspects" for name in EXPECTED if name != "early_buffer"]
    done = session(subject.arguments, commands, tmp_path / "inspect")
    for command in commands:
        name = command.split()[1]
        said = done[command].words
        assert done[command].error is None, said
        for rule, sentence in SENTENCES.items():
            assert (sentence in said) == (rule in rules.get(name, ())), (name, rule, said)
    assert "it holds a mark, and no address." in done["tls-inspect mark --module suspects"].words


def test_hints_are_shown_when_they_are_asked_for(subject: Subject, tmp_path: Path) -> None:
    said = session(subject.arguments, ["tls-audit --module suspects", "tls-audit --module suspects --all"], tmp_path)
    short, whole = (one.words for one in said.said)
    assert "Dangling in" not in short and "weak hints not shown: --all shows them." in short
    assert "Dangling in" in whole and "Set only in the main thread" in whole and "not shown" not in whole


def test_the_status_says_whether_something_looks_wrong(subjects: Subjects, tmp_path: Path) -> None:
    arguments = subjects.get("server", "core").arguments
    commands = [
        "tls-audit --module server",
        "output $_tls_status",
        "tls-audit --module libc.so*",
        "output $_tls_status",
    ]
    said = session(arguments, commands, tmp_path)
    assert [one.output for one in said.said if one.command.startswith("output")] == ["1", "0"]
    assert "No thread-local variable looks wrong among the " in said[commands[2]].words
    arguments = subjects.get("suspects", "core").arguments
    said = session(arguments, ["tls-audit", "output $_tls_status"], tmp_path)
    assert said["output $_tls_status"].output == "0"


@pytest.mark.parametrize("kind", ["live", "gcore", "core"])
def test_code_that_needs_what_nobody_sets_is_found(subjects: Subjects, kind: str, tmp_path: Path) -> None:
    """It has not crashed yet; the core of the kernel is of a program that was killed.

    Of the variables of server.c that are null in its workers one is needed there, and nothing sets it.
    """
    subject = subjects.get("server", kind)
    found = written(subject.arguments, "tls-audit", tmp_path)
    picture = written(subject.arguments, "tls-map", tmp_path)
    (alarm,) = [one for one in found["findings"] if one["alarming"]]
    assert alarm["variable"]["name"] == "forgotten"
    reason = alarm["reasons"][0]
    assert reason["rule"] == "unchecked-null"
    assert reason["sentence"] == "Written only by set_up; use_forgotten uses it unchecked."
    workers = {line.lwp for line in subject.truth.of("number") if line.thread.startswith("worker")}
    assert len(workers) == 4 and sorted(reason["threads"]) == numbers(picture, workers)
    said = session(subject.arguments, ["tls-audit", "output $_tls_status"], tmp_path)
    assert said["tls-audit"].output.splitlines()[1].startswith("! struct buffer *forgotten")
    assert said["output $_tls_status"].output == "1"


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
    assert [one["variable"]["name"] for one in found["findings"] if one["alarming"]] == ["minority"]
    chain, *others = first["reasons"]
    assert chain["rule"] == "cause" and {one["rule"] for one in others} == {"evidence"}
    num = found["fault"]["num"]
    line = next(
        number for number, text in enumerate((PROGRAMS / "suspects.c").read_text().splitlines(), 1) if CRASHES in text
    )
    assert chain["sentence"] == (
        f"Thread {num} crashed at suspects.c:{line} (worker) on 0x8, just above null; "
        f"the pointer was read at suspects.c:{line} from minority."
    )
    assert any(one["sentence"].startswith(f"It is null only in thread {num}, and set in ") for one in others)


def test_the_variable_that_explains_the_crash_comes_first(
    crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path
) -> None:
    truth, core, live = crashed
    check_crash(json.loads(live), truth)
    check_crash(written([programs / "suspects", "-c", core], "tls-audit", tmp_path), truth)


def test_the_selected_thread_does_not_matter(crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path) -> None:
    arguments = [programs / "suspects", "-c", crashed[1]]
    said = session(arguments, ["thread 5", "tls-audit", "thread"], tmp_path)
    assert said["tls-audit"].output.splitlines()[1].startswith("! struct buffer *minority")
    assert "Current thread is 5" in said["thread"].output
    assert "just above null" in said["tls-audit"].words and "suspects.c:" in said["tls-audit"].words
    assert "Every thread's value: tls-inspect minority" in said["tls-audit"].output


def test_ctrl_c_shows_what_was_found_so_far(subjects: Subjects, tmp_path: Path) -> None:
    script = tmp_path / "interrupt.py"
    script.write_text(
        "import gdb_tls.questions.audit.examine as audit\n"
        "examine = audit.Examiner.examine\n"
        "def interrupted(self, column):\n"
        "    if column.name == 'pair':\n"
        "        raise KeyboardInterrupt\n"
        "    return examine(self, column)\n"
        "audit.Examiner.examine = interrupted\n"
    )
    said = session(subjects.get("suspects", "core").arguments, [f"source {script}", "tls-audit"], tmp_path)
    assert said["tls-audit"].error is None
    assert "Interrupted:" in said["tls-audit"].words


def test_a_stripped_file_tells_the_place_of_the_cause(
    crashed: tuple[Path, Path, str], programs: Path, tmp_path: Path
) -> None:
    """Its variables have no names any more, but the code that crashed is there."""
    (offset,) = {
        one["variable"]["offset"]
        for one in json.loads(crashed[2])["findings"]
        if one["variable"] and one["variable"]["name"] == "minority"
    }
    stripped = tmp_path / "suspects"
    subprocess.run(["strip", "-o", stripped, programs / "suspects"], check=True)
    said = session([stripped, "-c", crashed[1]], ["tls-audit", "print $_tls_status"], tmp_path)
    assert said["tls-audit"].output.splitlines()[1].startswith(f"! suspects+{offset} ")
    assert said["print $_tls_status"].output.strip() == "$1 = 1"


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
    # A key's name has that of its variable behind it.
    named = {
        one["name"].partition(" (")[0]: one
        for one in audit["findings"]
        if one["reasons"][0]["rule"] in ("destructor-gone", "set-once")
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
    assert named[once]["name"] == f"{once} ((anonymous namespace)::once)"
    assert reason["threads"] == sorted(number[lwps[f"worker-{one}"]] for one in (1, 2, 4))
    assert "to the value of unfreed" in reason["sentence"] and "in the main thread only" in reason["sentence"]


@pytest.mark.skipif(not kernel_writes_cores(), reason="the kernel writes cores elsewhere")
def test_used_after_its_destructor(programs: Path, tmp_path: Path) -> None:
    with Inferior([programs / "after"], tmp_path) as inferior:
        assert inferior.process is not None
        assert inferior.process.wait(LIMIT_SECONDS) == -signal.SIGSEGV
    (core,) = tmp_path.glob("core*")
    audit = written([str(programs / "after"), "-c", str(core)], "tls-audit", tmp_path)
    first = audit["findings"][0]
    assert (first["name"], first["level"]) == ("owner", "the cause of the crash")
    sentences = [reason["sentence"] for reason in first["reasons"]]
    number = audit["fault"]["num"]
    assert f"Thread {number} was ending: it ran the destructors of thread_local objects, User::~User then." in sentences
    destroyed = f"owner is destroyed already in thread {number}, and alive in 1 other thread (its destructor has begun"
    assert f"{destroyed}: this thread is ending)." in sentences


@pytest.mark.skipif(not kernel_writes_cores(), reason="the kernel writes cores elsewhere")
def test_used_before_its_constructor(programs: Path, tmp_path: Path) -> None:
    with Inferior([programs / "unmade"], tmp_path) as inferior:
        assert inferior.process is not None
        assert inferior.process.wait(LIMIT_SECONDS) == -signal.SIGSEGV
    (core,) = tmp_path.glob("core*")
    audit = written([str(programs / "unmade"), "-c", str(core)], "tls-audit", tmp_path)
    first = audit["findings"][0]
    assert (first["name"], first["level"]) == ("table", "the cause of the crash")
    sentences = [reason["sentence"] for reason in first["reasons"]]
    unmade = f"table is not constructed in thread {audit['fault']['num']}, and alive in 2 other threads"
    assert f"{unmade} (its guard is not set in this thread)." in sentences
    assert [one["name"] for one in audit["findings"] if one["alarming"]] == ["table"]


@pytest.mark.skipif(not kernel_writes_cores(), reason="the kernel writes cores elsewhere")
@pytest.mark.parametrize("level", [0, 2])
def test_rust_value_used_when_destroyed(level: int, tmp_path: Path) -> None:
    """Its frames are gone: Rust has caught the panic, and aborted at the end of the destructor."""
    executable = tmp_path / "dropped"
    command = ["rustc", "-g", "-C", f"opt-level={level}", str(PROGRAMS / "dropped.rs"), "-o", str(executable)]
    subprocess.run(command, check=True, capture_output=True)
    with Inferior([executable], tmp_path / "run") as inferior:
        assert inferior.process is not None
        assert inferior.process.wait(LIMIT_SECONDS) == -signal.SIGABRT
    (core,) = (tmp_path / "run").glob("core*")
    audit = written([str(executable), "-c", str(core)], "tls-audit", tmp_path)
    (found,) = (one for one in audit["findings"] if one["alarming"])
    assert found["name"] == "dropped::TRACE"
    (sentence,) = (reason["sentence"] for reason in found["reasons"])
    number = audit["fault"]["num"]
    assert sentence.startswith(f"dropped::TRACE is destroyed already in thread {number}, and alive in 2 other threads.")
    assert "it runs the destructors of thread_local objects" in sentence and "uses dropped::TRACE" in sentence
