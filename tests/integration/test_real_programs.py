"""Programs that nobody here wrote: redis-server's errno, and the JVM's current thread."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from integration.harness import Inferior, kernel_writes_cores, make_core
from integration.sessions import ask, run_gdb, session
from integration.truth import summary_of

# Scripts that come with a program (openjdk has one) are not what is tested, and print tracebacks of their own.
EARLY = ("set auto-load python-scripts off",)

# GDB's own answer, thread by thread: address, or null where it gives none.
ADDRESSES = """
import gdb, json
found = {{}}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    try:
        found[thread.ptid[1]] = hex(int(gdb.parse_and_eval("(long) &{name}")))
    except gdb.error:
        found[thread.ptid[1]] = None
print("ADDRESSES" + json.dumps(found))
"""

# A kernel core of any of these is larger than it needs to be; 0x1 is anonymous private memory.
SMALL_CORES = 'echo 0x11 > /proc/self/coredump_filter; exec "$@"'

JAVA = """
public class Sleeper {
    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i < 3; i++) {
            Thread thread = new Thread(() -> sleep(), "sleeper-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        System.out.println("ready");
        sleep();
    }

    static void sleep() {
        try {
            Thread.currentThread().join();
        } catch (InterruptedException ignored) {
        }
    }
}
"""
JAVA_OPTIONS = (
    "-Xint",
    "-Xmx32m",
    "-XX:+UseSerialGC",
    "-XX:ReservedCodeCacheSize=16m",
    "-XX:CompressedClassSpaceSize=16m",
)


def lwps(pid: int) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{pid}/task")}


def gdbs_addresses(arguments: list[Any], name: str, folder: Path) -> dict[int, str | None]:
    script = folder / "addresses.py"
    script.write_text(ADDRESSES.format(name=name))
    result = run_gdb(arguments, [f"source {script}"], passive=False, extension=False, early=EARLY)
    match = re.search(r"^ADDRESSES(.+)$", result.stdout, re.MULTILINE)
    assert match, result.text
    return {int(lwp): address for lwp, address in json.loads(match.group(1)).items()}


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Inferior]:
    server = shutil.which("redis-server")
    assert server, "redis-server is missing: scripts/test installs it"
    folder.mkdir()
    command = [server, "--port", "0", "--unixsocket", folder / "socket", "--save", "", "--dir", folder]
    # The allocator's own threads may start later than "ready"; these are there by then.
    command += ["--jemalloc-bg-thread", "no", "--io-threads", "4"]
    with Inferior(["sh", "-c", SMALL_CORES, "sh", *command], folder) as inferior:
        inferior.wait_ready(b"ready to accept connections")
        yield inferior


def check_redis(arguments: list[Any], threads: set[int], folder: Path) -> None:
    """Passive and alone, against what GDB says with libthread_db's help."""
    folder.mkdir()
    document = ask(arguments, ["errno"], folder, early=EARLY)["errno"]
    rows = {row["lwp"]: row for row in document["threads"]}
    assert set(rows) == threads and len(document["threads"]) == len(threads)
    assert document["summary"] == summary_of(document["threads"])
    assert {row["state"] for row in rows.values()} == {"set"}
    assert os.path.basename(document["variable"]["module"]["path"]).startswith("libc.so")
    true = gdbs_addresses(arguments, "errno", folder)
    assert {lwp: row["address"] for lwp, row in rows.items()} == true
    assert len(set(true.values())) == len(threads) > 1

    check_all_variables(arguments, len(threads), folder)


def check_all_variables(arguments: list[Any], threads: int, folder: Path) -> None:
    """gdb-tls and GDB agree on every variable of every module in every thread."""
    output = folder / "verify.json"
    session(arguments, [f"tls-verify --all --format json --output {output}"], folder, passive=False, early=EARLY)
    found = json.loads(output.read_text())
    assert found["disagreements"] == []
    assert found["compared"] >= threads


def test_redis_live(tmp_path: Path) -> None:
    with redis(tmp_path / "redis") as inferior:
        check_redis(["-p", inferior.pid], lwps(inferior.pid), tmp_path / "live")


