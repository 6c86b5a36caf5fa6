"""The programs of causes*.c and causes.cc: built in every way, run until they crash, and what tls-audit says of it."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.anywhere import run
from integration.harness import PROGRAMS, build_programs, locked
from integration.sessions import run_gdb
from limits import LIMIT_SECONDS

WARNINGS = ("-Wall", "-Wextra", "-Werror")
# Where in the guilty variable that is which is wrong; at its beginning elsewhere.
INSIDE = {"member_index": 12, "function": 16, "last": 8, "engaged": 16, "storage": 16}


@dataclass(frozen=True)
class Build:
    """One way to build the programs.

    Attributes:
        compiler: "gcc" or "clang".
        level: of optimisation.
        stripped: whether only dynamic symbols are left.
    """

    compiler: str
    level: int
    stripped: bool = False

    def __str__(self) -> str:
        return f"{self.compiler}-O{self.level}{'-stripped' * self.stripped}"

    def folder(self) -> Path:
        """Builds the programs and their libraries where that is not done yet."""
        top = build_programs() / "causes"
        top.mkdir(exist_ok=True)
        folder = top / str(self)
        with locked(top / f"{self}.lock"):
            if not (folder / "complete").exists():
                folder.mkdir(exist_ok=True)
                if self.stripped:
                    self._strip(folder)
                else:
                    self._build(folder)
                (folder / "complete").touch()
        return folder

    def _build(self, folder: Path) -> None:
        c = [self.compiler, "-g", f"-O{self.level}", *WARNINGS, "-pthread"]
        cc = [{"gcc": "g++", "clang": "clang++"}[self.compiler], *c[1:], "-std=c++17"]
        library = ["-shared", "-fPIC"]
        common = folder / "common.o"
        for compiler, source, name, *flags in (
            (c, "causes_library.c", "libcauses.so"),
            (c, "causes_library.c", "libcauses_opened.so", "-DOPENED"),
            (cc, "causes_library.cc", "libcauses_cc.so"),
        ):
            run([*compiler, *library, *flags, f"-Wl,-soname,{name}", PROGRAMS / source, "-o", folder / name])
        run([*c, "-c", PROGRAMS / "causes_common.c", "-o", common])
        for compiler, source, name, needed in (
            (c, "causes.c", "causes", "libcauses.so"),
            (c, "causes_ways.c", "causes_ways", "libcauses.so"),
            (c, "causes_astray.c", "causes_astray", "libcauses.so"),
            (cc, "causes.cc", "causes_cc", "libcauses_cc.so"),
        ):
            linked = [common, folder / needed, "-Wl,-rpath,$ORIGIN", "-ldl"]
            run([*compiler, f'-DPROGRAM="{name}"', PROGRAMS / source, *linked, "-o", folder / name])

    def _strip(self, folder: Path) -> None:
        whole = Build(self.compiler, self.level).folder()
        programs = ("causes", "causes_ways", "causes_astray", "causes_cc")
        for name in (*programs, "libcauses.so", "libcauses_opened.so", "libcauses_cc.so"):
            run(["strip", "--strip-all", "-o", folder / name, whole / name])


def modes_of(program: Path) -> list[str]:
    """The ways in which a program can crash."""
    return run([program]).split()


def cores(program: Path, folder: Path, *options: str) -> dict[str, Path]:
    """The core of each mode, written by the kernel; what the program says lies beside it."""
    found = {}
    for mode in modes_of(program):
        place = folder / mode
        place.mkdir(parents=True)
        with (place / "truth").open("w") as truth, (place / "errors").open("w") as errors:
            words = [program, mode, *options]
            done = subprocess.run(
                words, cwd=place, stdout=truth, stderr=errors, timeout=LIMIT_SECONDS, check=False, preexec_fn=allow_core
            )
        written = list(place.glob("core*"))
        assert done.returncode < 0 and len(written) == 1, f"{program.name} {mode}: {done.returncode} {written}"
        found[mode] = written[0]
    return found


def allow_core() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def audits_of_cores(program: Path, made: Mapping[str, Path], **options: Any) -> Iterator[tuple[str, Any, Any]]:
    """(mode, what the program said, what tls-audit said of its core) of each mode, in one gdb session."""
    commands = []
    for core in made.values():
        commands += [f"core-file {core}", audit_into(core.parent)]
    result = run_gdb([program], commands, **options)
    for mode, core in made.items():
        yield mode, *read(core.parent, result.text)
        shutil.rmtree(core.parent)


def audits_of_runs(program: Path, folder: Path, *options: str) -> Iterator[tuple[str, Any, Any]]:
    """The same of processes that gdb runs until they crash."""
    commands = ["handle SIGUSR1 nostop noprint pass"]
    modes = modes_of(program)
    for mode in modes:
        (folder / mode).mkdir(parents=True)
        words = " ".join([mode, *options])
        commands += [f"run {words} > {folder / mode / 'truth'} 2>&1", audit_into(folder / mode), "kill"]
    result = run_gdb([program], commands)
    for mode in modes:
        yield mode, *read(folder / mode, result.text)


def audit_into(folder: Path) -> str:
    return f"tls-audit --format json --output {folder / 'audit.json'}"


def read(folder: Path, text: str) -> tuple[Any, Any]:
    answer = folder / "audit.json"
    assert answer.exists(), f"no answer for {folder.name}: {text}"
    return json.loads((folder / "truth").read_text().splitlines()[0]), json.loads(answer.read_text())


def differences(program: Path, build: Build, audits: Iterator[tuple[str, Any, Any]]) -> list[str]:
    """Every way in which the audits differ from what the programs said; empty where they are right."""
    return [
        f"{program.name} {mode}: {one}; it says {found['verdict'][:1]}, alarms {names(alarms_of(found))}"
        for mode, truth, found in audits
        for one in difference(build, mode, truth, found)
    ]


def names(alarms: Sequence[Any]) -> list[str]:
    return [one["name"] for one in alarms]


def alarms_of(found: Any) -> list[Any]:
    return [one for one in found["findings"] if one["alarming"]]


def guards_may_be_hidden() -> bool:
    """Whether a stack's guard may be a part of the stack's own mapping: since glibc 2.42, by MADV_GUARD_INSTALL."""
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    return name == "glibc" and tuple(int(one) for one in version.split(".")[:2]) >= (2, 42)


def difference(build: Build, mode: str, truth: Any, found: Any) -> Iterator[str]:
    alarms = alarms_of(found)
    if truth["guilty"] is None:
        if alarms:
            yield "nothing thread-local is to blame"
        if mode == "innocent_global_of_library" and "from the global of_all," not in " ".join(found["verdict"]):
            yield f"it was of_all; it says {found['verdict']}"
        if mode == "innocent_both" and "a global may have had it, and both hold it" not in " ".join(found["verdict"]):
            yield f"it was either; it says {found['verdict']}"
        is_full = any("stack is full" in one for one in found["verdict"])
        if mode == "innocent_overflow_handled" and guards_may_be_hidden() and not is_full:
            return  # the signal that is known says nothing of an address, and the list of mappings nothing of a guard
        if is_full != mode.startswith("innocent_overflow"):
            yield "the stack is not full" if is_full else "the stack is full"
        return
    if found["fault"] is None or found["fault"]["lwp"] != truth["lwp"]:
        yield f"not thread {truth['lwp']} but {found['fault']} crashed"
    undecided = ("either", "shelf") if build.stripped else ("either",)
    if mode in undecided and any("which one it was is not known" in one for one in found["verdict"]):
        if alarms:
            yield "it is not known, and yet said"
        return
    if mode == "storage" and not alarms and looks_into_buckets():
        return
    if len(alarms) != 1:
        yield f"{truth['guilty']} alone is to blame"
        return
    (alarm,) = alarms
    if truth["guilty"] == "key":
        if alarm["key"] != truth["key"]:
            yield f"it is key {truth['key']}"
        return
    variable = alarm["variable"]
    module = os.path.basename(variable["module"]["path"])
    if module != truth["module"]:
        yield f"{truth['guilty']} is {truth['module']}'s, not {module}'s"
    if build.stripped and not is_exported(alarm["name"], truth):
        expected = f"{truth['module']}+0x{truth['offset'] + INSIDE.get(mode, 0):x}"
    else:
        expected = truth["guilty"]
    if alarm["name"] != expected:
        yield f"{expected} is to blame"


def looks_into_buckets() -> bool:
    """Whether an empty table of the C++ library is looked into, too: at a place that a hash says, which code does not.

    Since libstdc++ 12 (bits/hashtable.h, __small_size_threshold) what has few elements is gone through from its first.
    """
    return int(run(["g++", "-dumpversion"]).split(".")[0]) < 12


def is_exported(name: str, truth: Any) -> bool:
    """Whether the name is left in a stripped file: libraries keep what they export."""
    return bool(re.fullmatch(r"outside|wrapped|inlined", truth["guilty"])) and name == truth["guilty"]
