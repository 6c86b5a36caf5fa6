"""What people see with many threads: lines for many, every row for programs, no pager, and Ctrl-C that works."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import runpy
import select
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.sessions import CHECKOUT, EXTENSION, session
from limits import LIMIT_SECONDS, wait_until

# Above what gdb_tls.hosts.gdb.core_threads calls few.
THREADS = 1200
PROMPT = b"(gdb) "


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The benchmark's programs, and a core of many threads."""
    made = runpy.run_path(str(CHECKOUT / "scripts" / "bench"))["Bench"](tmp_path_factory.mktemp("many"), 1, True)
    made.sizes = [THREADS]
    made.build()
    return made


@pytest.fixture(params=["live", "core"])
def arguments(request: pytest.FixtureRequest, bench: Any) -> Iterator[list[str]]:
    if request.param == "core":
        yield bench.on_core(THREADS)
        return
    with bench.process(THREADS, "live.addresses") as pid:
        yield ["-p", str(pid)]


def found_in(folder: Path) -> list[str]:
    """The program opened its library as ./slots.so."""
    return [f"set solib-search-path {folder}"]


def test_threads_that_are_alike_share_a_line(arguments: list[str], bench: Any, tmp_path: Path) -> None:
    commands = ["set tls max-rows 50", "tls-inspect bench_main_only", "tls-inspect bench_main_only --all"]
    done = session(arguments, commands, tmp_path, early=found_in(bench.folder))
    few, every = (done[command].output.splitlines() for command in commands[1:])
    assert len(few) < 12 and len(every) > THREADS
    assert any(line.startswith(f"  {THREADS - 1:,} threads (>99 %) ") and f"2-{THREADS}" in line for line in few)
    assert sum(" NULL " in line for line in every if line[2:3].isdigit()) == THREADS - 1
    assert f"NULL in {THREADS - 1:,} of {THREADS:,} threads (>99 %): 2-{THREADS}." in few


def test_programs_get_every_thread(arguments: list[str], bench: Any, tmp_path: Path) -> None:
    """Each with the address that the program itself says."""
    files = {form: tmp_path / f"answer.{form}" for form in ("json", "csv")}
    session(
        arguments,
        [f"tls-inspect bench_own --format {form} --output {file}" for form, file in files.items()],
        tmp_path,
        early=found_in(bench.folder),
    )
    name = "live" if arguments[0] == "-p" else str(THREADS)
    content = (bench.folder / f"{name}.addresses").read_bytes()
    truth = {hex(address) for (address,) in struct.iter_unpack("<Q", content)}
    rows = json.loads(files["json"].read_text())["threads"]
    assert [row["num"] for row in rows] == list(range(1, THREADS + 1))
    assert {row["address"] for row in rows} == truth == {row["value"] for row in rows}
    assert len({row["lwp"] for row in rows}) == THREADS
    # One line a thread, which `grep` and `diff` like.
    assert sum(line.startswith('  {"num": ') for line in files["json"].read_text().splitlines()) == THREADS
    with files["csv"].open(newline="") as file:
        assert [(row["num"], row["address"]) for row in csv.DictReader(file)] == [
            (str(row["num"]), row["address"]) for row in rows
        ]


class Terminal:
    """gdb as a user has it: on a terminal."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        self.said = b""
        self.pid, self.file = pty.fork()
        if not self.pid:
            early = ["-iex", "set debuginfod enabled off", "-iex", "set style enabled off", "-iex", "set height 0"]
            early += ["-iex", "set editing off"]  # else the prompt comes again with every redrawn line
            environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LC_ALL": "C"}
            os.execvpe("gdb", ["gdb", "-nx", "-q", *early, *arguments], environment)
        self.wait()

    def type(self, text: bytes) -> None:
        os.write(self.file, text)

    def wait(self, word: bytes = PROMPT) -> bytes:
        """What is said until a word comes."""
        deadline = time.monotonic() + LIMIT_SECONDS
        start = len(self.said)
        while word not in self.said[start:]:
            assert select.select([self.file], [], [], max(deadline - time.monotonic(), 0))[0], self.said[-2000:]
            self.said += os.read(self.file, 65536)
        return self.said[start:]

    def run(self, command: str) -> bytes:
        self.type(command.encode() + b"\n")
        return self.wait(b"\n" + PROMPT)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


@pytest.fixture
def terminal(bench: Any, tmp_path: Path) -> Iterator[Terminal]:
    commands = [*found_in(bench.folder), f"source {EXTENSION}"]
    made = Terminal([word for one in commands for word in ("-ex", one)] + bench.on_core(THREADS), tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_the_pager_does_not_ask(terminal: Terminal) -> None:
    assert b"pagination is on" in terminal.run("show pagination")
    terminal.run("set height 20")
    said = terminal.run("tls-inspect bench_own --all")
    assert said.count(b"\n") > THREADS and b"--Type <RET>" not in said
    assert b"pagination is on" in terminal.run("show pagination")


# Has the command stay for ever at the Nth piece of its work, and say when it is there.
STAY = """
import time, types
from gdb_tls.hosts.gdb import progress
def stay(begin):
    def stayed(self, *arguments):
        global left
        left -= 1
        if left == 0:
            open({reached!r}, "w").close()
            time.sleep({limit})
        return begin(self, *arguments)
    return stayed
