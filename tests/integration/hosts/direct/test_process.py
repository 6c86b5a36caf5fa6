"""A running process, which is not stopped: nothing false of it, whatever it does meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import PROGRAMS, Inferior, command_of, live_subject, with_own_mounts
from integration.hosts.direct.answers import ROOT, gdb_tls
from integration.truth import Truth, mismatches
from limits import wait_until

from gdb_tls.hosts.direct.process import ProcessMemory

DIRECT = ("--engine", "direct", "--format", "json")


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("restless") / "restless"
    subprocess.run(["gcc", "-g", "-O1", "-pthread", "-o", program, PROGRAMS / "restless.c"], check=True)
    return program


def tracer(pid: int, tid: int) -> int:
    status = Path(f"/proc/{pid}/task/{tid}/status").read_text()
    return int(re.findall(r"^TracerPid:\s*(\d+)", status, re.M)[0])


def states(pid: int) -> set[str]:
    """Of the threads that are there: one may leave between the list and the look."""
    found = set()
    for tid in tids(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(Path(f"/proc/{pid}/task/{tid}/stat").read_text().rpartition(")")[2].split()[0])
    return found


def tids(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")


@pytest.mark.parametrize("stop", [[], ["--stop"]], ids=["running", "stopped"])
def test_it_is_the_truth(programs: Path, tmp_path: Path, stop: list[str]) -> None:
    wrong: list[str] = []
    with live_subject("many", programs / "many", tmp_path) as subject:
        for query in subject.truth.queries[:6]:
            said = gdb_tls(["pid", subject.pid, query, *DIRECT, *stop])
            wrong += mismatches(said.document, subject.truth.of(query), kind="live", untyped_ok=True)
        assert all(tracer(subject.pid, int(tid)) == 0 for tid in tids(subject.pid))
        assert states(subject.pid) == {"S"}, "all of it waits, as before"
    assert wrong == []


def test_nobody_is_asked_to_stop(subjects: Subjects) -> None:
    """A process that has a tracer already cannot have another one: what is read without one needs none."""
    subject = subjects.get("many", "live")
    hold = (
        "import sys; from gdb_tls.hosts.direct.stop import stopped\n"
        f"with stopped({subject.pid}): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], cwd=ROOT, stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        assert tracer(subject.pid, subject.pid) == holder.pid
        said = gdb_tls(["pid", subject.pid, subject.truth.queries[0], *DIRECT])
        refused = gdb_tls(["pid", subject.pid, subject.truth.queries[0], *DIRECT, "--stop"])
        holder.stdin.close()
    lines = subject.truth.of(subject.truth.queries[0])
    assert mismatches(said.document, lines, kind="live", untyped_ok=True) == []
    assert (refused.status, refused.output) == (2, "")
    assert len(refused.errors.splitlines()) == 1 and f"traced by process {holder.pid}" in refused.errors
    assert tracer(subject.pid, subject.pid) == 0


@pytest.mark.parametrize("pause", [False, True], ids=["always", "now and then"])
def test_threads_that_come_and_go(restless: Path, tmp_path: Path, pause: bool) -> None:
    """Whoever has a value has its own: the id of the thread; those that came or went meanwhile are marked."""
    environment = {"RESTLESS_PAUSE": "1"} if pause else {}
    with Inferior([restless, 6], tmp_path, environment=environment) as inferior:
        inferior.wait_ready()
        seen = 0
        for _ in range(4):
            said = gdb_tls(["pid", inferior.pid, "restless_own", *DIRECT])
            assert said.output, said.errors
            rows = said.document["threads"]
            assert rows[0]["lwp"] == inferior.pid
            steady = [row for row in rows if not {"changing", "exited", "being-created"} & set(row["flags"])]
            for row in steady:
                if row["state"] == "set" and row["lwp"]:
                    value = int(str(row["value"]), 0)
                    assert value in (0, row["lwp"]), row
                    seen += value == row["lwp"]
            assert {row["lwp"] for row in rows if row["state"] == "set"} >= {inferior.pid}
            assert "changing" not in said.output or "came and went" in said.errors or "libraries were" in said.errors
        # How many stood still is the machine's affair: a look may last longer than a pause.
        assert seen


def test_a_value_that_never_stands_still(restless: Path, tmp_path: Path) -> None:
    """Values of more than a word of which no two reads agree are marked."""
    with Inferior([restless, 2], tmp_path, environment={"RESTLESS_PAUSE": "1"}) as inferior:
        inferior.wait_ready()
        rows = gdb_tls(["pid", inferior.pid, "restless_pair", *DIRECT]).document["threads"]
        addresses = {row["lwp"]: int(row["address"], 16) for row in rows[:3]}
        memory = ProcessMemory(inferior.pid)

        def changing() -> set[int]:
            assert all(memory.read_many(list(addresses.values()), 256))
            return memory.changing

        seen = wait_until(changing, "a thread that writes all the time is seen to")
        assert addresses[inferior.pid] not in seen, "main leaves its own alone"


def test_stopped_and_let_go(restless: Path, tmp_path: Path) -> None:
    with Inferior([restless, 6], tmp_path) as inferior:
        inferior.wait_ready()
        for _ in range(3):
            said = gdb_tls(["pid", inferior.pid, "restless_own", *DIRECT, "--stop"])
            rows = said.document["threads"]
            assert not said.errors
            assert not any("changing" in row["flags"] for row in rows)
            assert all(
                int(str(row["value"]), 0) in (0, row["lwp"]) for row in rows if row["state"] == "set" and row["lwp"]
            )
        wait_until(lambda: not states(inferior.pid) & {"t", "T"}, "all threads run again")
        assert all(tracer(inferior.pid, int(tid)) == 0 for tid in tids(inferior.pid)[:3])


@contextmanager
def contained(programs: Path, folder: Path) -> Iterator[tuple[int, Truth]]:
    """A process with mounts and process ids of its own, whose files have names that are nothing out here."""
    inside = folder / "inside"
    inside.mkdir()
    script = f'mount -t tmpfs none {inside} && cp {programs / "many"} {programs}/lib*.so {inside} && exec "$@"'
    own = [*with_own_mounts(), "--pid", "--fork", "--mount-proc", "--kill-child"]
    command = [*own, "sh", "-c", script, "sh", *command_of(inside / "many", folder, "wait")]
    with Inferior(command, folder) as inferior:
        inferior.wait_ready()
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and first_word(pid) == str(inside / "many")]
        assert len(found) == 1
        assert not (inside / "many").exists()
        yield int(found[0]), Truth(folder / "truth.jsonl")


def first_word(pid: str) -> str:
    """What a process was started as; the kernel's link to its file is another one where the tests run in a chroot."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]
    except OSError:
        return ""


