"""tls-table @php and @python: PHP's shapes in a program of threads, and a real Python."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Inferior, Subject, make_core
from integration.sessions import run_gdb, session
from integration.truth import Truth

FUNCTIONS = {"in_main", "in_read", "in_sleep", "in_lock"}


def column(document: Any, name: str) -> dict[int, Any]:
    """A column's cells, by LWP."""
    at = [one["name"] for one in document["columns"]].index(name)
    return {thread["lwp"]: thread["cells"][at] for thread in document["threads"]}


def text_of(cell: Any) -> str | None:
    """What is in the quotes of a value."""
    found = re.search('"(.*)"', cell["text"])
    return found[1] if found else None


def test_php_as_it_is_built_for_threads(subjects: Subjects, kind: str, tmp_path: Path) -> None:
    subject = subjects.get("zend", kind)
    found = documents(subject, ["tls-table @php"], tmp_path)["tls-table @php"]
    for name in ("function", "file", "request_uri"):
        texts = {lwp: text_of(cell) for lwp, cell in column(found, name).items() if cell["state"] == "set"}
        assert texts == {line.lwp: line.value for line in subject.truth.of(name)}, name
    lines = {lwp: cell["value"] for lwp, cell in column(found, "line").items() if cell["state"] == "set"}
    assert lines == {line.lwp: line.value for line in subject.truth.of("line")}
    # One thread executes nothing: its cells say why, and the others are as they are.
    (idle,) = subject.truth.living - set(lines)
    assert column(found, "current_execute_data")[idle]["state"] == "null"
    assert "Cannot access memory" in column(found, "function")[idle]["reason"]
    has = {lwp: cell["state"] == "set" for lwp, cell in column(found, "exception").items()}
    assert has == {**{line.lwp: bool(line.value) for line in subject.truth.of("exception")}, idle: False}


def test_macros_in_expressions_and_files_of_ones_own(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zend", "core")
    folder = tmp_path / "config" / "gdb-tls" / "macros"
    folder.mkdir(parents=True)
    (folder / "mine.macros").write_text("next = @php.line + 1\nuri = @php.SG(request_info).request_uri\n")
    command = "tls-table @mine, @php.EG(exception) != 0 as thrown --where 'thrown == 1'"
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = documents(subject, [command], tmp_path / "answers", environment=environment)[command]
    (line,) = (line for line in subject.truth.of("exception") if line.value)
    (lines,) = (one.value for one in subject.truth.of("line") if one.lwp == line.lwp)
    assert [thread["lwp"] for thread in found["threads"]] == [line.lwp]
    assert column(found, "next")[line.lwp]["value"] == lines + 1
    assert text_of(column(found, "uri")[line.lwp]) == "/send?to=1,2"
    assert [one["expression"] for one in found["columns"]][:2] == ["@mine.next", "@mine.uri"]
    assert "sapi_globals_offset" in found["columns"][1]["evaluated"]


def test_a_program_without_the_runtime_says_what_it_lacks(subjects: Subjects, tmp_path: Path) -> None:
    commands = ["tls-table @python", "print $_tls_status"]
    done = session(subjects.get("zend", "core").arguments, commands, tmp_path)
    assert "in all 4 threads" in done[commands[0]].words
    assert 'No symbol "_Py_tss_tstate" in current context' in done[commands[0]].words
    assert done[commands[1]].output.endswith("= 2\n")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Subject, Subject, dict[int, str]]]:
    """A real Python, live and its core, and which thread has which function."""
    folder = tmp_path_factory.mktemp("python")
    interpreter = shutil.which("python3-dbg")
    assert interpreter, "the package python3-dbg is missing"
    with Inferior([interpreter, PROGRAMS / "python_threads.py"], folder) as inferior:
        assert inferior.process is not None
        said = inferior.wait_ready()
        threads = {int(number): name for name, number in re.findall(rb"(\w+)=(\d+)", said) for name in [name.decode()]}
        core = make_core(inferior, by_kernel=False)
        executable = Path(os.readlink(f"/proc/{inferior.pid}/exe"))
        nothing = folder / "nothing"
        nothing.touch()
        live, dead = (
            Subject("python", kind, executable, inferior.pid, file, Truth(nothing))
            for kind, file in (("live", None), ("core", core))
        )
        yield live, dead, threads


def test_a_real_python(python: tuple[Subject, Subject, dict[int, str]], tmp_path: Path) -> None:
    live, dead, threads = python
    assert set(threads.values()) == FUNCTIONS
    answers = []
    for subject in (live, dead):
        found = documents(subject, ["tls-table @python"], tmp_path / subject.kind)["tls-table @python"]
        assert {lwp: text_of(cell) for lwp, cell in column(found, "function").items()} == threads
        assert {text_of(cell) for cell in column(found, "file").values()} == {str(PROGRAMS / "python_threads.py")}
        states = column(found, "state")
        assert {cell["state"] for cell in states.values()} == {"set"}
        assert len({cell["value"] for cell in states.values()}) == len(threads)
        # All wait with the lock of the interpreter given back.
        assert {cell["value"] for cell in column(found, "holds_gil").values()} == {0}
        assert {cell["state"] for cell in column(found, "exception").values()} == {"null"}
        answers.append({lwp: cell["value"] for lwp, cell in states.items()})
    assert answers[0] == answers[1]


def test_keys_as_a_function(python: tuple[Subject, Subject, dict[int, str]]) -> None:
    live, _, threads = python
    commands = ["thread 2", "print $_tls_key(99999)", "print $_tls_key(0, 99)", "thread"]
    said = run_gdb(live.arguments, commands).text
    assert "= (void *) 0x0" in said and "There is no thread 99." in said
    assert len(threads) == len(FUNCTIONS)
