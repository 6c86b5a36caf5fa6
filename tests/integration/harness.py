"""Starts programs, makes cores of them, runs gdb on both, and compares its answers with the programs' truth.

Nothing here knows pytest: conftest.py makes fixtures of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import resource
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = REPOSITORY / "tests" / "programs"
EXTENSION = REPOSITORY / "gdb_tls.py"

# What the extension says of an exception that nobody foresaw.
DEFECT = "defect of gdb-tls"

READY_SECONDS = 20
GDB_SECONDS = 60
CORE_SECONDS = 20

# GDB itself must not be able to resolve TLS, and no debug files of this machine's libraries take part.
WITHOUT_LIBTHREAD_DB = (
    "set libthread-db-search-path /nonexistent",
    "set auto-load libthread-db off",
    "set debug-file-directory /nonexistent",
)


@dataclass(frozen=True)
class Line:
    """What one thread of a program said of one variable (tests/programs/truth.h)."""

    variable: str
    linkage: str
    module: str
    module_id: int | None
    lwp: int
    thread: str
    thread_pointer: str
    kind: str
    state: str
    flags: list[str]
    address: str | None
    value: Any

    @property
    def query(self) -> str:
        """What to type for it."""
        return f"{self.variable} --module {self.module_id}" if self.module_id else self.variable


class Truth:
    """All that a program said."""

    def __init__(self, file: Path) -> None:
        self.lines = [Line(**json.loads(line)) for line in file.read_text().splitlines()]

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(line.query for line in self.lines))

    def of(self, query: str) -> list[Line]:
        found = [line for line in self.lines if line.query == query]
        assert found, f"the program says nothing of {query}"
        return found

    def one(self, query: str, thread: str) -> Line:
        (found,) = (line for line in self.of(query) if line.thread == thread)
        return found

    @property
    def living(self) -> set[int]:
        return {line.lwp for line in self.lines if "exited" not in line.flags}


class Inferior:
    """A running program, started in a folder of its own and killed at the end of the `with`."""

    def __init__(self, command: Sequence[object], folder: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.command = [str(word) for word in command]
        self.folder = folder
        self.environment = {**os.environ, "MALLOC_ARENA_MAX": "1", **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Inferior:
        self.folder.mkdir(parents=True, exist_ok=True)
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        with (self.folder / "stderr").open("wb") as stderr:
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            try:
                self.process = subprocess.Popen(
                    self.command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=stderr
                )
            finally:
                resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def wait_ready(self, word: bytes = b"ready", seconds: float = READY_SECONDS) -> None:
        """Reads the program's output until a line has the word in it."""
        assert self.process is not None and self.process.stdout is not None
        deadline = time.monotonic() + seconds
        said = b""
        while word not in said:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                errors = (self.folder / "stderr").read_text(errors="replace")
                raise AssertionError(f"{shlex.join(self.command)} is not ready: {said!r} {errors}")
            said += chunk


@dataclass
class Subject:
    """What gdb is run on: a live process or a core, and what is true of it."""

    program: str
    kind: str
    executable: Path
    pid: int
    core: Path | None
    truth: Truth

    @property
    def arguments(self) -> list[str]:
        if self.core:
            return [str(self.executable), "-c", str(self.core)]
        return ["-p", str(self.pid)]

    def answers(self, queries: Sequence[str], folder: Path, **options: Any) -> Answers:
        """One gdb session which asks for all the queries."""
        return ask(self.arguments, queries, folder, **options)


@dataclass
class Result:
    """What came of a gdb session."""

    stdout: str
    stderr: str
    status: int
    seconds: float

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


@dataclass
class Answers:
    """The JSON documents of one gdb session, by query, and what gdb said meanwhile."""

    documents: dict[str, Any]
    result: Result
    queries: list[str] = field(default_factory=list)

    def __getitem__(self, query: str) -> Any:
        assert query in self.documents, f"no answer for {query}:\n{self.result.text}"
        return self.documents[query]