@pytest.mark.parametrize("stop", [[], ["--stop"]], ids=["running", "stopped"])
def test_in_a_container(programs: Path, tmp_path: Path, stop: list[str]) -> None:
    with contained(programs, tmp_path) as (pid, truth):
        inner = {line.lwp for line in truth.lines}
        for query in truth.queries[:3]:
            document = gdb_tls(["pid", pid, query, *DIRECT, *stop]).document
            assert {row["lwp"] for row in document["threads"]} == {int(tid) for tid in tids(pid)}
            true = {line.thread_pointer: line for line in truth.of(query)}
            rows = {row["thread_pointer"]: row for row in document["threads"]}
            assert rows.keys() == true.keys() and None not in rows
            for pointer, row in rows.items():
                assert (row["address"], row["state"]) == (true[pointer].address, true[pointer].state)
                assert row["name"] == true[pointer].thread.split("\n")[0]
        assert inner != {int(tid) for tid in tids(pid)}, "they have ids of their own"


@pytest.mark.parametrize("whose", ["process", "thread"])
@pytest.mark.parametrize("stop", [[], ["--stop"]], ids=["running", "stopped"])
def test_main_has_left(programs: Path, tmp_path: Path, stop: list[str], whose: str) -> None:
    """A process whose main thread has ended is there, and read by its id, or by that of a thread that goes on."""
    with Inferior([programs / "births"], tmp_path) as inferior:
        inferior.wait_ready()
        (worker,) = {*map(int, tids(inferior.pid))} - {inferior.pid}
        asked = inferior.pid if whose == "process" else worker
        document = gdb_tls(["pid", asked, "births_counter", *DIRECT, *stop]).document
        watched = gdb_tls(["watch", asked, "births_counter", "--for", "1s"])
    assert document["target"]["pid"] == inferior.pid
    said = [(row["lwp"], row["value"], row["flags"]) for row in document["threads"]]
    assert said == [(worker, 8, []), (None, 9, ["exited"])]
    assert f"in 2 threads of births ({inferior.pid})" in watched.output + watched.errors


@pytest.mark.parametrize("stop", [[], ["--stop"]], ids=["running", "stopped"])
def test_a_thread_s_id_is_its_process(programs: Path, tmp_path: Path, stop: list[str]) -> None:
    with live_subject("many", programs / "many", tmp_path) as subject:
        query = subject.truth.queries[0]
        worker = max(map(int, tids(subject.pid)))
        said = gdb_tls(["pid", worker, query, *DIRECT, *stop])
        assert mismatches(said.document, subject.truth.of(query), kind="live", untyped_ok=True) == []
        assert said.document["target"]["pid"] == subject.pid


