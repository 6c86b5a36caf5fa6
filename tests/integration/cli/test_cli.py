"""gdb-tls outside GDB: real cores, processes and programs; exit statuses; standard output is the answer alone."""

from __future__ import annotations

import contextlib
import gzip
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject, core_of
from integration.sessions import CHECKOUT
from integration.truth import mismatches
from limits import LIMIT_SECONDS, wait_until

COMMAND = CHECKOUT / "gdb_tls" / "__main__.py"
# In the zoo, all threads have the first; some have the second null; the third two threads share.
CLEAN, NULL = "zoo_counter", "zoo_buffer"


def gdb_tls(*words: object, folder: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs gdb-tls as a user does; nothing that it says is ever a traceback."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb", "HOME": "/nonexistent", **more}
    done = subprocess.run(
        [sys.executable, str(COMMAND), *map(str, words)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_SECONDS,
    )
    for bad in ("Traceback", "Python Exception", "defect of gdb-tls"):
        assert bad not in done.stderr + done.stdout, done.stderr
    return done


def failed(*words: object, **more: object) -> str:
    """What gdb-tls says on standard error when it has no answer: status 2, and nothing on standard output."""
    done = gdb_tls(*words, **more)  # type: ignore[arg-type]
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert done.stderr.startswith("gdb-tls: ") or "\ngdb-tls: " in done.stderr, done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def zoo(subjects: Subjects) -> Subject:
    return subjects.get("zoo", "core")


def is_right(text: str, subject: Subject, query: str) -> list[str]:
    """How an answer in JSON differs from what the program said."""
    return mismatches(json.loads(text), subject.truth.of(query), kind=subject.kind)


# gdb-tls core


def test_core_alone_is_enough(zoo: Subject) -> None:
    """The executable is found by what the core says; the answer is the truth, and the only thing on stdout."""
    for name in (CLEAN, NULL):
        done = gdb_tls("core", zoo.core, name, "--format", "json", folder=zoo.executable.parent)
        assert is_right(done.stdout, zoo, name) == []
        nulls = json.loads(done.stdout)["summary"]["null"]
        assert done.returncode == (1 if nulls else 0)
    assert {CLEAN: 0, NULL: 1}[name] == done.returncode, "the two must differ, or nothing is tested"


def test_without_a_subcommand(zoo: Subject, subjects: Subjects, tmp_path: Path) -> None:
    """What is a core says so itself, and so does the executable beside it; a bare number is a process."""
    folder = zoo.executable.parent
    for words in ([zoo.core], [zoo.executable, zoo.core], [zoo.core, zoo.executable]):
        done = gdb_tls(*words, NULL, "--format", "json", folder=folder)
        assert is_right(done.stdout, zoo, NULL) == [], words
        assert done.returncode == 1
    assert "build id" in failed("/bin/ls", zoo.core, NULL)
    assert zoo.core is not None
    packed = tmp_path / "core.zst"
    with packed.open("wb") as file:
        subprocess.run(["zstd", "-qc", zoo.core], stdout=file, check=True)
    for words in ([packed], [zoo.executable, packed]):
        assert is_right(gdb_tls(*words, NULL, "--format", "json", folder=folder).stdout, zoo, NULL) == []
    live = subjects.get("zoo", "live")
    for words in ([live.pid], [live.executable, live.pid]):
        done = gdb_tls(*words, NULL, "--format", "json", folder=folder)
        assert is_right(done.stdout, live, NULL) == [], words


def test_a_core_of_the_usual_name(zoo: Subject, tmp_path: Path) -> None:
    (tmp_path / "core").symlink_to(str(zoo.core))
    for words in (["core", NULL], ["core", "core", NULL], ["./core", NULL]):
        done = gdb_tls(*words, "--exe", zoo.executable, "--format", "json", folder=tmp_path)
        assert is_right(done.stdout, zoo, NULL) == [], words


def test_table_and_options(zoo: Subject, tmp_path: Path) -> None:
    output = tmp_path / "with a blank.csv"
    done = gdb_tls("core", zoo.core, NULL, "--threads", "1-2")
    rows = [line for line in done.stdout.splitlines() if re.match(r"[* ][! ]\d", line)]
    assert len(rows) == 2, done.stdout
    assert gdb_tls("core", "--format", "csv", "--output", output, zoo.core, CLEAN).stdout == ""
    assert len(output.read_text().splitlines()) == len(zoo.truth.of(CLEAN)) + 1
    verify = gdb_tls("core", zoo.core, CLEAN, "--command", "verify")
    assert "no disagreement" in verify.stdout
    assert verify.returncode == 0


def test_expressions_with_their_own_quotes(subjects: Subjects) -> None:
    subject = subjects.get("table", "core")
    columns = 'counter, $_streq(request->path, "/a,b") as found'
    words = ["--command", "table", "--where", 'counter < 20 && where ~ "truth_park"', "--sort", "-counter"]
    done = gdb_tls("core", subject.core, columns, *words, "--format", "csv")
    counters = {line.thread: line.value for line in subject.truth.of("counter")}
    wanted = [value for name, value in counters.items() if name.startswith("worker") and value < 20]
    rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
    assert [int(row[4]) for row in rows] == sorted(wanted, reverse=True)
    assert [row[4] for row in rows if row[5] == "1"] == [str(counters["worker-2"])]


def test_without_a_name_the_crash_is_explained(tmp_path: Path) -> None:
    """The demo's core, as somebody has it who knows nothing of the program; and a healthy process."""
    demo = CHECKOUT / "scripts" / "demo" / "run"
    subprocess.run([demo, "--keep", tmp_path, "--core-only"], check=True, capture_output=True)
    core = tmp_path / "server.core"
    done = gdb_tls("core", core)
    assert done.returncode == 1
    assert "swoole_websocket_buffer" in done.stdout.splitlines()[1]
    written = gdb_tls("core", core, "--format", "html")
    assert written.stdout.startswith("<!DOCTYPE html>") and "swoole_websocket_buffer" in written.stdout
    sleeper = subprocess.Popen(["sleep", "infinity"])
    try:
        healthy = gdb_tls("pid", sleeper.pid)
        assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_gdb_whose_python_is_too_old(zoo: Subject, tmp_path: Path) -> None:
    old = tmp_path / "old-gdb"
    old.write_text("#!/bin/sh\nexec gdb -iex 'python import sys; sys.version_info = (3, 8, 0)' \"$@\"\n")
    old.chmod(0o755)
    done = gdb_tls("core", zoo.core, NULL, "--gdb", old)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "gdb-tls needs a GDB with Python 3.9 or newer; this one has Python 3.8.",
        f"gdb-tls: {old} ended without an answer. What it said is above.",
    ]


