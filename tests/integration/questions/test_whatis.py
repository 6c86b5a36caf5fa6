"""tls-whatis of every address that the programs print, and of what lies between and beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.sessions import session
from integration.truth import Line


def one_line_each(subject: Subject, kinds: tuple[str, ...]) -> list[Line]:
    """A line of every variable, of another thread each time."""
    lines = [line for line in subject.truth.lines if line.address and line.kind in kinds and "->" not in line.variable]
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.query, []).append(line)
    return [same[number % len(same)] for number, same in enumerate(by_name.values())]


@pytest.mark.parametrize("program", ["zoo", "many", "namespaces", "ended", "files"])
def test_every_variable(program: str, kind: str, subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    lines = one_line_each(subject, ("pointer", "owner", "number", "object"))
    asked = [(line, f"tls-whatis {line.address}") for line in lines[:60]]
    found = documents(subject, [command for _, command in asked], tmp_path, gdb_folder=programs)
    wrong = []
    for line, command in asked:
        document = found[command]
        variable, thread = document["variable"] or {}, document["thread"] or {}
        got = (document["kind"], thread.get("thread_pointer"), variable.get("linkage_name"))
        if got != ("variable", line.thread_pointer, line.linkage):
            wrong.append(f"{line}: {document}")
        if line.module_id and document["module"]["id"] != line.module_id:
            wrong.append(f"{line}: module {document['module']}")
        path = re.search(r"[.\[](?!so).*$", line.variable.split("::")[-1])
        if path and variable.get("path") not in (path.group(), path.group() + "._M_elems"):
            wrong.append(f"{line}: path {variable.get('path')}")
        if variable.get("part_offset") != 0:
            wrong.append(f"{line}: {variable}")
    assert not wrong, "\n".join(wrong)


def test_inside_a_variable(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Members of members and elements of elements, and the bytes in them."""
    subject = subjects.get("zoo", kind)
    worker = "worker-2"
    table = int(subject.truth.one("zoo_table", worker).address or "", 16)
    options = int(subject.truth.one("zoo_options", worker).address or "", 16)
    second = int(subject.truth.one("zoo_options.stack[2]", worker).address or "", 16)
    cases = {
        table + 4 * 4 + 1: ("zoo_table", "[1][1]", 1, False),
        second + 7: ("zoo_options", ".stack[2]", 7, False),
        options + 4: ("zoo_options", "", 4, True),  # between an int and a pointer
        options + 8: ("zoo_options", ".label", 0, False),
    }
    found = documents(subject, [f"tls-whatis {address:#x}" for address in cases], tmp_path)
    for address, (name, path, offset, padding) in cases.items():
        document = found[f"tls-whatis {address:#x}"]
        variable = document["variable"]
        assert document["kind"] == "variable"
        assert (variable["name"], variable["path"], variable["part_offset"], variable["padding"]) == (
            name,
            path,
            offset,
            padding,
        )


