"""gdbserver over TCP, extended-remote, and non-stop with running threads, against the truth."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from integration.anywhere import BY_NAME
from integration.harness import Subject, live_subject
from integration.sessions import ask
from integration.truth import mismatches

BUILDS = ("pie", "static-pie", "musl")


@pytest.fixture(params=BUILDS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    with live_subject(request.param, BY_NAME[request.param].executable(), tmp_path / "run") as running:
        yield running


@contextlib.contextmanager
def gdbserver(*arguments: object, through: Sequence[object] = ()) -> Iterator[str]:
    """A server on a port that the kernel chose: the argument for `target`; `through` is a command that starts it."""
    command = [*map(str, through), "gdbserver", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            said = ""
            while not (found := re.search(r"Listening on port (\d+)", said)):
                line = server.stderr.readline()
                assert line, said
                said += line
            yield f"127.0.0.1:{found[1]}"
        finally:
            server.kill()


@pytest.mark.parametrize("extended", [False, True], ids=["remote", "extended-remote"])
def test_gdbserver(subject: Subject, extended: bool, tmp_path: Path) -> None:
    queries = BY_NAME[subject.program].queries
    arguments = ["--multi", "127.0.0.1:0"] if extended else ["--attach", "127.0.0.1:0", subject.pid]
    with gdbserver(*arguments) as address:
        before = [f"target extended-remote {address}", f"attach {subject.pid}"]
        before = before if extended else [f"target remote {address}"]
        # GDB takes the files from this machine, and not through the server.
        early = ["set sysroot /"]
        answers = ask([subject.executable], queries, tmp_path / "answers", before=before, after=["detach"], early=early)
    wrong = []
    for query in queries:
        wrong += mismatches(answers[query], subject.truth.of(query), kind="remote")
    assert wrong == []


def test_non_stop_with_running_threads(subject: Subject, tmp_path: Path) -> None:
    """What libc's lists say needs no stopped thread; where there is no list, the row says that it runs."""
    queries = BY_NAME[subject.program].queries
    before = [f"attach {subject.pid}", "thread 1", "continue &", "thread 2"]
    early = ["set non-stop on", "set pagination off"]
    answers = ask(
        [subject.executable],
        queries,
        tmp_path / "answers",
        before=before,
        after=["info threads", "kill"],
        early=early,
    )
    for query in queries:
        true = {line.lwp: line for line in subject.truth.of(query)}
        rows = answers[query]["threads"]
        assert {row["lwp"] for row in rows} == set(true)
        for row in rows:
            line = true[row["lwp"]]
            if row["state"] == "unresolved":
                assert "running" in row["reason"]
            else:
                assert (row["state"], row["address"], row["value"]) == (line.state, line.address, line.value)
        # musl keeps no list of threads outside of them: with none stopped there is no way in.
        assert subject.program == "musl" or all(row["state"] != "unresolved" for row in rows)
    assert "(running)" in answers.result.stdout