def test_odd_file_names(zoo: Subject, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "core" \\ of <b>'
    odd.symlink_to(zoo.core)
    assert is_right(gdb_tls("core", odd, NULL, "--format", "json").stdout, zoo, NULL) == []


def test_executable_beside_the_core_and_below_a_sysroot(subjects: Subjects, tmp_path: Path) -> None:
    """Where the name in the core does not exist any more."""
    zoo = subjects.get("zoo", "core")
    moved = tmp_path / "elsewhere" / "hostile"
    moved.parent.mkdir()
    shutil.copy(zoo.executable.parent / "hostile", moved)
    _, core = core_of(moved, tmp_path / "run")
    query = "hostile_text"
    moved.rename(tmp_path / "run" / "hostile")
    assert gdb_tls("core", core, query).returncode in (0, 1)
    root = tmp_path / "root"
    (root / str(moved.parent)[1:]).mkdir(parents=True)
    (tmp_path / "run" / "hostile").rename(root / str(moved)[1:])
    said = failed("core", core, query)
    assert str(moved) in said and "--exe" in said and "--sysroot" in said
    assert gdb_tls("core", core, query, "--exe", root / str(moved)[1:]).returncode in (0, 1)


def test_another_build_is_refused(zoo: Subject, tmp_path: Path) -> None:
    said = failed("core", zoo.core, NULL, "--exe", "/bin/ls")
    assert "/bin/ls" in said and str(zoo.executable) in said
    assert "build id" in said


@pytest.mark.parametrize("suffix", ["gz", "xz", "zst", "lz4"])
def test_compressed_core(suffix: str, zoo: Subject, tmp_path: Path) -> None:
    packed = tmp_path / f"core.{suffix}"
    assert zoo.core is not None
    if suffix == "gz":
        packed.write_bytes(gzip.compress(zoo.core.read_bytes(), 1))
    elif suffix == "xz":
        packed.write_bytes(lzma.compress(zoo.core.read_bytes(), preset=0))
    else:
        tool = {"zst": "zstd", "lz4": "lz4"}[suffix]
        with packed.open("wb") as file:
            subprocess.run([tool, "-qc", zoo.core], stdout=file, check=True)
    done = gdb_tls("core", packed, NULL, "--format", "json", TMPDIR=str(tmp_path))
    assert is_right(done.stdout, zoo, NULL) == []
    assert "Decompressing" in done.stderr
    assert sorted(tmp_path.iterdir()) == [packed], "nothing is left behind"


def test_compressed_core_without_the_tool(zoo: Subject, tmp_path: Path) -> None:
    packed = tmp_path / "core.zst"
    packed.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gdb").symlink_to(str(shutil.which("gdb")))
    assert f"zstd -dcq {packed} > core" in failed("core", packed, NULL, PATH=str(tmp_path / "bin"))
    damaged = tmp_path / "core.gz"
    assert zoo.core is not None
    damaged.write_bytes(gzip.compress(zoo.core.read_bytes(), 1)[:1000])
    assert "gzip -dc" in failed("core", damaged, NULL)


COREDUMPCTL = """#!/bin/sh
for word; do
    case $word in --output=*) output=${word#--output=} ;; esac
done
case " $* " in *" dump 4242 "*) cp %s "$output" ;; *) echo "No match found." >&2; exit 1 ;; esac
"""


def test_core_of_systemd(zoo: Subject, tmp_path: Path) -> None:
    """A process id, where systemd keeps the cores (here a stand-in for coredumpctl)."""
    assert "coredumpctl" in failed("core", 4242, NULL, folder=tmp_path)
    tool = tmp_path / "coredumpctl"
    tool.write_text(COREDUMPCTL % zoo.core)
    tool.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = gdb_tls("core", 4242, NULL, "--format", "json", folder=tmp_path, PATH=path)
    assert is_right(done.stdout, zoo, NULL) == []
    assert "No match found" in failed("core", 4243, NULL, folder=tmp_path, PATH=path)


# gdb-tls pid


def test_process_goes_on_as_it_was(subjects: Subjects) -> None:
    live = subjects.get("zoo", "live")
    done = gdb_tls("pid", live.pid, NULL, "--format", "json", folder=live.executable.parent)
    assert is_right(done.stdout, live, NULL) == []
    assert done.returncode == 1
    status = Path(f"/proc/{live.pid}/status")
    assert "TracerPid:\t0" in status.read_text()
    # It has yet to get a processor, to go on with what it was in: to wait.
    wait_until(lambda: re.search(r"^State:\tS", status.read_text(), re.MULTILINE), "a process that waits as before")


# gdb-tls run


def test_run_until_it_crashes(subjects: Subjects, tmp_path: Path) -> None:
    """The program has this standard output, the crash is said on standard error."""
    executable = subjects.get("zoo", "core").executable
    words = ("--", executable, "--truth", tmp_path / "truth", "--mode", "abort")
    done = gdb_tls("run", NULL, "--format", "json", "--output", tmp_path / "json", *words)
    assert done.returncode == 1
    assert "SIGABRT" in done.stderr
    assert done.stdout == "ready\n", "what the program wrote, and nothing of gdb's"
    assert json.loads((tmp_path / "json").read_text())["summary"]["null"] > 0


def test_run_until_it_ends() -> None:
    """The last moment before the program ends by itself; signals that it expects do not stop it."""
    done = gdb_tls("run", "errno", "--", "sh", "-c", "trap 'echo got it' USR1; kill -USR1 $$; printf '%s\\n' 'a  b'")
    assert re.match(r"got it\na  b\nsh, process \d+\nint errno", done.stdout), done.stdout + done.stderr
    assert done.returncode == 0


SLEEPING = r"(?s)^Name:\s+sleep\n.*\nState:\s+S.*\nTracerPid:\s+[1-9]"


def sleeping(process: subprocess.Popen[str]) -> int:
    """The process id of `sleep` once it sleeps under gdb: traced, and waiting in a system call."""

    def look() -> int | None:
        assert process.poll() is None, process.communicate()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid = int(folder.name)
                if os.getsid(pid) == process.pid and re.search(SLEEPING, (folder / "status").read_text()):
                    return pid
        return None

    return wait_until(look, "sleep under gdb")


def test_run_stopped_by_hand(tmp_path: Path) -> None:
    """Ctrl-C, which the terminal sends to all."""
    script = f"{sys.executable} {COMMAND} run errno -- sleep infinity"
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' INT; exec {script}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    sleeper = sleeping(process)
    os.kill(sleeper, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, stdout + stderr
    assert "int errno" in stdout
    assert not Path(f"/proc/{sleeper}").exists()


# What goes wrong


def test_errors_are_sentences(zoo: Subject, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no core\n")
    assert "--help" in failed("frob")
    assert "no core dump" in failed("core", tmp_path / "text", NULL)
    for data, said in {
        b"": "it is empty. See whether the disk was full",
        b"MDMP\x93\xa7\0\0": "it is a minidump, as Breakpad",
        b"ProblemType: Crash\n": "`apport-unpack FILE DIR` writes its core",
        b"text": "see what `file` says of it",
    }.items():
        (tmp_path / "other").write_bytes(data)
        assert said in failed("core", tmp_path / "other", NULL) and said in failed(tmp_path / "other")
    assert "another ELF file" in failed("core", "/bin/ls", NULL)
    assert "No such file" in failed("core", tmp_path / "missing", NULL)
    assert "zoo_bufer" in failed("core", zoo.core, "zoo_bufer")
    assert "--frob" in failed("core", zoo.core, NULL, "--frob")
    assert "--format" in failed("core", zoo.core, NULL, "--format", "xml")
    assert "tls-frob" in failed("core", zoo.core, "--command", "tls-frob")
    assert "There is no process 99999999" in failed("pid", 99999999, NULL)
    assert "process id" in failed("pid", "zoo", NULL)
    assert "after --" in failed("run", NULL)
    assert "no program" in failed("run", NULL, "--", tmp_path / "missing")
    assert "no /nonexistent/gdb" in failed("core", zoo.core, NULL, "--gdb", "/nonexistent/gdb")
    assert "cannot be written" in failed("core", zoo.core, NULL, "--output", "/nonexistent/answer")


def test_truncated_core(zoo: Subject, tmp_path: Path) -> None:
    """However short it is: an answer or a sentence."""
    assert zoo.core is not None
    whole = zoo.core.read_bytes()
    for size in (10, 100, 5000, len(whole) // 2, len(whole) - 1000):
        short = tmp_path / str(size)
        short.write_bytes(whole[:size])
        done = gdb_tls("core", short, NULL, "--exe", zoo.executable)
        assert done.returncode in (0, 1, 2)
        assert done.stdout or "gdb-tls: " in done.stderr


def test_help_and_version() -> None:
    assert gdb_tls("--help").stdout.startswith("Usage: gdb-tls")
    for way in ("core", "pid", "run"):
        assert gdb_tls(way, "--help").stdout.startswith(f"Usage: gdb-tls {way}")
    assert re.fullmatch(r"gdb-tls \d+\.\d+\.\d+\n", gdb_tls("--version").stdout)
    nothing = gdb_tls()
    assert (nothing.returncode, nothing.stdout) == (2, "")


def test_module_and_link(tmp_path: Path) -> None:
    """`python3 -m gdb_tls`, and a link to the file from anywhere."""
    done = subprocess.run([sys.executable, "-m", "gdb_tls", "--version"], cwd=CHECKOUT, capture_output=True, text=True)
    link = tmp_path / "gdb-tls"
    link.symlink_to(COMMAND)
    linked = subprocess.run([link, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == linked.stdout == gdb_tls("--version").stdout != ""


# What is made from the specs


def completed(line: Sequence[str]) -> list[str]:
    """What bash offers for the last word."""
    script = (CHECKOUT / "gdb_tls" / "cli" / "share" / "gdb-tls.bash").read_text()
    words = " ".join(f"'{word}'" for word in line)
    asked = f"COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _gdb_tls; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    ask = f"compopt() {{ :; }}; {script}\n{asked}"
    return subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout.split()


def test_completion(tmp_path: Path) -> None:
    assert completed(["gdb-tls", ""]) == ["core", "pid", "run", "watch", "--help", "--version"]
    (tmp_path / "server.core").touch()
    assert completed(["gdb-tls", f"{tmp_path}/serv"]) == [f"{tmp_path}/server.core"]
    for words in (["core", "x"], ["server.core"]):
        assert completed(["gdb-tls", *words, "--form"]) == ["--format"]
        assert completed(["gdb-tls", *words, f"{tmp_path}/serv"]) == [f"{tmp_path}/server.core"]
    assert completed(["gdb-tls", "core", "x", "--format", "h"]) == ["html"]
    assert "tls-inspect" in completed(["gdb-tls", "core", "x", "--command", ""])
    assert str(os.getpid()) in completed(["gdb-tls", "pid", ""])
    assert "printf" in completed(["gdb-tls", "run", "--", "print"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("gdb-tls server.core --form", "--format"),
        ("gdb-tls core x --form", "--format"),
        ("gdb-tls server.", "server.core"),
        ("gdb-tls core server.", "server.core"),
    ],
)
def test_completion_in_fish(line: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "server.core").touch()
    ask = f"source {CHECKOUT}/gdb_tls/cli/share/gdb-tls.fish; complete -C '{line}'"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(["fish", "-c", ask], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert [found.split("\t")[0] for found in done.stdout.splitlines()] == [word], done.stderr


def test_generated_files_are_whole() -> None:
    """The tools that read them have nothing to say."""
    share = CHECKOUT / "gdb_tls" / "cli" / "share"
    checks = (
        ["groff", "-man", "-ww", "-z", share / "gdb-tls.1"],
        ["bash", "-n", share / "gdb-tls.bash"],
        ["zsh", "-n", share / "_gdb-tls"],
        ["fish", "-n", share / "gdb-tls.fish"],
    )
    for check in checks:
        done = subprocess.run(list(map(str, check)), capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), check


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / "docs", "--check", "--no-pictures"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
