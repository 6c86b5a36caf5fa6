"""tls-symbols against the programs' truth and what readelf says of their files."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.readelf import readelf
from integration.sessions import one_sentence, session


@pytest.mark.parametrize("program", ["zoo", "many", "files", "solo_static"])
def test_symbols(program: str, subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    """Every TLS symbol of every file, with the offset and size that readelf shows."""
    subject = subjects.get(program, "core")
    document = documents(subject, ["tls-symbols"], tmp_path, gdb_folder=programs)["tls-symbols"]
    assert document["schema"] == "gdb-tls/symbols/1"
    assert document["missing"] == []
    found: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for variable in document["variables"]:
        found[variable["module"]["path"]].add((int(variable["offset"], 16), variable["size"]))
    checked = 0
    for path in found:
        rows = re.findall(
            r"^ +\d+: (\w+) +(\d+|0x\w+) TLS +\w+ +\w+ +\d+ (\S+)", readelf("-sW", programs / path), re.MULTILINE
        )
        true = {(int(value, 16), int(size, 0)) for value, size, name in rows if name != "_TLS_MODULE_BASE_"}
        if (programs / path).parent == programs and true:
            assert {offset for offset, _ in found[path]} >= {offset for offset, _ in true}, path
            assert true <= found[path] | {(offset, 0) for offset, _ in found[path]}, path
            checked += 1
    assert checked
    names = [variable["name"] for variable in document["variables"]]
    assert "_TLS_MODULE_BASE_" not in names
    order = [(variable["module"]["id"], int(variable["offset"], 16)) for variable in document["variables"]]
    assert order == sorted(set(order))


def test_symbols_that_match(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    commands = ["tls-symbols _buffer$", "tls-symbols zoo_opt.*", "tls-symbols ^_ZL13hidden", "tls-symbols Class::mem"]
    found = documents(subject, commands, tmp_path / "found")
    names = {command: {variable["name"] for variable in found[command]["variables"]} for command in commands}
    truth = {line.variable for line in subject.truth.lines}
    assert names[commands[0]] >= {name for name in truth if name.endswith("_buffer")}
    assert all(name.endswith("_buffer") for name in names[commands[0]])
    assert names[commands[1]] == {"zoo_options"}
    assert names[commands[2]] == {"hidden_buffer"}
    assert names[commands[3]] == {"space::inner::Class::member"}
    (options,) = found[commands[1]]["variables"]
    assert (options["type"], options["size"], options["file"]) == ("Options", 48, "zoo_values.cc")
    done = session(subject.arguments, ["tls-symbols (", "tls-symbols nothing_of_this_name"], tmp_path)
    assert "no regular expression" in one_sentence(done, "tls-symbols (")
    assert "No thread-local variable matches." in done["tls-symbols nothing_of_this_name"].output


def test_guards_are_counted(subjects: Subjects, tmp_path: Path) -> None:
    """Who asks for all, for a module or by a name wants to see them."""
    commands = ["tls-symbols", "tls-symbols --all", "tls-symbols --module lives", "tls-symbols __tls_guard"]
    done = session(subjects.get("lives", "core").arguments, commands, tmp_path)
    assert "guard" not in done[commands[0]].output.partition("Variables that are not shown")[0]
    assert "Variables that are not shown (--all shows them): the compiler's guards (11)." in done[commands[0]].words
    for command in commands[1:]:
        assert "__tls_guard" in done[command].output and "not shown" not in done[command].output
