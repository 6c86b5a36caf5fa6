"""Builds and starts the programs, and makes cores of them.

Nothing here knows pytest: conftest.py makes fixtures of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
import resource
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from integration.sessions import Answers, ask, run_gdb
from integration.truth import Truth
from limits import LIMIT_SECONDS

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"


class Inferior:
    """A running program, started in a folder of its own and killed at the end of the `with`."""

    def __init__(
        self, command: Sequence[object], folder: Path, *, environment: Mapping[str, str] | None = None
    ) -> None:
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
                # Whatever becomes of the tests, no process of theirs stays behind; it lives as long as they need it.
                command = ["setpriv", "--pdeathsig", "KILL", *self.command]
                self.process = subprocess.Popen(
                    command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=stderr
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

    def wait_ready(self, word: bytes = b"ready") -> bytes:
        """Reads the program's output until a line has the word in it; what was read."""
        assert self.process is not None and self.process.stdout is not None
        deadline = time.monotonic() + LIMIT_SECONDS
        said = b""
        output = select.poll()  # select() takes no descriptor above 1023
        output.register(self.process.stdout, select.POLLIN)
        while word not in said:
            left = deadline - time.monotonic()
            ready = left > 0 and output.poll(1000 * left)
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                errors = (self.folder / "stderr").read_text(errors="replace")
                raise AssertionError(f"{shlex.join(self.command)} is not ready: {said!r} {errors}")
            said += chunk
        return said


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


@cache
def with_own_mounts() -> tuple[str, ...]:
    """What runs a command with mounts of its own, which are seen nowhere else.

    In a chroot the root is no mount whose propagation could be changed; whoever made the chroot has seen to it.
    """
    who = ("unshare", "--mount") if os.getuid() == 0 else ("unshare", "--map-root-user", "--mount")
    usual = subprocess.run([*who, "true"], capture_output=True, check=False)
    return who if usual.returncode == 0 else (*who, "--propagation", "unchanged")


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
        inferior.process.wait(LIMIT_SECONDS)
        cores = glob.glob(str(inferior.folder / "core*"))
        assert len(cores) == 1, f"cores of {inferior.command}: {cores}"
        return Path(cores[0])
    core = inferior.folder / "gcore"
    # Debian's Java has a script for GDB, which may fail.
    without_scripts = ["set auto-load python-scripts off"]
    result = run_gdb(["-p", str(inferior.pid)], [f"gcore {core}"], extension=False, early=without_scripts)
    assert core.exists(), result.text
    return core


def without_its_libraries(core: Path, folder: Path, *libraries: str) -> Path:
    """A copy of a core as of a machine whose builds of some libraries are not here: their build ids are others."""
    data = core.read_bytes()
    for name in libraries:
        notes = subprocess.run(["readelf", "-nW", name], capture_output=True, text=True, check=True).stdout
        known = bytes.fromhex(re.findall(r"Build ID: ([0-9a-f]+)", notes)[0])
        assert known in data, f"the core has no first page of {name}"
        data = data.replace(known, bytes(byte ^ 0xFF for byte in known))
    copy = folder / "elsewhere"
    copy.write_bytes(data)
    return copy


def library_of(executable: Path, beginning: str) -> str:
    """The file of a library with which an executable would be loaded here."""
    said = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout
    return next(word for word in said.split() if word.startswith("/") and Path(word).name.startswith(beginning))


def core_of(
    executable: Path, folder: Path, options: Sequence[str] = (), *, by_kernel: bool | None = None
) -> tuple[int, Path]:
    """Runs a program to its end: its process id and its core."""
    by_kernel = kernel_writes_cores() if by_kernel is None else by_kernel
    command = command_of(executable, folder, "abort" if by_kernel else "wait", options)
    with Inferior(command, folder) as inferior:
        inferior.wait_ready()
        return inferior.pid, make_core(inferior, by_kernel=by_kernel)


def core_subject(
    program: str, executable: Path, folder: Path, options: Sequence[str], *, by_kernel: bool | None
) -> Subject:
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
def subject_of(kind: str, executable: Path, folder: Path) -> Iterator[Subject]:
    """A process that waits, or a core, of a program that a test has built itself."""
    if kind == "live":
        with live_subject(executable.name, executable, folder) as subject:
            yield subject
    else:
        yield core_subject(executable.name, executable, folder, (), by_kernel=None)


@contextlib.contextmanager
def live_subject(program: str, executable: Path, folder: Path, options: Sequence[str] = ()) -> Iterator[Subject]:
    """A process that waits, and its truth."""
    with Inferior(command_of(executable, folder, "wait", options), folder) as inferior:
        inferior.wait_ready()
        yield Subject(program, "live", executable, inferior.pid, None, Truth(folder / "truth.jsonl"))