def test_between_variables(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """zoo_small is one byte, and the next variable is aligned to eight."""
    subject = subjects.get("zoo", kind)
    line = subject.truth.one("zoo_small", "worker-1")
    command = f"tls-whatis {int(line.address or '', 16) + 1:#x}"
    document = documents(subject, [command], tmp_path)[command]
    assert (document["kind"], document["thread"]["lwp"]) == ("padding", line.lwp)
    assert (document["variable"]["name"], document["variable"]["next"]) == ("zoo_small", "zoo_wide")


def test_what_a_thread_has_besides(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Key slots, control blocks, DTVs and stacks, found through other commands and GDB's registers."""
    subject = subjects.get("keys", kind)
    first = documents(subject, ["tls-keys", "tls-thread all"], tmp_path / "first")
    cases: dict[str, dict[str, Any]] = {}
    for key in first["tls-keys"]["keys"][:2] + first["tls-keys"]["keys"][-2:]:
        for row in key["threads"]:
            if row["address"]:
                cases[f"tls-whatis {row['address']}"] = {"kind": "key-slot", "key": key["key"], "lwp": row["lwp"]}
    for thread in first["tls-thread all"]["threads"]:
        lwp = thread["lwp"]
        cases[f"tls-whatis {thread['thread_pointer']}"] = {"kind": "control-block", "lwp": lwp}
        dtv = int(thread["dtv"]["address"], 16)
        cases[f"tls-whatis {dtv + 16:#x}"] = {"kind": "dtv", "lwp": lwp, "module": 1}
        cases[f"tls-whatis {dtv - 16:#x}"] = {"kind": "dtv", "lwp": lwp, "module": None}
        cases[f"tls-whatis {dtv + 16 * (thread['dtv']['capacity'] + 1) - 1:#x}"] = {
            "kind": "dtv",
            "lwp": lwp,
            "module": None,
        }
    numbers = {thread["num"]: thread["lwp"] for thread in first["tls-thread all"]["threads"]}
    commands = list(cases)
    for number in numbers:
        commands += [f"thread {number}", f"tls-whatis $sp + {number}", f"tls-whatis $sp - {512 + number}"]
    commands += [
        "tls-whatis main",
        "tls-whatis 0",
        "tls-whatis &__pthread_keys",
        "tls-whatis 0x10",
        "tls-whatis free_plain",
    ]
    table = {1: "tls-whatis (char *)&__pthread_keys + 24", None: "tls-whatis (char *)&__pthread_keys + 16 * 60"}
    commands += table.values()
    found = documents(subject, commands, tmp_path / "second")
    for number, command in table.items():
        assert (found[command]["kind"], found[command]["key"]) == ("key-table", number)
    for command, true in cases.items():
        document = found[command]
        got = {"kind": document["kind"], "lwp": document["thread"]["lwp"]}
        got.update({name: document["key"] for name in true if name == "key"})
        got.update({name: (document["module"] or {}).get("id") for name in true if name == "module"})
        assert got == true, document
    for number, lwp in numbers.items():
        for command, words in (
            (f"tls-whatis $sp + {number}", "on the stack"),
            (f"tls-whatis $sp - {512 + number}", "below its stack pointer"),
        ):
            document = found[command]
            assert (document["kind"], document["thread"]["num"], document["thread"]["lwp"]) == ("stack", number, lwp)
            assert words in document["text"]
    assert (found["tls-whatis main"]["kind"], found["tls-whatis main"]["symbol"]) == ("symbol", "main")
    assert found["tls-whatis 0"]["kind"] == found["tls-whatis 0x10"]["kind"] == "unmapped"
    assert found["tls-whatis 0"]["text"] == "a null pointer."
    assert (found["tls-whatis &__pthread_keys"]["kind"], found["tls-whatis &__pthread_keys"]["key"]) == ("key-table", 0)
    assert found["tls-whatis free_plain"]["symbol"] == "free_plain"


def test_who_holds_it(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """An object on the heap is known by the thread-local pointers to it."""
    subject = subjects.get("zoo", kind)
    shared = subject.truth.of("zoo_common")
    value = next(line.value for line in shared if "shared" in line.flags)
    command = f"tls-whatis {value}"
    document = documents(subject, [command], tmp_path)[command]
    (holder,) = (one for one in document["held_by"] if one["variable"] == "zoo_common")
    assert {row["lwp"] for row in holder["threads"]} == {line.lwp for line in shared if line.value == value}
    assert len(holder["threads"]) > 1


def test_names_without_libthread_db(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """GDB cannot find the variable then; the selected thread's is meant."""
    subject = subjects.get("zoo", kind)
    numbers = "python [gdb.write('NUMBER %d %d\\n' % (t.num, t.ptid[1])) for t in gdb.selected_inferior().threads()]"
    listed = session(subject.arguments, [numbers], tmp_path / "numbers").said[0].output
    by_lwp = {int(lwp): int(number) for number, lwp in re.findall(r"NUMBER (\d+) (\d+)", listed)}
    for line in subject.truth.of("zoo_some"):
        select = f"thread {by_lwp[line.lwp]}"
        document = documents(subject, [select, "tls-whatis &zoo_some"], tmp_path)["tls-whatis &zoo_some"]
        assert document["address"] == line.address
        assert document["thread"]["lwp"] == line.lwp


def test_bad_expressions(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    commands = ["tls-whatis", "tls-whatis nonsense", "tls-whatis 1 +", "tls-whatis 1.5", "tls-whatis &late_gd_buffer"]
    worker = next(line for line in subject.truth.of("late_gd_buffer") if line.state == "unallocated")
    select = f"python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == {worker.lwp}]"
    done = session(subject.arguments, [select, *commands], tmp_path)
    assert "nonsense" in (done["tls-whatis nonsense"].error or "")
    assert "without an address" in (done["tls-whatis 1.5"].error or "")
    assert "has not touched liblate_gd.so" in (done["tls-whatis &late_gd_buffer"].error or "")
    assert all(done[command].error for command in commands)
