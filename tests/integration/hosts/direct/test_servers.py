"""Cores of programs that nobody here wrote, by both engines: the same answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, cast

import pytest
from integration.documents import documents
from integration.harness import Inferior, Subject, make_core
from integration.hosts.direct.answers import differences, gdb_tls
from integration.hosts.direct.test_spine import is_allowed
from integration.test_real_programs import EARLY, SMALL_CORES, java, redis

COMMANDS = ("tls-audit", "tls-map", "tls-symbols", "tls-modules", "tls-keys", "tls-thread 2")

# The interpreter with libraries of others: OpenSSL, SQLite and libmpdec are what it loads.
PYTHON = """
import decimal, sqlite3, ssl, threading
def work():
    sqlite3.connect(":memory:").execute("select 1").fetchall()
    ssl.create_default_context()
    decimal.Decimal(1) / 3
    done.release()
    threading.Event().wait()
done = threading.Semaphore(0)
for _ in range(6):
    threading.Thread(target=work, daemon=True).start()
for _ in range(6):
    done.acquire()
print("ready", flush=True)
threading.Event().wait()
"""


@contextmanager
def python(folder: Path) -> Iterator[Inferior]:
    command = ["sh", "-c", SMALL_CORES, "sh", "/usr/bin/python3", "-c", PYTHON]
    with Inferior(command, folder) as inferior:
        inferior.wait_ready()
        yield inferior


@pytest.mark.parametrize("program", [redis, java, python], ids=["redis", "java", "python"])
def test_the_same_answers(program: Callable[[Path], AbstractContextManager[Inferior]], tmp_path: Path) -> None:
    with program(tmp_path / "run") as inferior:
        executable = os.readlink(f"/proc/{inferior.pid}/exe")
        core = make_core(inferior, by_kernel=False)
    try:
        subject = cast(Subject, SimpleNamespace(arguments=[executable, "-c", str(core)]))
        known = documents(subject, COMMANDS, tmp_path / "gdb", early=EARLY)
        found: list[tuple[str, str, Any, Any]] = []
        for command in COMMANDS:
            name, *words = command.split()
            common = ["core", core, "--exe", executable, "--engine", "direct", "--format", "json"]
            said = gdb_tls([*common, "--command", name, *words])
            found += [(command, *one) for one in differences(known[command], said.document) if not is_allowed(*one)]
    finally:
        core.unlink()
    assert not found, "\n".join(map(repr, found[:20]))
