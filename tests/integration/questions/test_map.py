"""tls-map on a program with one defect for each rule, against its own truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import run_gdb, session


def written(arguments: list[Any], command: str, folder: Path, **options: Any) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "answer.json"
    output.unlink(missing_ok=True)
    result = run_gdb(arguments, [f"{command} --format json --output {output}"], **options)
    assert output.exists(), result.text
    return json.loads(output.read_text())


@pytest.fixture
def subject(subjects: Subjects, kind: str) -> Subject:
    return subjects.get("suspects", kind)


def test_the_map_has_every_state_and_value(subject: Subject, tmp_path: Path) -> None:
    found = written(subject.arguments, "tls-map", tmp_path)
    assert found["schema"] == "gdb-tls/map/1"
    columns = {thread["lwp"]: index for index, thread in enumerate(found["threads"])}
    variables = {one["name"]: one for one in found["variables"]}
    assert subject.truth.lines
    for line in subject.truth.lines:
        one, at = variables[line.variable], columns[line.lwp]
        assert one["states"][at] == line.state, (line.variable, line.thread)
        if line.kind == "pointer":
            assert int.from_bytes(bytes.fromhex(one["bytes"][at]), "little") == int(line.value, 16)
    assert found["summary"]["null"] == sum(one["states"].count("null") for one in found["variables"])


def test_the_map_as_a_picture(subject: Subject, tmp_path: Path) -> None:
    said = session(subject.arguments, ["tls-map --module suspects"], tmp_path)
    truth = {line.lwp: line.state[0].upper() for line in subject.truth.of("minority")}
    picture = written(subject.arguments, "tls-map", tmp_path)
    (row,) = (line.split() for line in said["tls-map --module suspects"].output.splitlines() if " minority " in line)
    assert row[1:] == [truth[thread["lwp"]] for thread in picture["threads"]]
    # Not in a session: there, GDB takes every screen for unlimited.
    narrow = run_gdb(subject.arguments, ["set width 32", "echo PICTURE\\n", "tls-map --module suspects"]).stdout
    lines = narrow.split("PICTURE\n")[1].splitlines()
    assert max(len(line) for line in lines if not line.startswith("[Inferior")) <= 32
    assert "Threads in the same states share" in lines
    assert next(line.split() for line in lines if " main_only " in line).count("S") == 1


def test_a_module_that_is_not_touched_is_not_hidden(subjects: Subjects, kind: str, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    found = written(subject.arguments, "tls-map", tmp_path)
    columns = {thread["lwp"]: index for index, thread in enumerate(found["threads"])}
    names = {(one["linkage_name"], one["module"]["path"].rsplit("/", 1)[-1]): one for one in found["variables"]}
    lines = [line for line in subject.truth.lines if line.kind != "null-path" and "exited" not in line.flags]
    compared = 0
    for line in lines:
        one = names.get((line.linkage, line.module))
        if one is None or sum(key[0] == line.linkage for key in names) > 1 or set(line.variable) & set("[.>"):
            continue
        compared += 1
        assert one["states"][columns[line.lwp]] == line.state, (line.variable, line.thread)
    assert compared > 100
    assert found["summary"]["unallocated"] > 0
