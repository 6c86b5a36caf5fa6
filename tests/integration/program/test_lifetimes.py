"""Which thread-local objects are constructed, against what they said when they were."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.documents import documents
from integration.harness import PROGRAMS, Inferior, Subject, command_of, core_subject, live_subject, locked
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import run_gdb
from limits import LIMIT_SECONDS, wait_until

from gdb_tls.elf.file import open_elf

# Of the program and its libraries: what is not initialised dynamically is there from the beginning.
STATIC = {"calls", "other_calls", "counted", "who", "made", "gone", "makings", "goings"}
STRIPPED = "liblives_stripped.so"
BUILDS = [(compiler, level) for compiler in ("g++", "clang++") for level in (0, 2)]


def build(compiler: str, level: int, folder: Path) -> Path:
    """The program, built once for all workers of a test session."""
    folder.mkdir(parents=True, exist_ok=True)
    executable = folder / "lives"
    flags = [f"-O{level}", "-g", "-std=c++17", "-pthread", "-Wl,-rpath,$ORIGIN", "-Wl,--build-id"]
    flags += ["-fstandalone-debug"] * (compiler == "clang++")  # else GDB's printers find no members
    with locked(folder / "lock"):
        if not executable.exists():
            c = {"g++": "gcc", "clang++": "clang"}[compiler]
            run(c, "-g", "-c", PROGRAMS / "truth.c", "-o", folder / "truth.o")
            for name, more in (("liblives.so", ()), (STRIPPED, ("-s",))):
                whose = f'-DWHOSE="{name}::"'
                library = PROGRAMS / "lives_library.cc"
                run(compiler, *flags, "-shared", "-fPIC", whose, library, *more, "-o", folder / name)
            sources = [PROGRAMS / f"lives{name}.cc" for name in ("", "_other", "_waiting")]
            run(compiler, *flags, *sources, folder / "truth.o", "-ldl", "-o", folder / "made")
            (folder / "made").rename(executable)
    return executable


def run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def subject_of(executable: Path, kind: str, own: Path) -> Iterator[Subject]:
    if kind == "live":
        with live_subject(executable.name, executable, own) as subject:
            yield subject
    else:
        yield core_subject(executable.name, executable, executable.parent / "core", (), by_kernel=None)


def without_gdb(subject: Subject, query: str) -> Any:
    """The document of the engine without GDB."""
    if subject.core:
        which: list[object] = ["core", subject.core, "--exe", subject.executable, "--engine", "direct"]
    else:
        which = ["pid", subject.pid, "--engine", "direct"]
    command, _, name = query.partition(" ")
    return gdb_tls([*which, *([name] if name else []), "--command", command, "--format", "json"]).document


def said(subject: Subject, own: Path, what: str) -> dict[int, dict[str, Any]]:
    """What each thread wrote beside the program's truth."""
    return {line["lwp"]: line for line in lines_of(subject.core.parent if subject.core else own, what)}


def lines_of(folder: Path, what: str = "lives") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"truth.jsonl.{what}").read_text().splitlines()]


def last_name(variable: dict[str, Any]) -> str:
    """As the programs say it: the last part, with the library before it where it is one's."""
    name = re.sub(r"^_ZL\d+(\w+)\.\d+$", r"\1", variable["name"]).rpartition("::")[2]  # clang splits objects
    file = Path(variable["module"]["path"]).name
    return f"{file}::{name}" if file.startswith("liblives") else name


def expected(line: dict[str, Any], name: str) -> tuple[str, ...]:
    """The states that an object may have in a thread that has touched its module."""
    if name == "constant":  # null from the beginning
        return ("destroyed",) if "hidden" in line["gone"] else ("null",)
    if line["who"] == "worker-6" and name in ("waiting", "number_behind"):
        return ("set",)  # a constructor before it has not come back: nothing is said of it
    if name not in line["made"]:
        return ("not-constructed",)
    # std::string says nothing when it goes; it was constructed after `hidden`.
    gone = {*line["gone"], *(["text"] if "hidden" in line["gone"] else [])}
    gone |= {"slow"} if line["who"] == "worker-4" else set()  # its destructor runs now
    return ("destroyed",) if name in gone else ("set",)