def test_redis_core(tmp_path: Path) -> None:
    by_kernel = kernel_writes_cores()
    with redis(tmp_path / "redis") as inferior:
        threads = lwps(inferior.pid)
        executable = os.readlink(f"/proc/{inferior.pid}/exe")
        if by_kernel:
            os.kill(inferior.pid, signal.SIGQUIT)
        core = make_core(inferior, by_kernel=by_kernel)
    check_redis([executable, "-c", core], threads, tmp_path / "core")


def test_healthy_in_gdbs_own_core(tmp_path: Path) -> None:
    """Which lists no memory for code: what a key's destructor is in is there all the same."""
    with redis(tmp_path / "redis") as inferior:
        executable = os.readlink(f"/proc/{inferior.pid}/exe")
        core = make_core(inferior, by_kernel=False)
    output = tmp_path / "audit.json"
    session([executable, "-c", core], [f"tls-audit --format json --output {output}"], tmp_path, early=EARLY)
    assert [one for one in json.loads(output.read_text())["findings"] if one["alarming"]] == []


@contextlib.contextmanager
def java(folder: Path) -> Iterator[Inferior]:
    folder.mkdir()
    (folder / "Sleeper.java").write_text(JAVA)
    command = shutil.which("java")
    assert command, "java is missing: scripts/test installs it"
    executable = os.path.realpath(command)
    with Inferior(["sh", "-c", SMALL_CORES, "sh", executable, *JAVA_OPTIONS, "Sleeper.java"], folder) as inferior:
        inferior.wait_ready()
        yield inferior


def check_java(arguments: list[Any], threads: set[int], main: int, folder: Path) -> None:
    """Every thread of the JVM has a `Thread` of its own; the launcher's own thread has none."""
    folder.mkdir()
    name = "Thread::_thr_current"
    # The JVM uses SIGSEGV for itself; GDB's warnings about it do not matter here.
    document = ask(arguments, [name], folder, early=EARLY)[name]
    variable = document["variable"]
    assert os.path.basename(variable["module"]["path"]) == "libjvm.so"
    assert variable["linkage_name"] == "_ZN6Thread12_thr_currentE"
    rows = {row["lwp"]: row for row in document["threads"]}
    assert set(rows) == threads and len(document["threads"]) == len(threads)
    assert document["summary"] == summary_of(document["threads"])
    for lwp, row in rows.items():
        if lwp == main:
            assert row["state"] in ("null", "unallocated"), row
        else:
            assert row["state"] == "set", row
        assert "shared" not in row["flags"] and "dangling" not in row["flags"], row
    values = [row["value"] for row in rows.values() if row["state"] == "set"]
    assert len(set(values)) == len(values) >= 4
    true = gdbs_addresses(arguments, "'Thread::_thr_current'", folder)
    assert {lwp: row["address"] for lwp, row in rows.items()} == true
    check_all_variables(arguments, len(threads), folder)


def test_java(tmp_path: Path) -> None:
    """Live, then the core of the same process."""
    by_kernel = kernel_writes_cores()
    with java(tmp_path / "java") as inferior:
        threads = lwps(inferior.pid)
        executable = os.readlink(f"/proc/{inferior.pid}/exe")
        check_java(["-p", inferior.pid], threads, inferior.pid, tmp_path / "live")
        threads = lwps(inferior.pid)
        if by_kernel:
            os.kill(inferior.pid, signal.SIGABRT)
        core = make_core(inferior, by_kernel=by_kernel)
    try:
        check_java([executable, "-c", core], threads, inferior.pid, tmp_path / "core")
    finally:
        core.unlink()


SLEEPERS = """
import threading
for _ in range(6):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


def test_python(tmp_path: Path) -> None:
    with Inferior(["/usr/bin/python3", "-c", SLEEPERS], tmp_path / "python") as inferior:
        inferior.wait_ready()
        (tmp_path / "live").mkdir()
        check_all_variables(["-p", inferior.pid], len(lwps(inferior.pid)), tmp_path / "live")
