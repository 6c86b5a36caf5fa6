"""Rust's Option in cells, and other enums, against what each thread of a program says of its own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.harness import PROGRAMS
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask

STATES = {"-": "no-value", "?": "not-constructed"}
# Of what was only built and not used an optimiser leaves out what no code reads.
NAMES = 13


def plain(text: str) -> str:
    """Without the enums' own names in front of those of their variants."""
    return re.sub(r"[\w:]+(<[^()]*>)?::(?=[A-Z])", "", text)


def check(document: Any, truth: dict[int, str], name: str) -> None:
    assert document["variable"]["name"] == f"options::{name}"
    assert {row["lwp"] for row in document["threads"]} == truth.keys()
    for row in document["threads"]:
        wanted = truth[row["lwp"]]
        assert row["state"] == STATES.get(wanted, "set"), (name, row)
        text = plain(row["text"])
        begins = wanted.endswith(("(", "0x"))
        assert text == "" if wanted in STATES else text.startswith(wanted) if begins else text == wanted, (name, row)


@pytest.mark.parametrize("level", [0, 2])
def test_options(level: int, tmp_path: Path) -> None:
    executable, core = tmp_path / "options", tmp_path / "core"
    command = ["rustc", "-g", "-C", f"opt-level={level}", str(PROGRAMS / "options.rs"), "-o", str(executable)]
    subprocess.run(command, check=True, capture_output=True)
    names = re.findall(r"static (\w+):", (PROGRAMS / "options.rs").read_text())
    assert len(names) == NAMES
    live = ask([executable], names, tmp_path / "live", before=["run", f"gcore {core}"], passive=False)
    truth: dict[str, dict[int, str]] = {}
    for lwp, name, said in re.findall(r"^truth (\d+) (\w+) (.*)$", live.result.stdout, re.MULTILINE):
        truth.setdefault(name, {})[int(lwp)] = said
    assert len(truth) == NAMES, live.result.text
    for name in names:
        check(live[name], truth[name], name)
    for engine in ("gdb", "direct"):
        for name in names if engine == "direct" else names[:1]:
            said = gdb_tls(["core", core, name, "--engine", engine, "--format", "json"])
            check(said.document, truth[name], name)
        picture = gdb_tls(
            ["core", core, "--command", "tls-map", "--module", "options", "--engine", engine, "--format", "json"]
        ).document
        found = {one["name"].rpartition("::")[2]: one["states"] for one in picture["variables"]}
        for name in names:
            wanted = [STATES.get(truth[name][one["lwp"]], "set") for one in picture["threads"]]
            assert found[name] == wanted, (engine, name)
    values = gdb_tls(["core", core, "--command", "tls-table", "NUMBER", "--format", "json"])
    assert json.dumps(values.document).count("no-value") >= 2
