"""tls-verify: every resolver agrees, in every program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject, live_subject
from integration.sessions import session
from limits import LIMIT_SECONDS
from peers.registers import writing_registers

# A call that comes back is not given up because the machine is busy.
PATIENT = f"python import gdb_tls.hosts.gdb.calls as calls; calls.LONGEST_CALL = {LIMIT_SECONDS}"


@pytest.fixture
def zoo(programs: Path, tmp_path: Path) -> Iterator[Subject]:
    """A zoo of one's own, which the test may change."""
    with live_subject("zoo", programs / "zoo", tmp_path / "zoo") as subject:
        yield subject


def resolves_alone(subject: Subject, folder: Path) -> bool:
    """Whether this GDB finds thread-local variables without libthread_db, by what it knows of the C library."""
    done = session(subject.arguments, ["print &zoo_counter"], folder / "alone", extension=False)
    return done["print &zoo_counter"].error is None


@pytest.mark.parametrize("program", ["zoo", "ended", "namespaces", "reuse", "many", "files"])
def test_verify_all_agrees(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    output = tmp_path / "verify.json"
    done = session(
        subject.arguments,
        [f"tls-verify --all --format json --output {output}", "tls-verify --all"],
        tmp_path,
        passive=False,
    )
    assert output.exists(), [one.words for one in done.said]
    found = json.loads(output.read_text())
    assert found["schema"] == "gdb-tls/verify/1"
    assert found["disagreements"] == []
    variables = {line.query for line in subject.truth.lines if line.variable.replace("_", "").isalnum()}
    assert found["variables"] >= len(variables)
    assert found["threads"] == len({line.thread_pointer for line in subject.truth.lines})
    assert found["compared"] > found["variables"]
    assert found["answered"]["passive"] >= found["compared"] and found["answered"]["gdb"] >= found["compared"]
    assert "no disagreement" in done["tls-verify --all"].words


def test_verify_one_with_calls(zoo: Subject, tmp_path: Path) -> None:
    """Calls run last, so that the other resolvers see the blocks as they were."""
    output = tmp_path / "verify.json"
    command = f"tls-verify early_buffer --calls --format json --output {output}"
    session(zoo.arguments, [PATIENT, command], tmp_path, passive=False, early=writing_registers())
    found = json.loads(output.read_text())
    assert (found["variables"], found["threads"], found["disagreements"]) == (1, 5, [])
    assert found["answered"] == {"passive": 3, "gdb": 3, "dlsym": 5, "tls-get-addr": 5}
    assert found["compared"] >= 3


def test_verify_without_libthread_db_still_answers(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    done = session(subject.arguments, ["tls-verify zoo_counter"], tmp_path)
    assert done["tls-verify zoo_counter"].error is None
    compared = len(subject.truth.of("zoo_counter")) if resolves_alone(subject, tmp_path) else 0
    words = f": {compared} instances compared" if compared else ": nothing could be compared"
    said = " ".join(done["tls-verify zoo_counter"].words.split())
    assert words in said
    assert compared or "gdb 0 addresses (GDB says: Cannot find " in said, "why there is none"
