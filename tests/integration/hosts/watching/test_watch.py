"""gdb-tls watch: a process that does what it is told, and says so; what is seen of it is just that."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from integration.harness import PROGRAMS
from integration.hosts.direct.answers import MAIN, ROOT, gdb_tls
from limits import LIMIT_SECONDS, wait_until

QUICK = ("--interval", "100ms")


class Obedient:
    """The program, which waits for its orders."""

    def __init__(self, program: Path) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", str(program)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert "ready" in self._answer()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, *words: object) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self._answer()

    def start(self) -> int:
        word, lwp = self.tell("start").split()
        assert word == "started"
        return int(lwp)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


class Watch:
    """A watch that runs."""

    def __init__(self, words: Sequence[object], folder: Path) -> None:
        self.file = folder / "events.jsonl"
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", MAIN, "watch", *map(str, words)]
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(
            [*command, "--jsonl", str(self.file)], cwd=ROOT, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )

    def events(self) -> list[dict[str, Any]]:
        lines = self.file.read_text().splitlines(keepends=True) if self.file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def next(self, kind: str, **fields: object) -> dict[str, Any]:
        """Waits for an event of this kind with these fields."""

        def found() -> dict[str, Any] | None:
            wanted = {"event": kind, **fields}.items()
            assert self.process.poll() is None or self.events(), self.said()[1]
            return next((one for one in self.events() if wanted <= _flat(one).items()), None)

        event = wait_until(found, f"{kind} {fields}")
        assert event is not None
        return event

    def said(self) -> tuple[str, str]:
        """What it has said, when it has ended."""
        assert self.process.stdout is not None
        output = self.process.stdout.read()
        self.errors.seek(0)
        return output, self.errors.read()

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    """The fields that can be compared, and the ids of the threads."""
    found = {key: value for key, value in event.items() if isinstance(value, (str, int, bool))}
    return {**found, "lwps": tuple(one["lwp"] for one in event.get("threads", ()))}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    gcc = ["gcc", "-g", "-O1", "-Wall", "-Wextra", "-Werror"]
    shared = [*gcc, "-shared", "-fPIC", "-o"]
    subprocess.run([*shared, folder / "libwatched.so", PROGRAMS / "watched_library.c"], check=True)
    late = ["-DBUFFER=late_buffer", "-DCOUNT=late_count", PROGRAMS / "slots.c"]
    subprocess.run([*shared, folder / "liblate.so", *late], check=True)
    libraries = ["-L", folder, "-lwatched", "-Wl,-rpath,$ORIGIN"]
    subprocess.run([*gcc, "-pthread", "-o", folder / "watched", PROGRAMS / "watched.c", *libraries], check=True)
    return folder


@pytest.fixture
def obedient(built: Path) -> Iterator[Obedient]:
    found = Obedient(built / "watched")
    yield found
    found.close()


@contextmanager
def watching(folder: Path, *words: object) -> Iterator[Watch]:
    found = Watch(words, folder)
    try:
        found.next("began")
        yield found
    finally:
        found.close()


def test_what_it_is_told_is_what_is_seen(obedient: Obedient, built: Path, tmp_path: Path) -> None:
    first = obedient.start()
    with watching(tmp_path, obedient.pid, *QUICK) as watch:
        began = watch.events()[0]
        assert began["threads_at_first"] == 2
        rows = {row["name"]: row for row in began["variables"] if row["module"] == "watched"}
        assert rows.keys() == {"watched_buffer", "watched_count", "watched_copy"}
        assert (rows["watched_buffer"]["set"], rows["watched_buffer"]["null"]) == (1, 1)
        assert rows["watched_count"]["set"] == 2
        second = obedient.start()
        assert watch.next("threads-started", lwps=(second,))["threads"][0]["name"] in ("worker", "watched")
        for lwp in (second, first):
            assert obedient.tell("set", lwp) == f"set {lwp}"
            watch.next("state", variable="watched_buffer", before="null", after="set", lwps=(lwp,))
        obedient.tell("clear", first)
        watch.next("state", variable="watched_buffer", before="set", after="null", lwps=(first,))
        assert obedient.tell("load", built / "liblate.so") == "loaded"
        assert watch.next("module-loaded")["module"] == "liblate.so"
        assert obedient.tell("unload") == "unloaded"
        watch.next("module-unloaded", module="liblate.so")
        before = len(watch.events())
        for _ in range(5):
            obedient.tell("count", second)
        obedient.tell("end", first)
        watch.next("threads-ended", lwps=(first,))
        assert len(watch.events()) == before + 1, "a number that goes up is no event"
        third = obedient.start()  # on the stack of the first
        watch.next("threads-started", lwps=(third,))
        assert not [one for one in watch.events() if one["event"] in ("alarm", "unread")]
        obedient.process.stdin.write("quit\n")  # type: ignore[union-attr]
        watch.next("ended", why="process")
        assert watch.process.wait(LIMIT_SECONDS) == 0
        output, errors = watch.said()
        assert errors == ""
        lines = output.splitlines()
        assert len(lines) == len(watch.events())
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3}  \S", line) for line in lines)
        assert f"watched_buffer (watched): set -> null in worker {first}" in output


def test_names(obedient: Obedient, tmp_path: Path) -> None:
    """Only what was named is told; a path into a value may lead elsewhere later."""
    lwp = obedient.start()
    with watching(tmp_path, obedient.pid, "*watched_buffer", "watched_count", *QUICK) as watch:
        names = [(row["name"], row["set"], row["null"]) for row in watch.events()[0]["variables"]]
        assert names == [("watched_buffer[0]", 1, 1), ("watched_count", 2, 0)]
        obedient.tell("set", lwp)
        watch.next("state", variable="watched_buffer[0]", before="null", after="set", lwps=(lwp,))
        obedient.tell("clear", lwp)
        watch.next("state", variable="watched_buffer[0]", before="set", after="null", lwps=(lwp,))
        assert watch.end() == 0


def test_an_alarm(obedient: Obedient, tmp_path: Path) -> None:
    """Once a new alarm its command, with the alarm; and the exit status says that there was one."""
    obedient.start()
    said = tmp_path / "said"
    command = f'cat >> {said}; echo "$GDB_TLS_PID $GDB_TLS_NAME $GDB_TLS_RULE" >> {said}.more; exit 3'
    with watching(tmp_path, obedient.pid, *QUICK, "--on-alarm", command) as watch:
        obedient.tell("copy")
        alarm = watch.next("alarm")["alarm"]
        assert (alarm["name"], alarm["module"], alarm["rule"]) == ("watched_copy", "libwatched.so", "unset-copy")
        obedient.tell("uncopy")
        watch.next("alarm-over")
        obedient.tell("copy")
        watch.next("alarm", again=True)
        assert watch.end() == 1
        assert "--on-alarm ended with status 3" in watch.said()[1]
    lines = said.read_text().splitlines()
    assert [json.loads(line)["alarm"] for line in lines] == [alarm], "once"
    assert Path(f"{said}.more").read_text() == f"{obedient.pid} watched_copy unset-copy\n"


def test_metrics(obedient: Obedient, tmp_path: Path) -> None:
    lwp = obedient.start()
    with watching(tmp_path, obedient.pid, *QUICK, "--metrics", "0"):

        def where() -> str:
            found = re.search(r"http://127\.0\.0\.1:\d+/metrics", (tmp_path / "errors").read_text())
            return found[0] if found else ""

        url = wait_until(where, "the address")

        def value(name: str, **labels: str) -> float | None:
            text = urllib.request.urlopen(url, timeout=LIMIT_SECONDS).read().decode()
            for line in text.splitlines():
                match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
                found = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or "")) if match else {}
                if match and match[1] == name and labels.items() <= found.items():
                    return float(match[3])
            return None

        buffer = {"variable": "watched_buffer", "module": "watched", "pid": str(obedient.pid)}
        assert value("gdb_tls_threads", **buffer, state="null") == 1
        assert value("gdb_tls_process_threads") == 2
        assert value("gdb_tls_alarms") == 0
        obedient.tell("set", lwp)
        wait_until(lambda: value("gdb_tls_threads", **buffer, state="set") == 2, "the second")
        assert value("gdb_tls_threads", **buffer, state="null") == 0
        assert value("gdb_tls_events_total", event="state") == 1
        obedient.tell("copy")
        wait_until(lambda: value("gdb_tls_alarms") == 1, "the alarm")
        assert value("gdb_tls_alarm_score", variable="watched_copy", rule="unset-copy") == 80
        seconds = value("gdb_tls_look_seconds")
        assert seconds is not None and seconds > 0
        taken = gdb_tls(["watch", obedient.pid, "--metrics", url.split("/")[2]])
        assert (taken.status, taken.output) == (2, "") and "cannot be listened on" in taken.errors
        assert len(taken.errors.splitlines()) == 1


def test_another_program(obedient: Obedient, built: Path, tmp_path: Path) -> None:
    """execve: what was known of the process is known no more."""
    lwp = obedient.start()
    with watching(tmp_path, obedient.pid, "watched_buffer", *QUICK) as watch:
        obedient.tell("exec", built / "watched")
        watch.next("threads-ended")
        fresh = obedient.start()
        watch.next("threads-started", lwps=(fresh,))
        obedient.tell("set", fresh)
        watch.next("state", variable="watched_buffer", after="set", lwps=(fresh,))
        assert lwp not in {
            one["lwp"] for event in watch.events() for one in event.get("threads", ()) if event["event"] == "state"
        }
        assert watch.end(signal.SIGTERM) == 0


def test_nobody_is_stopped(obedient: Obedient, tmp_path: Path) -> None:
    """A process that has a tracer already can have no other; and this one has none."""
    with watching(tmp_path, obedient.pid, *QUICK):
        for _ in range(20):
            status = Path(f"/proc/{obedient.pid}/status").read_text()
            assert "TracerPid:\t0\n" in status and not re.search(r"State:\s+[tT]", status)
            time.sleep(0.02)


def test_a_terminal(obedient: Obedient, tmp_path: Path) -> None:
    lwp = obedient.start()
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="24")
        words = ["watch", str(obedient.pid), *QUICK]
        os.execv(sys.executable, [sys.executable, "-c", MAIN, *words])
    said = b""

    def seen(text: bytes) -> bool:
        nonlocal said
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            said += os.read(terminal, 65536)
        return text in said

    try:
        wait_until(lambda: seen(b"watched_buffer"), "the table")
        assert b"\x1b[?1049h" in said, "a screen of its own"
        obedient.tell("set", lwp)
        wait_until(lambda: seen(b"null -> set in worker %d" % lwp), "the change")
        obedient.tell("copy")
        wait_until(lambda: seen(b"ALARM"), "the alarm")
        os.write(terminal, b"\x03")
        wait_until(lambda: seen(b"\x1b[?1049l"), "the user's screen again")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 1
        assert b"Traceback" not in said
    finally:
        os.close(terminal)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["watch"], "needs a PID"),
        (["watch", "none"], "no process id"),
        (["watch", "4194321"], "no process 4194321"),
        (["watch", "PID", "no_such_name"], "no_such_name"),
        (["watch", "PID", "--interval", "1"], "no duration"),
        (["watch", "PID", "--interval", "1ms"], "too short"),
        (["watch", "PID", "--for", "ever"], "no duration"),
        (["watch", "PID", "--metrics", "here"], "no ADDRESS:PORT"),
        (["watch", "PID", "--metrics", "70000"], "no ADDRESS:PORT"),
        (["watch", "PID", "--jsonl", "/no/such/folder/file"], "cannot be written"),
        (["watch", "PID", "--no-such"], "--no-such"),
    ],
)
def test_bad_input_is_one_sentence(obedient: Obedient, words: list[str], sentence: str) -> None:
    said = gdb_tls([str(obedient.pid) if word == "PID" else word for word in words])
    assert (said.status, said.output) == (2, "")
    assert len(said.errors.splitlines()) == 1 and sentence in said.errors, said.errors


def test_the_time_is_over(obedient: Obedient) -> None:
    said = gdb_tls(["watch", obedient.pid, "--for", "300ms", *QUICK])
    assert said.status == 0 and "the time of --for is over" in said.output


def test_it_costs_little(tmp_path: Path) -> None:
    """A look a second at a thousand threads: nothing is worked out anew (the bound is the benchmark's)."""
    gcc = ["gcc", "-g", "-O1", "-pthread", "-o", tmp_path / "crowd", PROGRAMS / "crowd.c", "-ldl"]
    subprocess.run(gcc, check=True)
    library = ["-DBUFFER=crowd_half_buffer", "-DCOUNT=crowd_half_count", PROGRAMS / "slots.c"]
    subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-o", tmp_path / "libcrowd.so", *library], check=True)
    command = [tmp_path / "crowd", tmp_path / "libcrowd.so", "1000", tmp_path / "truth", "wait"]
    code = """
import sys, time
from gdb_tls.hosts.watching.observer import Observer
observer = Observer(int(sys.argv[1]), [], None, print)
looks = [observer.look() for _ in range(3)]
started = time.process_time()
for _ in range(40):
    looks.append(observer.look())
assert len(looks[-1].threads) == 1000
print((time.process_time() - started) / 40)
"""
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        try:
            assert crowd.stdout.readline() == "ready\n"
            words = [sys.executable, "-c", code, str(crowd.pid)]
            said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        finally:
            crowd.kill()
    assert float(said.stdout) < 0.04, f"{said.stdout.strip()} s of a core's time a look"


def test_threads_that_come_and_go_all_the_time(tmp_path: Path) -> None:
    """No thread starts twice or ends twice, none that stays is said to end, and nothing becomes of what is set."""
    program = tmp_path / "restless"
    subprocess.run(["gcc", "-g", "-O1", "-pthread", "-o", program, PROGRAMS / "restless.c"], check=True)
    command = ["setpriv", "--pdeathsig", "KILL", str(program), "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as restless:
        try:
            assert restless.stdout is not None and restless.stdout.readline() == "ready\n"
            staying = {int(name) for name in os.listdir(f"/proc/{restless.pid}/task")}
            with watching(tmp_path, restless.pid, *QUICK) as watch:
                wait_until(lambda: len(watch.events()) > 20, "events")
                assert watch.end() == 0
                events = watch.events()
        finally:
            restless.kill()
    assert {one["event"] for one in events} == {"began", "threads-started", "threads-ended", "ended"}
    started = [thread["lwp"] for one in events if one["event"] == "threads-started" for thread in one["threads"]]
    ended = [thread["lwp"] for one in events if one["event"] == "threads-ended" for thread in one["threads"]]
    assert len(set(started)) == len(started) and len(set(ended)) == len(ended)
    assert len(staying - {*started, *ended}) >= 3, "main and the two that stay"