def check_states(found: dict[str, Any], truth: dict[int, dict[str, Any]], is_blind: bool = False) -> None:
    """Compares the pictures of the program and of a library with what each thread says, and that all is judged.

    Args:
        found: the pictures.
        truth: what each thread says.
        is_blind: whether the debugger cannot read stacks.
    """
    judged: set[str] = set()
    for document in found.values():
        for variable in document["variables"]:
            name = last_name(variable)
            if variable["linkage_name"].startswith(("_ZGV", "__tls_guard")):
                continue
            for thread, state in zip(document["threads"], variable["states"]):
                line = truth[thread["lwp"]]
                if name.rpartition("::")[2] in STATIC:
                    assert state in ("set", "null", "unallocated"), (name, line, state)
                elif state != "unallocated":
                    wanted = expected(line, name)
                    # GDB has no types of some variables on AArch64; without the files, no stack tells who is ending.
                    wanted += ("null",) * (variable["type"] is None and wanted == ("set",))
                    wanted += ("set", "null") * (is_blind and wanted == ("destroyed",))
                    assert state in wanted, (name, line, state)
                    judged |= {name} - {"constant"}
                else:
                    assert name not in line["made"]
    every = {name for line in truth.values() for name in line["made"] if not name.startswith(STRIPPED)}
    assert judged == every and len(every) == 20


@pytest.mark.parametrize(("compiler", "level"), BUILDS)
def test_every_object(compiler: str, level: int, kind: str, shared_folder: Path, tmp_path: Path) -> None:
    executable = build(compiler, level, shared_folder / f"lives-{compiler}-{level}")
    with subject_of(executable, kind, tmp_path / "own") as subject:
        found = documents(subject, ["tls-map --module lives", "tls-map --module liblives.so"], tmp_path)
        truth = said(subject, tmp_path / "own", "lives")
    check_states(found, truth)


@pytest.mark.parametrize(("compiler", "level"), BUILDS)
def test_stripped(compiler: str, level: int, shared_folder: Path, tmp_path: Path) -> None:
    """What registers a destructor where a guard was zero is an object of C++; its places are known by their offsets."""
    executable = build(compiler, level, shared_folder / f"lives-{compiler}-{level}")
    symbols = {one.name: one for one in open_elf(str(executable.parent / "liblives.so")).tls_symbols()}
    ends = {"inner": "5innerE", "exported": "exported", "kept": "E4kept", "counted": "7countedE"}
    places = {
        name: next(one for other, one in symbols.items() if other.endswith(end) and not other.startswith("_ZGV"))
        for name, end in ends.items()
    }
    with subject_of(executable, "core", tmp_path / "own") as subject:
        query = f"tls-map --module {STRIPPED}"
        document = documents(subject, [query], tmp_path)[query]
        truth = said(subject, tmp_path / "own", "lives")
    judged = set()
    for variable in document["variables"]:
        offset = int(variable["offset"], 16)
        inside = [name for name, one in places.items() if one.value <= offset < one.value + one.size]
        for thread, state in zip(document["threads"], variable["states"]):
            if state not in ("not-constructed", "destroyed"):
                continue
            name = inside[0] if inside else "number_inside"
            assert name != "counted" and not variable["linkage_name"].startswith("_ZGV")
            assert state in expected(truth[thread["lwp"]], f"{STRIPPED}::{name}"), (variable["name"], thread)
            judged.add((name, offset))
    for name in ("inner", "exported", "kept"):
        assert (name, places[name].value) in judged
        assert not any(offset == places["counted"].value for _, offset in judged)


@pytest.mark.parametrize(("compiler", "level"), BUILDS)
def test_guards_without_names(compiler: str, level: int, kind: str, shared_folder: Path, tmp_path: Path) -> None:
    """In a stripped file the code tells which places are guards: a table has no rows of them unless it is asked to."""
    executable = build(compiler, level, shared_folder / f"lives-{compiler}-{level}")
    symbols = open_elf(str(executable.parent / "liblives.so")).tls_symbols()
    guards = {one.value for one in symbols if one.name.startswith(("_ZGV", "__tls_guard"))}
    names = {f"{STRIPPED}+0x{offset:x}" for offset in guards}
    module = f"--module {STRIPPED}"
    with subject_of(executable, kind, tmp_path / "own") as subject:
        truth = said(subject, tmp_path / "own", "lives")
        all_documents = documents(
            subject, [f"tls-symbols {module}", f"tls-map {module}", f"tls-thread all {module}"], tmp_path
        )
        asked, mapped, threads = all_documents.values()
        who = {line["who"]: one["num"] for one in mapped["threads"] for line in [truth[one["lwp"]]]}
        diff = f"tls-diff {who['worker-1']} {who['worker-3']}"
        tables = ["tls-symbols", "tls-map", "tls-thread all", diff]
        queries = [*tables, *(f"{one} --all" for one in tables), "tls-audit --all"]
        files = {query: tmp_path / f"{n}.txt" for n, query in enumerate(queries)}
        run_gdb(subject.arguments, [f"{query} --format table --output {file}" for query, file in files.items()])
        changed = documents(subject, [diff], tmp_path)[diff]
    for document in (asked, mapped):
        assert {int(one["offset"], 16) for one in document["variables"] if one["helper"]} == guards
    inside = [one for thread in threads["threads"] for block in thread["blocks"] for one in block["variables"]]
    assert {one["name"] for one in inside if one["helper"]} == names
    said_of = {query: file.read_text() for query, file in files.items()}
    # Both guards are set in worker-1 and not in worker-3.
    assert {one["variable"]["name"] for one in changed["differences"] if one["variable"]["helper"]} >= names
    for query in tables:
        assert not names & set(said_of[query].split()), query
        assert names <= set(said_of[f"{query} --all"].split()), query
        assert "the compiler's guards" in said_of[query], query
    assert not names & set(said_of["tls-audit --all"].split())


