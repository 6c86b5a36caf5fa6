"""Runs one program under GDB, live and on the cores that GDB makes of it, and compares what was said."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from peers.build import Builder, Product
from peers.compare import Result, compare
from peers.registers import writing_registers

ROOT = Path(__file__).resolve().parents[2]
GDB = os.environ.get("GDB", "gdb")
SECONDS = 180
LIBRARIES_TO_STOP_IN = 10

_running: set[subprocess.Popen[bytes]] = set()


class Outcome(NamedTuple):
    """What came of one program: at how many stops it was looked at, the counts, and why there are no more."""

    stops: int
    result: Result
    problem: str = ""


def examine(builder: Builder, product: Product, stops: int, folder: Path) -> Outcome:
    """One program; its folder is left there where something is wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    loaded = [product.name, *builder.libraries(product.name)]
    functions = {str(builder.folder / name): builder.addresses(name) for name in loaded}
    task = {
        "program": str(builder.folder / product.name),
        "arguments": "--direct" if builder.archive else "",
        "folder": str(builder.folder),
        "functions": {path: found for path, found in functions.items() if found},
        "functions_to_stop_at": [name for one in loaded[:LIBRARIES_TO_STOP_IN] for name in builder.functions[one]],
        "stops": stops,
        "cores": str(folder),
    }
    said, problem = _gdb({**task, "kind": "live"}, folder)
    looks = {look["stop"]: look for look in said if "truth" in look}
    result = Result()
    for look in looks.values():
        result.add(compare(look["truth"], look["before"], called=False))
        result.add(compare(look["truth"], look["after"], called=True))
    made = [(look["stop"], look["core"]) for look in looks.values() if os.path.exists(look["core"])]
    said, more = _gdb({**task, "kind": "core", "of": made}, folder) if made else ([], "no core was made")
    for one in said:
        if "core" not in one:
            continue
        look = looks[one["stop"]]
        result.add(compare(look["truth"], one["core"], called=not look["early"]))
        result.add(compare(look["truth"], one["named"], called=not look["early"]))
    if not result.wrong:
        shutil.rmtree(folder)
    return Outcome(len(looks), result, problem or more)


def _gdb(task: dict[str, Any], folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Runs GDB on a task; gives what it wrote, also where it had to be ended, and why it wrote no more."""
    output, log = folder / f"{task['kind']}.lines", folder / f"{task['kind']}.log"
    (folder / "task.json").write_text(json.dumps({**task, "output": str(output)}))
    command = [GDB, "-nx", "--batch", "-iex", "set debuginfod enabled off"]
    for early in writing_registers(GDB):
        command += ["-iex", early]
    for script in (ROOT / "gdb_tls.py", Path(__file__).with_name("inside.py")):
        command += ["-ex", f"source {script}"]
    environment = {**os.environ, "PEER_TASK": str(folder / "task.json"), "LC_ALL": "C.UTF-8"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    _running.add(process)
    problem = ""
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        problem = f"ended after {SECONDS} seconds"
    finally:
        _end(process)
    lines = [json.loads(line) for line in output.read_text().splitlines()] if output.exists() else []
    if not problem and not (lines and lines[-1].get("end")):
        problem = (log.read_text(errors="replace").strip().splitlines() or ["GDB said nothing"])[-1]
    return lines, problem


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends GDB, and the program with it: GDB asks the kernel for that (PTRACE_O_EXITKILL)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _running.discard(process)


def end_all() -> None:
    for process in list(_running):
        _end(process)
