"""Which variables hold the keys of key_owners.cc, against what it says itself; and its crashes on keys."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.conftest import Subjects
from integration.documents import documents
from integration.evidence.causes import allow_core
from integration.harness import PROGRAMS, Inferior, Subject, kernel_writes_cores, subject_of
from integration.questions.test_keys import said
from integration.sessions import run_gdb, session
from limits import LIMIT_SECONDS

NAMELESS = "(anonymous namespace)::"
# How far in a variable the key is that a class or a structure has.
INSIDE = {"pair": "+0x8", "second": "+0x8", "third": "+0x8"}


def wrong_names(lines: list[dict[str, Any]], document: Any, files: dict[str, str], stripped: set[str]) -> list[str]:
    """Every key that is called something else than the program says; `stripped` are the files without names."""
    found = {key["key"]: key for key in document["keys"]}
    wrong = []
    for line in lines:
        if line["variable"] == "removed":
            continue
        variables = found[line["key"]]["variables"]
        if not line["variable"]:
            wrong += [f"{line}: {variables}"] * bool(variables)
            continue
        file = files[line["file"]]
        names = [one["name"].replace(NAMELESS, "") for one in variables]
        expected = line["variable"] + INSIDE.get(line["variable"], "")
        if line["file"] in stripped:
            good = len(names) == 1 and names[0].lstrip("*").startswith(f"{file}+0x")
        else:
            good = names == [expected]
        # The linker puts a copy of it into the program, but where that is code for any place.
        is_elsewhere = variables[0]["file"] != file and expected != "owners_shared" if variables else True
        if not good or is_elsewhere or variables[0]["number"] != line["key"]:
            wrong.append(f"{line}: {variables}")
    return wrong


@pytest.mark.parametrize("program", ["key_owners", "key_owners_stripped"])
def test_names(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    document = documents(subject, ["tls-keys"], tmp_path)["tls-keys"]
    library = f"lib{program}.so"
    stripped = {"library"} if program == "key_owners_stripped" else set()
    assert wrong_names(said(subject), document, {"program": program, "library": library}, stripped) == []
    assert document["names_problem"] is None
    apart = {one["name"].replace(NAMELESS, ""): one for one in document["without_a_key"]}
    assert {"never", "idle", "removed"} <= apart.keys() and apart["never"]["number"] == apart["idle"]["number"] == 0
    users = {one["name"]: one for key in document["keys"] for one in key["variables"]}
    # A wrapper's callers use the key, not the wrapper.
    assert any("worker" in one for one in users[f"{NAMELESS}by_value"]["used_by"])
    assert users[f"{NAMELESS}first"]["created_by"] == ["main"]


@pytest.mark.parametrize(
    "words", ["gcc -O0", "gcc -O2", "gcc -O2 -fno-plt", "gcc -O2 -static", "clang -O0", "clang -O2"]
)
def test_compilers(words: str, tmp_path: Path) -> None:
    """Whatever the compiler makes of it, with names and without."""
    cc, *flags = words.split()
    cxx = {"gcc": "g++", "clang": "clang++"}[cc]
    library: list[object] = [tmp_path / "libkey_owners.so", "-Wl,-rpath,$ORIGIN"]
    source = PROGRAMS / "key_owners_library.c"
    if "-static" in flags:
        library = [tmp_path / "library.o"]
        run([cc, "-g", *flags, "-c", source, "-o", library[0]])
    else:
        run([cc, "-g", *flags, "-shared", "-fPIC", source, "-o", library[0]])
    run([cc, "-g", *flags, "-c", PROGRAMS / "truth.c", "-o", tmp_path / "truth.o"])
    program = tmp_path / "key_owners"
    sources = [PROGRAMS / "key_owners.cc", tmp_path / "truth.o"]
    run([cxx, "-g", "-std=c++17", *flags, *sources, *library, "-pthread", "-ldl", "-o", program])
    subject = crashed(program, tmp_path, "crash")
    document = documents(subject, ["tls-keys"], tmp_path / "named")["tls-keys"]
    files = {"program": "key_owners", "library": "key_owners" if "-static" in flags else "libkey_owners.so"}
    assert wrong_names(said(subject), document, files, set()) == []
    if "-static" in flags:
        return
    run(["strip", "--strip-all", program])
    document = documents(subject, ["tls-keys"], tmp_path / "stripped")["tls-keys"]
    lines = [line for line in said(subject) if line["variable"] != "owners_shared"]
    assert wrong_names(lines, document, files, {"program"}) == []


def crashed(program: Path, folder: Path, how: str) -> Subject:
    """The core of a way to crash; on a machine whose kernel writes none, the test has nothing to look at."""
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    place = folder / how
    place.mkdir(parents=True)
    truth = place / "truth.jsonl"
    with (place / "output").open("w") as output:
        words = [program, "--truth", truth, how]
        done = subprocess.run(
            words, cwd=place, stdout=output, stderr=output, timeout=LIMIT_SECONDS, check=False, preexec_fn=allow_core
        )
    (core,) = place.glob("core*")
    assert done.returncode < 0
    return Subject(program.name, "core", program, 0, core, None)  # type: ignore[arg-type]


SENTENCES = {
    "crash": ("pthread key 0", "never holds 0, but that key is that of", "does not exist: it was used before"),
    "deleted": ("pthread key 2", "removed holds 2, but there is no key 2", "it was deleted, or is used before"),
    "unset": ("pthread key 6", "Key 6 is not set in thread 1, and set in", ""),
    "exhausted": ("pthread key 1024", "All 1,024 keys are in use", "without a destructor, perhaps created by main ("),
}
VARIABLES = {"crash": "never", "deleted": "removed", "unset": "second", "exhausted": "refused"}


@pytest.mark.parametrize("how", SENTENCES)
def test_crashes(how: str, programs: Path, tmp_path: Path) -> None:
    subject = crashed(programs / "key_owners", tmp_path, how)
    command = "tls-audit"
    done = session(subject.arguments, [command], tmp_path)[command]
    words = done.words.replace(NAMELESS, "")
    title, *sentences = SENTENCES[how]
    assert f"! {title} ({VARIABLES[how]}" in words
    assert all(sentence in words for sentence in sentences), words
    (alarm,) = [one for one in documents(subject, [command], tmp_path)[command]["findings"] if one["alarming"]]
    assert f"pthread key {alarm['key']}" == title


def test_without_capstone(subjects: Subjects, tmp_path: Path) -> None:
    """Then only what is declared as a key is known, and the answer says why."""
    subject = subjects.get("key_owners", "core")
    hide = "python import sys; sys.modules['capstone'] = None"
    file = tmp_path / "keys.json"
    done = run_gdb(subject.arguments, ["tls-keys", f"tls-keys --format json --output {file}"], early=[hide])
    words = " ".join(done.stdout.split())
    assert "keys in use, in 3 threads." in words
    assert re.search(r"Which variables hold the keys is not known of all: The Python package capstone[^.]*\.", words)
    document = json.loads(file.read_text())
    assert "capstone" in document["names_problem"]
    named = {key["key"]: [one["name"].replace(NAMELESS, "") for one in key["variables"]] for key in document["keys"]}
    number = {line["variable"]: line["key"] for line in said(subject)}
    assert {one for one in number if named.get(number[one]) == [one]} == {"by_value", "eleven", "hidden", "wrapped"}
    assert named[0] == []  # `never` holds 0, too


def test_libcrypto(kind: str, tmp_path: Path) -> None:
    """Of a large library that nobody here wrote all code is followed: a stub of its PLT calls nothing itself."""
    executable = tmp_path / "crypto_keys"
    run(["gcc", "-g", PROGRAMS / "crypto_keys.c", PROGRAMS / "truth.c", "-pthread", "-ldl", "-o", executable])
    with subject_of(kind, executable, tmp_path / "subject") as subject:
        document = documents(subject, ["tls-keys"], tmp_path / "found")["tls-keys"]
    assert document["names_problem"] is None
    (ending,) = [key for key in document["keys"] if key["destructor"]["file"] == "libcrypto.so.3"]
    (variable,) = ending["variables"]
    assert variable["file"] == "libcrypto.so.3" and variable["number"] == ending["key"]
    assert "OPENSSL_thread_stop" in variable["used_by"]
    assert sum(len(key["variables"]) == 1 for key in document["keys"]) >= 3


@pytest.mark.parametrize("words", ["gcc -O0", "gcc -O2", "clang -O2"])
def test_gprivate(words: str, tmp_path: Path) -> None:
    """GLib keeps a key's number where a GPrivate points to; the GPrivate's name is the key's."""
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    glib = run(["pkg-config", "--cflags", "--libs", "glib-2.0"]).split()
    executable = tmp_path / "private"
    run([*words.split(), "-g", PROGRAMS / "private.c", *glib, "-pthread", "-o", executable])
    with Inferior([executable], tmp_path / "live") as inferior:
        lines = [json.loads(line) for line in inferior.wait_ready().splitlines() if line.startswith(b"{")]
        answer = tmp_path / "keys.json"
        # Which of two equal ways code is followed first must make no difference.
        run_gdb(["-p", str(inferior.pid)], [f"tls-keys --format json --output {answer}"])
    has = {line["lwp"]: line["has"] for line in lines}
    assert len(has) == 4
    found = json.loads(answer.read_text())
    # GLib has some of its own.
    keys = {one["name"]: key for key in found["keys"] for one in key["variables"] if one["file"] == "private"}
    assert keys.keys() == {"*private_buffer", "*public_count", "*context+0x8"}
    for name, key in keys.items():
        having = {row["lwp"] for row in key["threads"] if row["state"] == "set"}
        assert having == {lwp for lwp, names in has.items() if name.lstrip("*") in names}, name

    place = tmp_path / "crash"
    place.mkdir()
    words_of = [executable, "crash"]
    with (place / "output").open("w") as output:
        done = subprocess.run(
            words_of, cwd=place, stdout=output, timeout=LIMIT_SECONDS, check=False, preexec_fn=allow_core
        )
    (core,) = place.glob("core*")
    assert done.returncode < 0
    audit = tmp_path / "audit.json"
    run_gdb([str(executable), "-c", str(core)], [f"tls-audit --format json --output {audit}"])
    (alarm,) = [one for one in json.loads(audit.read_text())["findings"] if one["alarming"]]
    assert alarm["level"] == "the cause of the crash" and "(*private_buffer)" in alarm["name"]
