"""Threads that C++ has started are told apart by what they were started to do; the program is in its own words."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from integration.harness import Inferior
from integration.sessions import run_gdb

POOLS = {
    "serve::{lambda()#1}",  # std::thread with a lambda
    "resolver",  # with a function, and arguments before it
    "Flusher::run",  # with a member function
    "Compactor",  # with an object
    "serve::{lambda()#2}",  # std::async
    "plain",  # pthread_create
}
COUNT = 4
ASK = "python import json; from gdb_tls.program.starts import pools; from gdb_tls.hosts.gdb import current_program"


def test_each_pool_by_what_it_was_started_with(programs: Path, tmp_path: Path) -> None:
    executable = programs / "pools"
    with Inferior([executable, COUNT], tmp_path) as inferior:
        inferior.wait_ready()
        each = "python own = current_program(); print('each', json.dumps([pools(own, [one]) for one in own.threads]))"
        commands = [ASK, each, "set tls max-rows 2", "tls-inspect pool_buffer"]
        said = run_gdb(["-p", str(inferior.pid)], commands).stdout
    found = json.loads(next(line for line in said.splitlines() if line.startswith("each ")).removeprefix("each "))
    assert Counter(found) == {**dict.fromkeys(POOLS, COUNT), "": 1}
    (group,) = [line for line in said.splitlines() if f"{len(POOLS) * COUNT} threads" in line]
    assert sum(f"{name} ({COUNT})" in group for name in POOLS) == 3, "as many as there is room for"
