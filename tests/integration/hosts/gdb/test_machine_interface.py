"""The commands in GDB/MI, asked by a client of it: what they answer is what the JSON documents say."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import EXTENSION, WITHOUT_LIBTHREAD_DB
from limits import LIMIT_SECONDS
from pygdbmi.gdbcontroller import GdbController

from gdb_tls.questions.every import every

COMMANDS = {
    "tls-inspect": ["request"],
    "tls-table": ["counter, request->id as id", "--where", 'id > 101 && where ~ "truth_park"'],
    "tls-thread": ["2"],
    "tls-diff": ["1", "2"],
    "tls-access": ["counter"],
    "tls-exit": ["2"],
    "tls-whatis": ["&total"],
    "tls-verify": ["counter"],
}


class Client:
    """A GDB that an editor would have started."""

    def __init__(self, subject: Subject) -> None:
        command = ["gdb", "-q", "-nx", "--interpreter=mi3", "-iex", "set debuginfod enabled off"]
        command += [word for setting in WITHOUT_LIBTHREAD_DB for word in ("-iex", setting)]
        self._gdb = GdbController([*command, *subject.arguments, "-ex", f"source {EXTENSION}"])
        self.said: list[Any] = []
        self.ask("-gdb-version")

    def ask(self, line: str) -> Any:
        """The result record of one command; the rest is kept in `said`."""
        self.said = []
        self._gdb.write(line, read_response=False)
        while True:
            responses = self._gdb.get_gdb_response(timeout_sec=LIMIT_SECONDS)
            self.said += responses
            for one in responses:
                if one["type"] == "result":
                    return one

    def close(self) -> None:
        self._gdb.exit()


@pytest.fixture
def client(subjects: Subjects, kind: str) -> Iterator[Client]:
    made = Client(subjects.get("table", kind))
    yield made
    made.close()


def quoted(word: str) -> str:
    """A word as MI takes it: a C string."""
    return json.dumps(word)


def as_mi(value: Any) -> Any:
    """A JSON value in MI's words."""
    if isinstance(value, dict):
        return {key: as_mi(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_mi(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value)


def test_every_command_answers_its_document(client: Client, tmp_path: Path) -> None:
    for spec in every():
        words = COMMANDS.get(spec.name, [])
        file = tmp_path / f"{spec.name}.json"
        found = client.ask(" ".join([f"-{spec.name}", *map(quoted, words)]))
        assert found["message"] == "done", (spec.name, found["payload"])
        status = found["payload"].pop("status")
        assert status in ("0", "1", "2"), spec.name
        assert not [one for one in client.said if one["type"] in ("console", "target")], client.said
        found["payload"].pop("frame", None)  # GDB's own, of the program that it has just opened
        written = client.ask(
            " ".join([f"-{spec.name}", *map(quoted, words), "--format json --output", quoted(str(file))])
        )
        assert written["payload"] == {"output": str(file), "status": status}
        document = json.loads(file.read_text())
        assert found["payload"] == as_mi(document), spec.name
        assert document["schema"].startswith(f"gdb-tls/{spec.name.removeprefix('tls-')}/")


def test_errors_are_sentences(client: Client) -> None:
    for line, said in {
        "-tls-inspect nothing_of_the_kind": "No thread-local variable is called nothing_of_the_kind",
        "-tls-table counter --wher 3": "unrecognized arguments: --wher",
        '-tls-table counter --where "x == 3"': "There is no column x.",
    }.items():
        found = client.ask(line)
        assert found["message"] == "error"
        assert said in found["payload"]["msg"] and "\n" not in found["payload"]["msg"]


def test_the_selection_stays(client: Client) -> None:
    client.ask("-thread-select 3")
    before = client.ask("-stack-info-frame")["payload"]
    client.ask('-tls-table "counter, $sp" --where "where ~ \\"truth\\""')
    assert client.ask("-stack-info-frame")["payload"] == before
    threads = client.ask("-thread-info")["payload"]
    assert threads["current-thread-id"] == "3"


def test_the_console_of_an_editor_has_a_table_without_colours(client: Client) -> None:
    """What VS Code's debug console, CLion's and Emacs' send: a command of GDB's through MI."""
    found = client.ask('-interpreter-exec console "tls-table counter, request->id"')
    assert found["message"] == "done"
    text = "".join(one["payload"] for one in client.said if one["type"] == "console")
    text = text.encode().decode("unicode_escape") if "\\n" in text else text
    assert "\x1b" not in text
    (heading,) = (line for line in text.splitlines() if line.startswith("  Thread"))
    assert heading.split() == ["Thread", *(["Name"] if "Name" in heading else []), "counter", "request->id", "Where"]
