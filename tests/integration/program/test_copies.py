"""Of several definitions of one name the one that code uses, by the loader's own rules: against what copies.c says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from integration.anywhere import run
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Subject, build_programs, core_subject, locked
from integration.sessions import session

NAMES = ("shared", "grouped", "lonely")
PATTERN = "^(shared|grouped|lonely)$"


def said(subject: Subject) -> list[dict[str, Any]]:
    """What copies.c wrote beside its truth."""
    if subject.core:
        truth = subject.core.parent / "truth.jsonl"
    else:
        words = Path(f"/proc/{subject.pid}/cmdline").read_bytes().split(b"\0")
        truth = Path(words[words.index(b"--truth") + 1].decode())
    return [json.loads(line) for line in Path(f"{truth}.copies").read_text().splitlines()]


def differences(subject: Subject, variables: list[Any], lines: list[dict[str, Any]], folder: Path) -> list[str]:
    """Of which definitions it is not said rightly whether code uses them: those are used that the program has named."""
    places = {(one["module"]["id"], one["offset"]): one for one in variables}
    queries = [f"tls-inspect {number}+{offset}" for number, offset in places]
    inspected = documents(subject, queries, folder)
    used = {(line["variable"], int(line["address"], 16)): line["who"] for line in lines}
    lwp = lines[0]["lwp"]
    wrong = []
    for query, one in zip(queries, places.values()):
        (address,) = [row["address"] for row in inspected[query]["threads"] if row["lwp"] == lwp]
        is_used = address is not None and (one["name"], int(address, 16)) in used
        if is_used is (one["used_instead"] is not None):
            wrong.append(f"{one['name']} of {one['module']['path']}: {one['used_instead']}, address {address}")
    return wrong


def test_what_no_code_uses(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("copies", kind)
    lines = said(subject)
    # 1 of the program, 2 of first, second, symbolic, hidden, versioned, outer, inner, apart.
    every = f"tls-symbols {PATTERN} --copies"
    few = f"tls-symbols {PATTERN}"
    found = documents(subject, [every, few], tmp_path)
    variables = found[every]["variables"]
    assert len(variables) == 17 and found[every]["hidden_copies"] == 0
    assert differences(subject, variables, lines, tmp_path / "places") == []
    assert {one["name"]: one["used_instead"] for one in variables if "libcopies_inner" in one["module"]["path"]} == {
        "shared": "copies",
        "lonely": "libcopies_outer.so",
    }
    left = [one for one in variables if one["used_instead"] is None]
    assert found[few]["variables"] == left and found[few]["hidden_copies"] == 17 - len(left) == 8


def clang_folder() -> Path:
    """unique.cc and its libraries, built by Clang, which makes no STB_GNU_UNIQUE."""
    folder = build_programs() / "unique-clang"
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        if not (folder / "unique").exists():
            common = ["-g", "-O1", "-pthread"]
            cc = ["clang++", *common, "-std=c++17"]
            run(["clang", *common, "-c", PROGRAMS / "truth.c", "-o", folder / "truth.o"])
            for name in ("a", "b", "global", "weak_a", "weak_b"):
                command = [*cc, "-shared", "-fPIC", f"-DNAME={name}", PROGRAMS / "unique_library.cc"]
                run([*command, "-o", folder / f"libunique_{name}.so"])
            run([*cc, PROGRAMS / "unique.cc", folder / "truth.o", "-ldl", "-o", folder / "made"])
            (folder / "made").rename(folder / "unique")
    return folder


def check_inline_variables(subject: Subject, unused: list[str], folder: Path) -> None:
    """Those are used, and constructed, that the program says it has used; `unused`: the files whose own are not."""
    lines = said(subject)
    command = "tls-symbols ^(counter|object)$ --copies"
    variables = documents(subject, [command], folder)[command]["variables"]
    assert len(variables) == 14
    assert differences(subject, variables, lines, folder / "places") == []
    left = [Path(one["module"]["path"]).name for one in variables if one["used_instead"] and one["name"] == "counter"]
    assert sorted(left) == unused
    places = [f"tls-inspect {one['module']['id']}+{one['offset']}" for one in variables if one["name"] == "object"]
    made = {int(line["address"], 16) for line in lines if line["variable"] == "object"}
    for document in documents(subject, places, folder / "objects").values():
        for row in document["threads"]:
            if row["state"] != "unallocated":
                is_made = int(row["address"], 16) in made
                assert row["state"] == ("set" if is_made else "not-constructed"), row
                assert ("constructed" in row["flags"]) is is_made


def test_inline_variables(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """What is STB_GNU_UNIQUE is one in a namespace, however private the libraries are."""
    unused = ["libunique_b.so", "libunique_b.so", "libunique_global.so"]
    check_inline_variables(subjects.get("unique", kind), unused, tmp_path)


def test_inline_variables_of_clang(shared_folder: Path, tmp_path: Path) -> None:
    executable = clang_folder() / "unique"
    subject = core_subject("unique", executable, shared_folder / "unique-clang", (), by_kernel=None)
    check_inline_variables(subject, ["libunique_b.so"], tmp_path)


def test_folded_away(subjects: Subjects, tmp_path: Path) -> None:
    """One variable has one row, and the rest is counted; nothing is left out without a word."""
    subject = subjects.get("copies", "core")
    commands = ["tls-map", "tls-map --copies", f"tls-symbols {PATTERN}", "tls-inspect lonely", "tls-audit"]
    done = session(subject.arguments, commands, tmp_path)
    for command in (commands[0], commands[2]):
        assert "8 copies that no code is bound to are not shown: --copies shows them." in done[command].words
    assert done[commands[1]].output.count("(unused copy)") == 8 and "--copies" not in done[commands[1]].words
    # Two are used, in two namespaces: no name alone means one of them.
    assert "2 thread-local variables are called lonely" in done[commands[3]].words
    assert "could not be looked at" not in done[commands[4]].words and "does not tell" not in done[commands[4]].words


def test_all_definitions_of_one(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("copies", kind)
    command = "tls-inspect copies::shared --copies"
    found = documents(subject, [command], tmp_path)[command]
    assert found["schema"] == "gdb-tls/inspect-several/1" and found["matched"] == 6
    files = [Path(one["variable"]["module"]["path"]).name for one in found["variables"]]
    assert files == ["copies", *(f"libcopies_{one}.so" for one in ("first", "second", "versioned", "outer", "inner"))]
    words = session(subject.arguments, [command], tmp_path)[command].words
    assert len(re.findall(r"No code is bound to this copy: the loader chose \S+ instead\.", words)) == 5
    assert "One variable, and 5 copies of it that no code is bound to." in words