def run_gdb(
    arguments: Sequence[object],
    commands: Sequence[str],
    *,
    passive: bool = True,
    extension: bool = True,
    early: Sequence[str] = (),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = GDB_SECONDS,
) -> Result:
    """Runs gdb in batch mode, with none of the user's settings.

    Args:
        arguments: an executable, `-c CORE`, `-p PID`.
        commands: what it shall do, one after the other, even if one fails.
        passive: whether it goes without libthread_db.
        extension: whether gdb_tls.py is sourced first.
        early: commands that run before the arguments are looked at.
        folder: its working directory; an empty one where it is not given.
        environment: what is added to an almost empty environment.
        seconds: when it is killed, which fails the test.
    """
    before = ["set debuginfod enabled off", *(WITHOUT_LIBTHREAD_DB if passive else ()), *early]
    after = [f"source {EXTENSION}"] * extension + list(commands)
    words = ["gdb", "-nx", "--batch"]
    words += [word for command in before for word in ("-iex", command)]
    words += [str(argument) for argument in arguments]
    words += [word for command in after for word in ("-ex", command)]
    with tempfile.TemporaryDirectory() as home:
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TERM": "dumb", "HOME": home, **(environment or {})}
        started = time.monotonic()
        finished = subprocess.run(
            words,
            cwd=folder or home,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        taken = time.monotonic() - started
    # The inspected program's bytes may be in there, and need not be UTF-8.
    stdout, stderr = (text.decode(errors="replace") for text in (finished.stdout, finished.stderr))
    result = Result(stdout, stderr, finished.returncode, taken)
    assert finished.returncode >= 0, f"gdb died of signal {-finished.returncode}:\n{result.text}"
    for bad in ("Traceback (most recent call last)", "Python Exception", "internal-error", DEFECT):
        assert bad not in result.text, result.text
    return result


def ask(
    arguments: Sequence[object],
    queries: Sequence[str],
    folder: Path,
    *,
    options: str = "",
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    gdb_folder: Path | None = None,
    **gdb_options: Any,
) -> Answers:
    """Asks for all the queries in one gdb session; a query without an answer is not in the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {query: folder / f"{number}.json" for number, query in enumerate(queries)}
    for file in files.values():
        file.unlink(missing_ok=True)
    commands = [
        f"tls-inspect {query} {options} --format json --output {file}".replace("  ", " ")
        for query, file in files.items()
    ]
    result = run_gdb(arguments, [*before, *commands, *after], folder=gdb_folder, **gdb_options)
    documents = {query: json.loads(file.read_text()) for query, file in files.items() if file.exists()}
    return Answers(documents, result, list(queries))


# Runs commands one after the other, keeps what each printed or failed with, and goes on.
SESSION = """
import gdb, json
done = []
for command in json.loads({commands!r}):
    try:
        done.append({{"command": command, "output": gdb.execute(command, to_string=True), "error": None}})
    except gdb.error as error:
        done.append({{"command": command, "output": "", "error": str(error)}})
    except KeyboardInterrupt:
        done.append({{"command": command, "output": "", "error": "interrupted"}})
with open({file!r}, "w", errors="backslashreplace") as file:
    json.dump(done, file)
"""


@dataclass
class Said:
    """What one command printed, or the error it ended with."""

    command: str
    output: str
    error: str | None

    @property
    def words(self) -> str:
        """All of it, with single blanks, whichever way it came and however wide the screen was."""
        return " ".join((self.output + (self.error or "")).split())


@dataclass
class Session:
    """What the commands of one gdb session said, in their order."""

    said: list[Said]
    result: Result

    def __getitem__(self, command: str) -> Said:
        """What the first run of the command said."""
        return next(one for one in self.said if one.command == command)


def session(arguments: Sequence[object], commands: Sequence[str], folder: Path, **gdb_options: Any) -> Session:
    """Runs the commands in one gdb session, each whatever became of those before it."""
    folder.mkdir(parents=True, exist_ok=True)
    file, script = folder / "session.json", folder / "session.py"
    file.unlink(missing_ok=True)
    script.write_text(SESSION.format(commands=json.dumps(list(commands)), file=str(file)))
    result = run_gdb(arguments, [f"source {script}"], **gdb_options)
    assert file.exists(), result.text
    said = [Said(**one) for one in json.loads(file.read_text())]
    for one in said:
        assert DEFECT not in one.words, f"{one.command}: {one.words}"
    return Session(said, result)


# What is right


def mismatches(document: Any, lines: Sequence[Line], *, kind: str, via: str = "passive", untyped_ok: bool = False) -> list[str]:
    """Every way in which an answer differs from the truth; empty where it is right.

    Args:
        document: the parsed JSON.
        lines: what the program's threads said, one line for each thread.
        kind: "live" or "core"; the kernel's cores have no thread names.
        via: the resolver that was asked for.
        untyped_ok: whether the flag `assumed-pointer` may be there or not.
    """
    found: list[str] = []

    def check(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            found.append(f"{lines[0].query}: {what} is {got!r}, not {wanted!r}")

    variable, rows = document["variable"], document["threads"]
    check("schema", document["schema"], "gdb-tls/inspect/1")
    check("target.kind", document["target"]["kind"], kind)
    check("linkage name", variable["linkage_name"], lines[0].linkage)
    check("module", os.path.basename(variable["module"]["path"]), lines[0].module)
    if lines[0].module_id:
        check("module id", variable["module"]["id"], lines[0].module_id)
    check("summary", document["summary"], summary_of(rows))

    keys = [row_key(row["lwp"], row["thread_pointer"], row["flags"]) for row in rows]
    wanted = {row_key(line.lwp, line.thread_pointer, line.flags): line for line in lines}
    check("set of threads", sorted(keys, key=str), sorted(wanted, key=str))
    for key, row in zip(keys, rows):
        line = wanted.get(key)
        if line is None:
            continue
        flags = set(row["flags"])
        if untyped_ok:
            flags -= {"assumed-pointer"}
        exited = "exited" in line.flags
        where = f"in {line.thread} ({line.lwp}), "
        check(where + "thread pointer", row["thread_pointer"], line.thread_pointer)
        check(where + "state", row["state"], line.state)
        check(where + "flags", sorted(flags), sorted(line.flags))
        if line.kind != "null-path":
            check(where + "address", row["address"], line.address)
        # An object that owns something has no one value of its own.
        check(where + "value", row["value"], None if line.kind == "owner" else line.value)
        check(where + "via", row["via"], via)
        check(where + "num is null", row["num"] is None, exited)
        reasoned = line.kind == "null-path" or line.state not in ("set", "null")
        check(where + "reason is given", bool(row["reason"]), reasoned)
        if kind == "live" and not exited and line.thread.isascii():
            check(where + "name", row["name"], line.thread)
    return found


def row_key(lwp: int | None, thread_pointer: str, flags: Sequence[str]) -> object:
    """What a thread is known by: an ended one has no id left."""
    return thread_pointer if "exited" in flags else lwp


def summary_of(rows: Sequence[Any]) -> dict[str, int]:
    """Counted again from the rows."""
    states = ("set", "null", "unallocated", "unreadable", "unresolved")
    flags = ("shared", "dangling", "exited")
    counted = {"threads": len(rows)}
    counted.update({state: sum(row["state"] == state for row in rows) for state in states})
    counted.update({flag: sum(flag in row["flags"] for row in rows) for flag in flags})
    return counted


# Making the subjects


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Lets one process at a time into the `with` (pytest-xdist's workers share what is built)."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build_programs() -> Path:
    """The folder of the built programs, which outlives the session: it is named by a hash of the sources."""
    sys.path.insert(0, str(PROGRAMS))
    try:
        import build
    finally:
        sys.path.remove(str(PROGRAMS))
    top = Path(tempfile.gettempdir()) / f"gdb-tls-tests-{os.getuid()}"
    top.mkdir(mode=0o700, exist_ok=True)
    folder = top / build.key()
    with locked(top / "lock"):
        if not (folder / "complete").exists():
            build.build(folder)
            (folder / "complete").touch()
    return folder


def kernel_writes_cores() -> bool:
    """Whether the kernel writes a core into the process's own folder."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return bool(pattern) and pattern[0] not in "|/" and hard != 0


def command_of(executable: Path, folder: Path, mode: str, options: Sequence[str] = ()) -> list[object]:
    return [executable, "--truth", folder / "truth.jsonl", "--mode", mode, *options]


def make_core(inferior: Inferior, *, by_kernel: bool) -> Path:
    """Waits for the core of a program that aborts, or has gdb write one of a program that waits."""
    if by_kernel:
        assert inferior.process is not None
        inferior.process.wait(CORE_SECONDS)
        cores = glob.glob(str(inferior.folder / "core*"))
        assert len(cores) == 1, f"cores of {inferior.command}: {cores}"
        return Path(cores[0])
    core = inferior.folder / "gcore"
    result = run_gdb(["-p", str(inferior.pid)], [f"gcore {core}"], extension=False)
    assert core.exists(), result.text
    return core


def core_of(executable: Path, folder: Path, options: Sequence[str] = (), *, by_kernel: bool | None = None) -> tuple[int, Path]:
    """Runs a program to its end: its process id and its core."""
    by_kernel = kernel_writes_cores() if by_kernel is None else by_kernel
    command = command_of(executable, folder, "abort" if by_kernel else "wait", options)
    with Inferior(command, folder) as inferior:
        inferior.wait_ready()
        return inferior.pid, make_core(inferior, by_kernel=by_kernel)


def core_subject(program: str, executable: Path, folder: Path, options: Sequence[str], *, by_kernel: bool | None) -> Subject:
    """A core and its truth, made once for all workers of a test session."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "made.json"
    with locked(folder.with_suffix(".lock")):
        if not made.exists():
            pid, core = core_of(executable, folder, options, by_kernel=by_kernel)
            made.write_text(json.dumps({"pid": pid, "core": str(core)}))
    known = json.loads(made.read_text())
    return Subject(program, "core", executable, known["pid"], Path(known["core"]), Truth(folder / "truth.jsonl"))


@contextlib.contextmanager
def live_subject(program: str, executable: Path, folder: Path, options: Sequence[str] = ()) -> Iterator[Subject]:
    """A process that waits, and its truth."""
    with Inferior(command_of(executable, folder, "wait", options), folder) as inferior:
        inferior.wait_ready()
        yield Subject(program, "live", executable, inferior.pid, None, Truth(folder / "truth.jsonl"))