def test_who_may_not_look(subjects: Subjects) -> None:
    """Someone else's process is refused in one sentence, with what it takes."""
    subject = subjects.get("many", "live")
    if os.getuid() == 0 and shutil.which("setpriv"):
        drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        code = (
            "import sys; from gdb_tls.hosts.direct.process import ProcessMemory\nfrom gdb_tls.errors import TlsError\n"
        )
        code += f"try: ProcessMemory({subject.pid})\nexcept TlsError as error: print(error)"
        said = subprocess.run([*drop, sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True)
        sentence = said.stdout.strip()
    else:
        sentence = gdb_tls(["pid", 1, *DIRECT]).errors
    assert "may not be looked at: it is root's" in sentence and sentence.endswith("Use sudo.")
    assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize("words", [["--engine", "gdb"], [*DIRECT, "--stop"]])
def test_who_is_traced_already(words: list[str], subjects: Subjects) -> None:
    """Who traces it is named, and what needs not trace still answers."""
    subject = subjects.get("many", "live")
    strace = subprocess.Popen(["strace", "-qq", "-f", "-o", os.devnull, "-p", str(subject.pid)])
    try:
        wait_until(lambda: tracer(subject.pid, subject.pid) == strace.pid, "strace traces it")
        said = gdb_tls(["pid", subject.pid, "late_ie_count", *words])
        assert said.status == 2
        assert f"is already traced by process {strace.pid} (strace)" in said.errors
        assert "--engine direct without --stop" in said.errors and len(said.errors.splitlines()) == 1
        assert gdb_tls(["pid", subject.pid, "late_ie_count", *DIRECT]).output
    finally:
        strace.terminate()
        strace.wait()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give the capability up that it has")
def test_why_root_may_not_look(subjects: Subjects) -> None:
    subject = subjects.get("many", "live")
    code = "import sys; from gdb_tls.cli.main import main; sys.exit(main())"
    without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    command = [*without, sys.executable, "-c", code, "pid", str(subject.pid), *DIRECT]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "--cap-add=SYS_PTRACE" in said.stderr and said.returncode == 2


def test_gdb_says_who_reads_it_where_main_has_left(programs: Path, tmp_path: Path) -> None:
    with Inferior([programs / "births"], tmp_path) as inferior:
        inferior.wait_ready()
        refused = gdb_tls(["pid", inferior.pid, "births_counter", "--engine", "gdb"])
    assert "Use --engine direct, which looks at them." in refused.errors and refused.status == 2


@pytest.mark.parametrize("words", [["--engine", "gdb"], [*DIRECT], [*DIRECT, "--stop"]], ids=" ".join)
def test_a_stopped_process_stays_stopped(words: list[str], programs: Path, tmp_path: Path) -> None:
    """By SIGSTOP, which is the user's; and it goes on as it was when it is told to."""
    with Inferior(command_of(programs / "many", tmp_path, "wait"), tmp_path) as inferior:
        inferior.wait_ready()
        os.kill(inferior.pid, signal.SIGSTOP)
        wait_until(lambda: states(inferior.pid) == {"T"}, "all threads are stopped")
        said = gdb_tls(["pid", inferior.pid, "late_ie_count", *words[:2], "--format", "json", *words[4:]])
        assert mismatches(said.document, Truth(tmp_path / "truth.jsonl").of("late_ie_count"), kind="live") == []
        assert states(inferior.pid) == {"T"}
        os.kill(inferior.pid, signal.SIGCONT)
        wait_until(lambda: "T" not in states(inferior.pid), "all threads go on")


def test_a_thread_that_nothing_interrupts(tmp_path: Path) -> None:
    """GDB would wait for it without an end, which is said; without GDB it is looked at."""
    executable = tmp_path / "vforked"
    subprocess.run(["gcc", "-g", "-pthread", "-o", executable, PROGRAMS / "vforked.c"], check=True)
    with subprocess.Popen([executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        truth = dict(map(int, process.stdout.readline().split()[1:]) for _ in range(2))
        said = gdb_tls(["pid", process.pid, "counter", "--format", "json"])
        assert {row["lwp"]: row["value"] for row in said.document["threads"]} == truth
        refused = gdb_tls(["pid", process.pid, "counter", "--engine", "gdb"])
        assert f"Thread {process.pid} of process {process.pid} waits in the kernel" in refused.errors
        assert "--engine direct" in refused.errors and refused.status == 2
        process.stdin.close()


def test_what_has_no_program(tmp_path: Path) -> None:
    """A zombie, and a thread of the kernel where one is to be seen: not "no process"."""
    with subprocess.Popen(["true"]) as ended:
        wait_until(lambda: " Z " in Path(f"/proc/{ended.pid}/stat").read_text(), "it ends")
        for words in (DIRECT, ["--engine", "gdb"]):
            assert f"Process {ended.pid} has ended, and only its parent" in gdb_tls(["pid", ended.pid, *words]).errors
    if Path("/proc/2/comm").exists() and Path("/proc/2/comm").read_text() == "kthreadd\n":
        assert "is a thread of the kernel" in gdb_tls(["pid", 2, *DIRECT]).errors


def test_no_process() -> None:
    said = gdb_tls(["pid", 4194304 + 17, *DIRECT])
    assert (said.status, said.output) == (2, "")
    assert said.errors.startswith("gdb-tls: There is no process 4194321.")