left = {number}
progress.TerminalProgress.task = stay(progress.TerminalProgress.task)
progress.Task.advance = stay(progress.Task.advance)
"""


@pytest.mark.parametrize("number", [1, 5], ids=["before-anything-is-found", "later"])
def test_control_c(terminal: Terminal, tmp_path: Path, number: int) -> None:
    """It ends what takes long, gdb lives on, and what was set is as it was."""
    file, reached, script = (tmp_path / name for name in ("all.json", "reached", "stay.py"))
    script.write_text(STAY.format(reached=str(reached), number=number, limit=LIMIT_SECONDS))
    terminal.run(f"source {script}")
    terminal.type(f"tls-thread all --format json --output {file}\n".encode())
    wait_until(reached.exists, "the command's work")
    terminal.type(b"\x03")
    said = terminal.wait(PROMPT)
    # Before anything is found the command ends; later it writes what was found so far, and says that it is not all.
    if number == 1:
        assert b"was interrupted" in said and not file.exists()
    else:
        assert json.loads(file.read_text())["interrupted"] is True
    assert b"current thread is 1" in terminal.run("thread").lower()
    assert f"Set in all {THREADS:,} threads".encode() in terminal.run("tls-inspect bench_own")


# Has Ctrl-C come while GDB runs Python in a command, whose errors it swallows.
INTERRUPT = """
import os, signal
from gdb_tls.hosts.gdb import core_threads
note, left = core_threads.note_selected, 100
def note_selected():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGINT)
    note()
core_threads.note_selected = note_selected
"""


def test_control_c_in_a_table_shows_what_it_has(terminal: Terminal, tmp_path: Path) -> None:
    """No row says that GDB has another thread there."""
    script, file = tmp_path / "interrupt.py", tmp_path / "table.json"
    script.write_text(INTERRUPT)
    terminal.run(f"source {script}")
    terminal.run(f"tls-table $sp, bench_own --format json --output {file}")
    document = json.loads(file.read_text())
    assert document["summary"]["interrupted"] is True
    pointers, own = zip(*(thread["cells"] for thread in document["threads"]))
    reasons = [cell["reason"] for cell in pointers]
    assert set(reasons) == {None, "interrupted before this thread was looked at"}
    assert 0 < reasons.count(None) < THREADS, "those that were looked at have their values"
    assert all(cell["state"] == "set" for cell in own)


def test_what_is_selected_stays_so(arguments: list[str], bench: Any, tmp_path: Path) -> None:
    """Stacks are read in pieces, and after each the user's thread and frame are selected again; so they are at last."""
    many = ["tls-inspect bench_own --all", "tls-table bench_own --all"]
    commands = ["thread 40", "up", "frame", *many, "thread", "info frame"]
    done = session(arguments, commands, tmp_path, early=found_in(bench.folder))
    selected = done["frame"].output.split()[:2]
    assert selected[0] == "#1"
    assert done["thread"].output.startswith("[Current thread is 40 ")
    assert done["info frame"].output.startswith("Stack level 1, ")
    for command in many:
        rows = [line for line in done[command].output.splitlines() if re.match(r"[ *] *\d", line)]
        assert len(rows) == THREADS and all("threads.cc:" in line for line in rows)
