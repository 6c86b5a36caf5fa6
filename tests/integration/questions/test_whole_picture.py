"""tls-modules, tls-symbols and tls-thread against the programs' truth and what readelf says of their files."""

from __future__ import annotations

import csv
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.questions.test_inspect import STATIC
from integration.sessions import one_sentence, run_gdb, session
from integration.truth import Line

PROGRAMS = ("zoo", "ended", "namespaces", "many", "reuse", "solo", "solo_static")


def readelf(*words: object) -> str:
    return subprocess.run(
        ["readelf", *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    ).stdout


def blocks(subject: Subject) -> dict[tuple[str, int | None], set[str]]:
    """Module (its id where the program says it) -> the thread pointers of the threads that have a block."""
    found: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for line in subject.truth.lines:
        have = found[line.module, line.module_id]
        if line.address and line.kind in ("pointer", "number", "owner", "object") and "->" not in line.variable:
            have.add(line.thread_pointer)
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_modules(program: str, kind: str, subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    document = documents(subject, ["tls-modules"], tmp_path, gdb_folder=programs)["tls-modules"]
    assert document["schema"] == "gdb-tls/modules/1"
    pointers = {line.thread_pointer for line in subject.truth.lines}
    assert document["threads"] == len(pointers)
    ids = [module["id"] for module in document["modules"]]
    assert ids == sorted(set(ids))
    for (said, module_id), have in blocks(subject).items():
        name = program if said == "solo" else said  # which is linked twice
        (module,) = (one for one in document["modules"] if one["name"] == name and module_id in (None, one["id"]))
        assert module["blocks"] == len(have), module
        assert module["unallocated"] == len(pointers) - len(have)
        assert module["unresolved"] == 0
        assert module["storage"] == ("static" if name in STATIC | {"solo_static"} else "dynamic")
        header = re.search(r"^  TLS +\S+ \S+ \S+ (\S+) (\S+) +R +(\S+)$", readelf("-lW", module["path"]), re.MULTILINE)
        assert header is not None
        assert [module["image_size"], module["size"], module["alignment"]] == [
            int(word, 16) for word in header.groups()
        ]
        assert module["bytes_used"] == module["size"] * len(have)
        build_id = re.search(r"Build ID: (\w+)", readelf("-n", module["path"]))
        assert build_id is None or build_id.group(1) == module["build_id"]
    assert document["bytes_used"] == sum(module["bytes_used"] for module in document["modules"])


def test_modules_table(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    done = session(
        subject.arguments,
        ["tls-modules", "tls-modules --module libe* --format csv", "tls-modules --module x"],
        tmp_path,
    )
    output = done["tls-modules"].output
    assert re.search(r"libearly\.so +dynamic +16 +8 +3 of 5 +48 +2 ", output), output
    assert re.search(r"zoo +static +\d+ +16 +all ", output), output
    assert "in 5 threads" in output
    (row,) = csv.DictReader(done["tls-modules --module libe* --format csv"].output.splitlines())
    assert (row["name"], row["blocks"], row["bytes_used"]) == ("libearly.so", "3", "48")
    assert "No module" in one_sentence(done, "tls-modules --module x")


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


def is_right(line: Line, variable: dict[str, Any]) -> bool:
    value = None if line.kind == "owner" else line.value
    flags = set(variable["flags"]) - {"assumed-pointer"}
    got = (variable["state"], variable["address"], variable["value"], sorted(flags))
    return got == (line.state, line.address, value, sorted(line.flags))


@pytest.mark.parametrize("program", ["zoo", "ended", "namespaces", "many"])
def test_threads(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """All threads: every variable that the program speaks of, and the blocks around them."""
    subject = subjects.get(program, kind)
    document = documents(subject, ["tls-thread all"], tmp_path)["tls-thread all"]
    assert document["schema"] == "gdb-tls/thread/1"
    threads = {thread["thread_pointer"]: thread for thread in document["threads"]}
    assert set(threads) == {line.thread_pointer for line in subject.truth.lines}
    wrong = []
    for line in subject.truth.lines:
        thread = threads[line.thread_pointer]
        if (
            line.kind == "null-path"
            or "->" in line.variable
            or re.search(r"[.\[](?!so)", line.variable.split("::")[-1])
        ):
            continue
        modules = [
            block
            for block in thread["blocks"]
            if Path(block["module"]["path"]).name == line.module and line.module_id in (None, block["module"]["id"])
        ]
        assert len(modules) == 1, line
        if line.state == "unallocated":
            if (modules[0]["state"], modules[0]["address"], modules[0]["variables"]) != ("unallocated", None, []):
                wrong.append(f"{line}: {modules[0]}")
            continue
        variables = [one for one in modules[0]["variables"] if one["linkage_name"] == line.linkage]
        if not any(is_right(line, variable) for variable in variables):
            wrong.append(f"{line}: {variables}")
        for variable in variables:
            if int(modules[0]["address"], 16) + int(variable["offset"], 16) != int(variable["address"], 16):
                wrong.append(f"{line}: {variable} is not in the block {modules[0]['address']}")
    assert not wrong, "\n".join(wrong)
    for thread in document["threads"]:
        is_ended = any(
            "exited" in line.flags for line in subject.truth.lines if line.thread_pointer == thread["thread_pointer"]
        )
        assert thread["exited"] == is_ended
        assert thread["control_block"]["address"] == thread["thread_pointer"]  # x86-64
        assert thread["dtv"]["generation"] >= 1
        assert thread["reason"] is None
        assert is_ended or thread["function"]


def test_thread_as_gdb_has_it(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """The selected thread where none is named, and the DTV that libc's own debug information shows."""
    subject = subjects.get("zoo", kind)
    commands = ["thread 3", "tls-thread", "tls-thread 2,4 --module libe*"]
    found = documents(subject, commands, tmp_path / "found")
    (selected,) = found["tls-thread"]["threads"]
    assert selected["num"] == 3
    assert [thread["num"] for thread in found[commands[2]]["threads"]] == [2, 4]
    assert {len(thread["blocks"]) for thread in found[commands[2]]["threads"]} == {1}
    dtv = selected["dtv"]["address"]
    words = run_gdb(
        subject.arguments, [f"print *(long *) {dtv}", f"print ((long *) {dtv})[-2]"], extension=False
    ).stdout
    assert [int(word) for word in re.findall(r"^\$\d = (\d+)$", words, re.MULTILINE)] == [
        selected["dtv"]["generation"],
        selected["dtv"]["capacity"],
    ]


def test_thread_table(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    main = next(line for line in subject.truth.of("early_buffer") if line.lwp == subject.pid)
    select = f"python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == {main.lwp}]"
    commands = [select, "tls-thread --module libe*", "tls-thread 77", "tls-thread x", "tls-thread --format csv"]
    done = session(subject.arguments, commands, tmp_path)
    output = done["tls-thread --module libe*"].output
    assert f"thread pointer {main.thread_pointer}" in output
    assert re.search(rf"0x\w+ +early_buffer +set +\(struct buffer \*\) {main.value}", output), output
    assert "has 1 of 1 block, 16 bytes" in output
    assert "no thread 77" in one_sentence(done, "tls-thread 77")
    one_sentence(done, "tls-thread x")
    rows = list(csv.DictReader(done["tls-thread --format csv"].output.splitlines()))
    (row,) = (row for row in rows if row["variable"] == "early_buffer")
    assert (row["lwp"], row["address"], row["value"]) == (str(main.lwp), main.address, main.value)


@pytest.mark.parametrize("command", ["tls-modules", "tls-symbols", "tls-thread", "tls-keys", "tls-whatis 1"])
def test_without_a_process(command: str, programs: Path, tmp_path: Path) -> None:
    done = session([programs / "zoo"], [command, f"help {command.split()[0]}"], tmp_path)
    assert "no process" in one_sentence(done, command)
    assert f"Usage: {command.split()[0]}" in done[f"help {command.split()[0]}"].output
