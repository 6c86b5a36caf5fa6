"""What is loaded for the most common things: importing takes longer than they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from integration.cli.test_cli import COMMAND
from integration.conftest import Subjects
from integration.sessions import run_gdb

# Each is of some milliseconds, and there where it is needed.
OF_THE_LIBRARY = {
    *("bz2", "dataclasses", "datetime", "difflib", "fractions", "gzip", "inspect", "json", "logging", "lzma", "pickle"),
    *("random", "shutil", "subprocess", "tempfile", "textwrap", "traceback"),
}
PACKAGES = {"capstone", "drgn", "prometheus_client", "pygments", "rich"}
OWN = {
    *(
        "cli.completion",
        "cli.manual",
        "cli.packed",
        "cli.watch",
        "cli.with_gdb",
        "watch",
        "hosts.gdb",
        "hosts.watching",
    ),
    *("code.index", "code.instructions", "code.values", "evidence", "program.accesses", "program.expression_text"),
    *("hosts.direct.cxxfilt", "hosts.direct.process", "hosts.direct.values", "hosts.native.library_objects"),
    *("questions.audit.answer", "views.csv", "views.html", "views.json", "views.page", "views.svg"),
}
# What is loaded to ask one thing may grow with what gdb-tls can do, but slowly.
MOST_MODULES = 175


def loaded(words: Sequence[object]) -> set[str]:
    """The modules that a command imports in its first process; the one that unwinds stacks says nothing."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", COMMAND, *map(str, words)],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "NULL" in done.stdout, done.stderr
    return set(re.findall(r"(?m)^import time: +\d+ \| +\d+ \| +([\w.]+)$", done.stderr))


def of(modules: set[str], some: set[str]) -> set[str]:
    return {one for one in modules for name in some if one == name or one.startswith(f"{name}.")}


def test_one_variable_in_a_core(subjects: Subjects) -> None:
    found = loaded(["core", subjects.get("suspects", "core").core, "main_only", "--engine", "direct"])
    assert {"gdb_tls.hosts.direct.core_target", "gdb_tls.views.drawing"} <= found, "it is the right list"
    assert not of(found, OF_THE_LIBRARY | PACKAGES | {f"gdb_tls.{name}" for name in OWN})
    assert len(of(found, {"gdb_tls"})) < MOST_MODULES


def test_what_is_not_loaded_exists() -> None:
    """Else a module that was renamed would never be found."""
    names = OF_THE_LIBRARY | PACKAGES | {f"gdb_tls.{name}" for name in OWN}
    assert not [name for name in names if find_spec(name) is None]


def test_sourcing(subjects: Subjects) -> None:
    """Before a command is typed there are its name and its help."""
    names = "python import sys; print('has', *[name for name in sys.modules if name.startswith('gdb_tls')])"
    said = run_gdb(subjects.get("zoo", "core").arguments, [names]).stdout
    found = set(re.findall(r"(?m)^has (.*)$", said)[0].split())
    assert "gdb_tls.hosts.gdb.register" in found
    late = {"elf", "libc", "objects", "code", "evidence", "program.program", "hosts.gdb.target", "hosts.gdb.run", "cli"}
    assert not of(found, {f"gdb_tls.{name}" for name in late})
    assert len(found) < 70
