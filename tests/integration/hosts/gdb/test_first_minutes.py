"""What somebody meets who does not know the commands yet: `tls`, and the line after a crash."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import EXTENSION, one_sentence, run_gdb, session
from limits import LIMIT_SECONDS

from gdb_tls.questions.every import every

HINT = re.compile(r"^\[Is a thread-local variable behind this (\w+)\? Type tls-audit\.\]$", re.MULTILINE)
FATAL = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")


# `tls`


def test_tls_alone_lists_the_family(tmp_path: Path) -> None:
    done = session([], ["tls", "tls --help", "help tls"], tmp_path)
    text = done["tls"].output
    for spec in every():
        assert f"{spec.name} {spec.summary}" in done["tls"].words
        assert re.search(rf"^{spec.name} ", text, re.MULTILINE)
        assert f"{spec.name.replace('-', ' ', 1)} -- {spec.summary}" in done["help tls"].output
    assert all(len(line) <= 80 for line in text.splitlines())
    assert done["tls --help"].output == text


def test_two_words_are_the_same_command(subjects: Subjects, tmp_path: Path) -> None:
    solo = subjects.get("solo", "core")
    pairs = {
        "tls inspect solo_buffer": "tls-inspect solo_buffer",
        "tls inspect solo_count --format csv": "tls-inspect solo_count --format csv",
        "tls ins solo_count": "tls-inspect solo_count",
        "help tls inspect": "help tls-inspect",
        "tls audit": "tls-audit",
    }
    completed = {"complete tls inspect solo_b": "tls inspect solo_buffer", "complete tls-insp": "tls-inspect"}
    lines = [*(line for pair in pairs.items() for line in pair), *completed]
    done = session(solo.arguments, lines, tmp_path)
    for two, one in pairs.items():
        assert done[two].output == done[one].output != "", (two, done[two].words)
    for line, found in completed.items():
        assert done[line].output.split("\n")[0] == found


def test_what_is_no_command_behind_tls(tmp_path: Path) -> None:
    done = session([], ["tls inspcet x", "tls solo_buffer", "tls m", "tls inspect"], tmp_path)
    assert "Did you mean tls-inspect x?" in one_sentence(done, "tls inspcet x")
    assert "tls-inspect solo_buffer" in one_sentence(done, "tls solo_buffer")
    assert "map" in one_sentence(done, "tls m") and "modules" in one_sentence(done, "tls m")
    assert "NAME" in one_sentence(done, "tls inspect")


# After a crash


def typed(arguments: Sequence[object], lines: Sequence[str], folder: Path) -> list[str]:
    """The signals of the lines that gdb says to somebody who types this at its prompt."""
    words = ["gdb", "-nx", "-q", "-iex", "set confirm off", "-iex", "set debuginfod enabled off"]
    done = subprocess.run(
        [*words, "-iex", f"source {EXTENSION}", *map(str, arguments)],
        input="".join(line + "\n" for line in lines),
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TERM": "dumb", "HOME": str(folder), "SHELL": "/bin/sh"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=LIMIT_SECONDS,
    )
    assert "Python Exception" not in done.stdout and "Traceback" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout
    return HINT.findall(done.stdout.replace("(gdb) ", ""))


def number(name: str) -> str:
    return str(int(getattr(signal, name)))


@pytest.mark.parametrize("name", FATAL)
def test_a_crash_has_its_line_once(name: str, programs: Path, tmp_path: Path) -> None:
    lines = ["run", "print 1", "backtrace", "thread 1"]
    assert typed(["--args", programs / "signals", number(name)], lines, tmp_path) == [name]


def test_each_crash_has_its_line(programs: Path, tmp_path: Path) -> None:
    """The program goes on, and crashes again."""
    words = ["--args", programs / "signals", number("SIGFPE"), number("SIGILL")]
    assert typed(words, ["run", "signal 0", "kill", "run"], tmp_path) == ["SIGFPE", "SIGILL", "SIGFPE"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGUSR1", "SIGTRAP", "SIGTERM"])
def test_other_stops_are_no_crash(name: str, programs: Path, tmp_path: Path) -> None:
    words = ["--args", programs / "signals", number(name)]
    assert typed(words, ["break main", "run", "continue", "continue"], tmp_path) == []


def test_a_program_without_thread_local_variables(programs: Path, tmp_path: Path) -> None:
    """But those of the C library, which are everywhere."""
    assert typed(["--args", programs / "signals_without", number("SIGSEGV")], ["run"], tmp_path) == []


def test_the_setting(programs: Path, tmp_path: Path) -> None:
    words = ["--args", programs / "signals", number("SIGSEGV")]
    assert typed(words, ["set tls hint off", "run", "set tls hint on", "kill", "run"], tmp_path) == ["SIGSEGV"]


@pytest.fixture
def aborted(subjects: Subjects) -> Subject:
    return subjects.get("solo", "core")


def test_a_core_has_its_line_once(aborted: Subject, subjects: Subjects, tmp_path: Path) -> None:
    """However it is loaded, and whatever is loaded after it."""
    lines = ["print 1", f"add-symbol-file {aborted.executable}", "print 1"]
    assert typed(aborted.arguments, lines, tmp_path) == ["SIGABRT"]
    load = f"core-file {aborted.core}"
    assert typed([aborted.executable], [load, *lines], tmp_path) == ["SIGABRT"]
    other = f"core-file {subjects.get('zoo', 'core').core}"
    assert typed([aborted.executable], [load, other], tmp_path) == ["SIGABRT"] * 2
    assert typed(aborted.arguments, [f"source {EXTENSION}", "print 1"], tmp_path) == ["SIGABRT"]


def test_a_core_of_a_program_that_did_not_crash(subjects: Subjects, tmp_path: Path) -> None:
    assert typed(subjects.get("solo", "gcore").arguments, ["print 1"], tmp_path) == []


def test_scripts_do_not_see_it(aborted: Subject, programs: Path, tmp_path: Path) -> None:
    assert not HINT.search(run_gdb(aborted.arguments, ["print 1", "tls-inspect solo_count"]).text)
    crashing = ["--args", programs / "signals", number("SIGSEGV")]
    assert not HINT.search(run_gdb(crashing, ["run", "print 1"]).text)


def test_a_crash_in_a_call_that_was_undone(programs: Path, tmp_path: Path) -> None:
    """The program itself stands where it stood."""
    lines = ["set unwindonsignal on", "break main", "run", "call (int) raise(8)", "print 1"]
    assert typed([programs / "signals"], lines, tmp_path) == []