def build_for(compiler: str, level: int, folder: Path) -> Path:
    """The program for AArch64, with its libraries beside it."""
    c = {"g++": ["aarch64-linux-gnu-gcc"], "clang++": ["clang", "--target=aarch64-linux-gnu"]}[compiler]
    cxx = {"g++": ["aarch64-linux-gnu-g++"], "clang++": ["clang++", "--target=aarch64-linux-gnu"]}[compiler]
    flags = [f"-O{level}", "-g", "-std=c++17", "-pthread", *["-fstandalone-debug"] * (compiler == "clang++")]
    run(*c, "-g", "-c", PROGRAMS / "truth.c", "-o", folder / "truth.o")
    for name, more in (("liblives.so", ()), (STRIPPED, ("-s",))):
        whose = f'-DWHOSE="{name}::"'
        library = PROGRAMS / "lives_library.cc"
        run(*cxx, *flags, "-shared", "-fPIC", whose, library, *more, "-o", folder / name)
    sources = [PROGRAMS / f"lives{name}.cc" for name in ("", "_other", "_waiting")]
    run(*cxx, *flags, *sources, folder / "truth.o", "-ldl", "-o", folder / "lives")
    return folder / "lives"


@pytest.mark.parametrize(("compiler", "level"), BUILDS)
@pytest.mark.parametrize("kind", ["remote", "core"])
def test_aarch64(kind: str, compiler: str, level: int, tmp_path: Path) -> None:
    """The same on AArch64, where a guard has eight bytes: through QEMU's gdbstub, and on QEMU's core."""
    executable = build_for(compiler, level, tmp_path)
    root = "/usr/aarch64-linux-gnu"
    own = tmp_path / "own"
    program = command_of(executable, own, "abort")
    queries = ["tls-map --module lives", "tls-map --module liblives.so", f"tls-symbols --module {STRIPPED}"]
    options: dict[str, Any] = {
        "early": [f"set sysroot {root}", f"set solib-search-path {tmp_path}"],
        "gdb": "gdb-multiarch",
    }
    if kind == "core":
        with Inferior(["qemu-aarch64", "-L", root, *program], own) as inferior:
            assert inferior.process is not None
            inferior.process.wait(LIMIT_SECONDS)
        (core,) = own.glob("qemu_*.core")
        subject = Subject("lives", "core", executable, 0, core, None)  # type: ignore[arg-type]
        found = documents(subject, queries, tmp_path / "found", **options)
    else:
        socket = tmp_path / "gdb.socket"
        with Inferior(["qemu-aarch64", "-L", root, "-g", socket, *program], own) as inferior:
            process = inferior.process
            assert process is not None
            wait_until(lambda: socket.exists() or process.poll() is not None, "the socket of qemu-aarch64")
            assert process.poll() is None, (own / "stderr").read_text()
            files = {query: tmp_path / f"{number}.json" for number, query in enumerate(queries)}
            asked = [f"{query} --format json --output {file}" for query, file in files.items()]
            said_by_gdb = run_gdb([executable], [f"target remote {socket}", "continue", *asked, "kill"], **options)
        assert all(file.exists() for file in files.values()), said_by_gdb.text
        found = {query: json.loads(file.read_text()) for query, file in files.items()}
    stripped = found.pop(queries[2])["variables"]
    symbols = open_elf(str(tmp_path / "liblives.so")).tls_symbols()
    guards = {one.value for one in symbols if one.name.startswith(("_ZGV", "__tls_guard"))}
    assert {int(one["offset"], 16) for one in stripped if one["helper"]} == guards
    check_states(found, {line["lwp"]: line for line in lines_of(own)}, is_blind=kind == "core")


