"""tls-modules against the programs' truth and what readelf says of their files."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS as SOURCES
from integration.harness import Subject
from integration.questions.test_inspect import STATIC
from integration.readelf import readelf
from integration.sessions import one_sentence, session

PROGRAMS = ("zoo", "ended", "namespaces", "many", "reuse", "solo", "solo_static")


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


def said(subject: Subject) -> list[dict[str, Any]]:
    """What budget.c wrote beside its truth."""
    if subject.core:
        truth = subject.core.parent / "truth.jsonl"
    else:
        words = Path(f"/proc/{subject.pid}/cmdline").read_bytes().split(b"\0")
        truth = Path(words[words.index(b"--truth") + 1].decode())
    return [json.loads(line) for line in Path(f"{truth}.budget").read_text().splitlines()]


def test_static_tls(kind: str, subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    subject = subjects.get("budget", kind)
    lines = said(subject)
    tried = {line["library"]: line["loads"] for line in lines if "library" in line}
    assert set(tried.values()) == {True, False}
    commands = {name: f"tls-modules --would-load {programs / name}" for name in tried}
    found = documents(subject, [*commands.values(), "tls-modules"], tmp_path)
    rooms = {name: found[command]["would_load"] for name, command in commands.items()}
    assert {name: room["fits"] for name, room in rooms.items()} == tried
    without_own = {"libroom_only.so", "libroom_whole.so", "libroom_borrows.so"}
    needing = {name for name, room in rooms.items() if room["needs_static"]}
    assert needing == {one for one in tried if "room" in one} - without_own
    # Each of the two would fit alone.
    assert (tried["libroom_500.so"], tried["libroom_over.so"], tried["libroom_only.so"]) == (True, False, True)
    document = found["tls-modules"]
    budget = document["static_tls"]
    (size,) = (line for line in lines if "size" in line)
    assert (budget["size"], budget["alignment"]) == (size["size"], size["alignment"])
    assert budget["used"] + budget["left"] + budget["control_block"] == budget["size"]
    assert budget["problem"] is None and document["would_load"] is None
    later = {share["name"]: share["size"] for share in budget["shares"] if share["loaded_later"]}
    assert later.keys() == {"libroom_200.so", "libroom_700.so"}
    assert 200 <= later["libroom_200.so"] < 264 and 700 <= later["libroom_700.so"] < 764
    assert sum(share["size"] for share in budget["shares"]) <= budget["used"]


def test_static_tls_words(subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    subject = subjects.get("budget", "core")
    wide, gone = programs / "libroom_wide.so", tmp_path / "gone.so"
    alone, nowhere = tmp_path / "libalone.so", tmp_path / "libnowhere.so"
    for file, others in ((nowhere, ()), (alone, (nowhere,))):
        name = f"-Wl,--no-as-needed,-soname,{file.name}"
        run(["gcc", "-shared", "-fPIC", "-DNAME=it", "-DSIZE=8", SOURCES / "room.c", name, *others, "-o", file])
    nowhere.unlink()
    needing = (programs / "libroom_over.so", programs / "libroom_whole.so", alone)
    commands = ["tls-modules", *(f"tls-modules --would-load {file}" for file in (wide, gone, __file__, *needing))]
    done = session(subject.arguments, commands, tmp_path)
    words = done["tls-modules"].words
    assert re.search(r"Static TLS: [\d,]+ of [\d,]+ bytes are used in each thread, [\d,]+ are left for dlopen\.", words)
    assert re.search(r"took 9\d\d: libroom_700\.so 7\d\d, libroom_200\.so 2\d\d\.", words), words
    assert f"dlopen of {wide} would fail" in done[commands[1]].words
    assert "aligned to 4,096: it does not fit" in done[commands[1]].words
    assert "libroom_over.so 500, libroom_under.so 500) needs 1,000 bytes" in done[commands[4]].words
    assert "libroom_whole.so needs libroom_big.so, which needs 4,096 bytes" in done[commands[5]].words
    assert "libalone.so needs libnowhere.so, which is neither loaded nor found" in done[commands[6]].words
    assert "cannot be loaded" in one_sentence(done, commands[2])
    assert "cannot be loaded" in one_sentence(done, commands[3])


def test_static_tls_of_others(programs: Path, subjects: Subjects, tmp_path: Path) -> None:
    """A static program has all its modules from the start."""
    document = documents(subjects.get("solo_static", "core"), ["tls-modules"], tmp_path)["tls-modules"]
    budget = document["static_tls"]
    assert budget["problem"] is None
    assert [share["loaded_later"] for share in budget["shares"]] == [False]
    assert budget["left"] > 0
