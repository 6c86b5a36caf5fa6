"""Threads that C++ has started are told apart by what they were started to do; the program is in its own words."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
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


@pytest.mark.parametrize("named", [[], ["named"]])
def test_names_among_very_many(named: list[str], programs: Path, tmp_path: Path) -> None:
    """Names that threads have from the one that made them tell nothing; where some have their own, all are counted."""
    count = 200
    with Inferior([programs / "pools", count, *named], tmp_path) as inferior:
        inferior.wait_ready()
        said = run_gdb(["-p", str(inferior.pid)], ["set width 160", "set tls max-rows 2", "tls-inspect pool_buffer"])
    (group,) = [line for line in said.stdout.splitlines() if f"{len(POOLS) * count:,} threads" in line]
    others = (len(POOLS) - 1) * count
    assert (f"pools ({others:,}), plain-* ({count})" in group) is bool(named)
    assert ("resolver" in group) is not bool(named), "what they were started to do, where no name tells"
