"""What tls-audit says of values that are no null pointers, against what contents.c says it did."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.evidence.causes import alarms_of, audit_into, audits_of_cores, cores, modes_of, names
from integration.harness import PROGRAMS, build_programs, kernel_writes_cores, locked
from integration.sessions import run_gdb

SAID = {
    "stale-id": r"In 4 threads \(2-5\) it is the number of its own thread \(LWP\); in thread 1 it is \d+, that of no "
    "thread of this process: kept from before a fork",
    "starting-value": r"It still has its starting value, 4000000000, only in thread \d, which crashed; 4 others have",
    "evidence": r"That is the value with which it begins, as in thread \d; 3 threads \(\S+\) have another\.$",
    "set-in-one": r"It is true in thread \d only; 4 threads \(\S+\), of which thread \d crashed, have its starting "
    "value, false",
    "zero-where-it-crashed": r"All its 56 bytes are zero only in thread \d, which crashed; 4 others have set it",
    "freed": r"In thread \d it points to heap memory that has been freed",
    "dead-stack": r"In thread \d it points into that thread's own stack, below the functions that run there",
    "other-stack": r"In thread \d it points into the stack of thread \d",
}


def program(words: str) -> Path:
    """contents.c, built in one way."""
    compiler, *flags = words.split()
    folder = build_programs() / "contents"
    folder.mkdir(exist_ok=True)
    built = folder / words.replace(" ", "")
    with locked(folder / "lock"):
        if not built.exists():
            command = [compiler, "-g", *flags, "-Wall", "-Wextra", "-Werror", "-pthread", PROGRAMS / "contents.c"]
            run([*command, "-o", folder / "new"])
            shutil.move(folder / "new", built)
    return built


def wrong(mode: str, truth: Any, found: Any) -> str:
    alarms = alarms_of(found)
    if names(alarms) != [truth["guilty"]]:
        return f"{mode}: {truth['guilty']} alone is to blame, not {names(alarms)}"
    sentences = [one["sentence"] for one in alarms[0]["reasons"]]
    if not any(re.match(SAID[truth["rule"]], one) for one in sentences):
        return f"{mode}: {truth['rule']} is not said: {sentences}"
    return "" if found["fault"]["lwp"] == truth["lwp"] else f"{mode}: not thread {truth['lwp']} but {found['fault']}"


@pytest.mark.parametrize("words", ["gcc -O0", "gcc -O2", "clang -O0", "clang -O2"])
def test_cores(words: str, tmp_path: Path) -> None:
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    built = program(words)
    found = list(audits_of_cores(built, cores(built, tmp_path)))
    assert [mode for mode, _, _ in found] == modes_of(built) and len(found) == 9
    assert [one for one in (wrong(*each) for each in found) if one] == []


def test_processes(tmp_path: Path) -> None:
    """GDB follows no fork here, so without the mode that needs one."""
    built = program("gcc -O2")
    modes = [mode for mode in modes_of(built) if mode != "stale"]
    commands = []
    for mode in modes:
        (tmp_path / mode).mkdir()
        commands += [f"run {mode} > {tmp_path / mode / 'truth'}", audit_into(tmp_path / mode), "kill"]
    said = run_gdb([built], commands).text
    bad = []
    for mode in modes:
        folder = tmp_path / mode
        assert (folder / "audit.json").exists(), said
        truth = json.loads((folder / "truth").read_text())
        bad.append(wrong(mode, truth, json.loads((folder / "audit.json").read_text())))
    assert [one for one in bad if one] == []


def test_hints_only_without_a_crash(tmp_path: Path) -> None:
    """A process that was stopped says of the same values no more than what they look like."""
    built = program("gcc -O2")
    answer = tmp_path / "audit.json"
    commands = [
        "set breakpoint pending on",
        "tbreak by_freed",
        f"run freed > {tmp_path / 'truth'}",
        f"tls-audit --format json --output {answer}",
        "kill",
    ]
    said = run_gdb([built], commands).text
    assert answer.exists(), said
    found = json.loads(answer.read_text())
    hints = {one["name"]: {reason["rule"] for reason in one["reasons"]} for one in found["findings"]}
    assert "freed" in hints["freed"] and "freed" in hints["freed_large"] and "dead-stack" in hints["dead"]
    # The main thread is that of the rest; nothing crashed, so nothing is said of starting values.
    assert "slot" not in hints and "settings" not in hints
    assert alarms_of(found) == []