def test_rows(kind: str, shared_folder: Path, tmp_path: Path) -> None:
    """A row of an object that is not constructed has no value, and one of an object that is says so."""
    executable = build("g++", 2, shared_folder / "lives-g++-2")
    names = ["tls-inspect hidden", "tls-inspect number", "tls-inspect hidden.used", "tls-inspect calls"]
    names += ["tls-inspect before", "tls-inspect number_behind", "tls-inspect waiting"]
    with subject_of(executable, kind, tmp_path / "own") as subject:
        found = documents(subject, names, tmp_path)
        truth = said(subject, tmp_path / "own", "lives")
    for query in names[:3]:
        name = query.split()[1].partition(".")[0]
        rows = found[query]["threads"]
        assert {row["lwp"] for row in rows} == set(truth)
        for row in rows:
            (state,) = expected(truth[row["lwp"]], name)
            assert row["address"] and row["state"] == state
            assert row["flags"] == ["constructed"] * (state == "set")
            assert (row["value"] is None and row["text"] == "") or state == "set"
            assert row["reason"] == {
                "set": None,
                "not-constructed": "its guard is not set in this thread",
                "destroyed": "its destructor has begun: this thread is ending",
            }.get(state)
        assert found[query]["summary"]["not-constructed"] == sum(name not in line["made"] for line in truth.values())
    assert all(row["state"] == "set" and row["flags"] == [] for row in found["tls-inspect calls"]["threads"])
    (number,) = (lwp for lwp, line in truth.items() if line["who"] == "worker-6")
    for query, flags in zip(names[4:], (["constructed"], [], [])):
        (row,) = (row for row in found[query]["threads"] if row["lwp"] == number)
        assert (row["state"], row["flags"]) == ("set", flags), query


@pytest.mark.parametrize("engine", ["gdb", "direct"])
@pytest.mark.parametrize("level", [0, 2])
def test_rust(level: int, kind: str, engine: str, shared_folder: Path, tmp_path: Path) -> None:
    folder = shared_folder / f"lives-rust-{level}"
    folder.mkdir(parents=True, exist_ok=True)
    executable = folder / "lives"
    with locked(folder / "lock"):
        if not executable.exists():
            run("rustc", "-g", "-C", f"opt-level={level}", PROGRAMS / "lives.rs", "-o", folder / "made")
            (folder / "made").rename(executable)
    with subject_of(executable, kind, tmp_path / "own") as subject:
        queries = ["tls-map", "tls-inspect LAZY_PLAIN", "tls-inspect use_local::LOCAL", "tls-inspect EAGER_DROP"]
        if engine == "gdb":
            found = documents(subject, queries, tmp_path)
        else:
            found = {query: without_gdb(subject, query) for query in queries}
        truth = said(subject, tmp_path / "own", "lives")
    types = {one["name"]: one["type"] for one in found["tls-map"]["variables"]}
    # The debug information has values that the linker left out at the place of this one.
    assert types["lives::WHO"] == "core::cell::Cell<&str>"
    for line in truth.values():
        if line["who"] == "ender":
            assert "EAGER_DROP" in line["gone"] and "LAZY_DROP" not in line["gone"]
            line["gone"] += ["TEXT", "SLOW"]  # a String says nothing; the other's destructor runs now
    judged = set()
    document = found["tls-map"]
    for variable in document["variables"]:
        name = variable["name"].removeprefix("lives::").rpartition("use_local::")[2]
        # Before Rust 1.79 a constant's state is a variable of its own, which is none of the program's.
        if not variable["name"].startswith("lives::") or variable["helper"]:
            continue
        assert name not in judged, name
        judged.add(name)
        for thread, state in zip(document["threads"], variable["states"]):
            # The kernel's core has one more thread, which aborts and has used nothing.
            line = truth.get(thread["lwp"], {"made": [], "gone": []})
            is_constant = name in ("EAGER_DROP", "MADE", "GONE", "WHO")
            wanted = "destroyed" if name in line["gone"] else "set"
            if name not in line["made"] and wanted == "set" and (not is_constant or name == "EAGER_DROP"):
                # An Option that is there from the beginning has none until something is made.
                wanted = "no-value" if is_constant else "not-constructed"
            assert state == wanted, (name, line)
    assert judged >= {"LAZY_DROP", "LAZY_PLAIN", "EAGER_DROP", "TEXT", "SLOW", "LOCAL", "BOXED", "MADE"}
    plain, local, eager = (found[query] for query in queries[1:])
    assert (plain["variable"]["name"], local["variable"]["name"]) == ("lives::LAZY_PLAIN", "lives::use_local::LOCAL")
    assert plain["variable"]["type"] == "core::cell::Cell<u64>"
    for row in plain["threads"]:
        is_made = "LAZY_PLAIN" in truth.get(row["lwp"], {"made": []})["made"]
        assert ("42" in row["text"]) == is_made and row["flags"] == ["constructed"] * is_made
        assert is_made or row["reason"] == "uninitialised: nothing has used it in this thread yet"
    for row in eager["threads"]:
        line = truth.get(row["lwp"], {"made": [], "gone": []})
        is_gone, wanted = "EAGER_DROP" in line["gone"], "set" if "EAGER_DROP" in line["made"] else "no-value"
        assert row["state"] == ("destroyed" if is_gone else wanted) and ("constructed" in row["flags"]) is not is_gone
