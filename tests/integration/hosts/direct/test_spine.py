"""All commands on the test programs, by both engines: the same documents, byte for byte where both know the answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.hosts.direct.answers import differences, gdb_tls

COMMANDS = ("tls-map", "tls-symbols", "tls-modules", "tls-keys", "tls-thread 1", "tls-audit", "tls-exit")
PROGRAMS = ("zoo", "keys", "texts", "containers", "presence", "many", "numbers")

PRINTED = re.compile(r"std::|\"|\{|L?\"|\S* length|\(std::|<")


def is_allowed(path: str, gdb: Any, direct: Any) -> bool:
    """Whether the engines may differ so.

    - `engine` is what it is for; and who describes a variable, `source`.
    - GDB's pretty printers show classes of the C++ library; without them the members are shown as they are.
    - GDB does not find the declarations of some statics of functions (volatile ones), and takes those of a pointer's
      size for a `void *`; the file's DWARF has them.
    - Of several names that one place has (clone3, __clone3; an alias of a variable), each takes one; GDB then has the
      header's declaration for the alias.
    - Without a line of code there is no frame that GDB names by its caller's.
    """
    key = path.rpartition(".")[2]
    if key == "engine" or (key == "source" and (gdb, direct) == ("gdb", "dwarf")):
        return True
    if key in ("text", "texts") and isinstance(gdb, str) and isinstance(direct, str):
        return gdb.startswith("(void *)") or bool(PRINTED.search(gdb) or PRINTED.search(direct))
    if key in ("type", "source", "line", "file", "flags") and gdb in (None, "symtab", ["assumed-pointer"]):
        return direct is not None
    if key == "function" and isinstance(gdb, str) and isinstance(direct, str):
        return gdb.strip("_") in direct or direct.strip("_") in gdb
    return False


@pytest.fixture(scope="module", params=PROGRAMS)
def by_gdb(request: pytest.FixtureRequest, subjects: Subjects, tmp_path_factory: pytest.TempPathFactory) -> Any:
    subject = subjects.get(request.param, "core")
    return subject, documents(subject, COMMANDS, tmp_path_factory.mktemp("documents"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_document(by_gdb: Any, command: str) -> None:
    subject, known = by_gdb
    name, *words = command.split()
    common = ["core", subject.core, "--exe", subject.executable, "--engine", "direct", "--format", "json"]
    said = gdb_tls([*common, "--command", name, *words])
    found = [one for one in differences(known[command], said.document) if not is_allowed(*one)]
    assert not found, "\n".join(map(repr, found[:20]))


def test_the_output_is_the_same_text(subjects: Subjects, tmp_path: Path) -> None:
    """Not only the same document: the same bytes, but for the engine's name."""
    subject = subjects.get("keys", "core")
    said = gdb_tls(
        [
            "core",
            subject.core,
            "--exe",
            subject.executable,
            "--engine",
            "direct",
            "--format",
            "json",
            "--command",
            "tls-keys",
        ]
    )
    known = documents(subject, ["tls-keys"], tmp_path)["tls-keys"]
    text = (tmp_path / "0.json").read_text()
    assert json.loads(text) == known
    assert said.output == text.replace('"engine": "gdb"', '"engine": "direct"')


@pytest.mark.parametrize("command", ["tls-modules", "tls-keys", "tls-symbols"])
def test_without_drgn(by_gdb: Any, command: str) -> None:
    """Only stacks and lines of code need drgn."""
    subject, known = by_gdb
    common = ["core", subject.core, "--exe", subject.executable, "--engine", "direct", "--format", "json"]
    said = gdb_tls([*common, "--command", command], drgn=False)
    assert not [one for one in differences(known[command], said.document) if not is_allowed(*one)]
