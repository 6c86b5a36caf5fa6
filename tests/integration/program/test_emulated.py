"""Emulated thread-local storage: each thread's instance, with libgcc's and LLVM's runtime."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from integration.evidence.causes import allow_core
from integration.harness import Inferior, core_subject, kernel_writes_cores, subject_of
from integration.sessions import ask, one_sentence, session
from integration.truth import mismatches
from limits import LIMIT_SECONDS

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
# The runtime in a library, in the executable itself, and the other compiler's, which knows the same control variables.
RUNTIMES = {
    "libgcc": ("--rtlib=libgcc",),
    "own": ("--rtlib=libgcc", "-static-libgcc"),
    "static": ("--rtlib=libgcc", "-static"),
    "llvm": ("--rtlib=compiler-rt",),
}


def build(folder: Path, runtime: str) -> Path:
    executable = folder / f"emulated_{runtime}"
    truth = folder / "truth.o"
    run("gcc", "-g", "-c", PROGRAMS / "truth.c", "-o", truth)
    define = f'-DPROGRAM="{executable.name}"'
    flags = ("-g", "-O1", "-pthread", "-femulated-tls", define, *RUNTIMES[runtime], "-Wno-unused-command-line-argument")
    run("clang", *flags, PROGRAMS / "emulated.c", truth, "-o", executable)
    return executable


def run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_truth(runtime: str, kind: str, tmp_path: Path) -> None:
    """Every thread's address and value is what the program says; who has none is unallocated."""
    executable = build(tmp_path, runtime)
    with subject_of(kind, executable, tmp_path / "subject") as made:
        answers = ask(made.arguments, made.truth.queries, tmp_path / "answers")
        wrong = []
        for query in made.truth.queries:
            wrong += mismatches(answers[query], made.truth.of(query), kind=kind)
        assert not wrong, "\n".join(wrong)
        assert len(made.truth.queries) == 5
        late = answers["emulated_late"]["variable"]
        assert late["initial"] == {"hex": "0b000000", "null": False}
        assert late["module"] == {"id": None, "path": str(executable), "storage": "emulated"}
        assert late["type"] == "int"
        assert answers["emulated_never"]["threads"][0]["reason"] == "no thread has used it yet"


def test_stripped(kind: str, tmp_path: Path) -> None:
    """Without symbols they are called after the places of their control variables, which the code tells."""
    executable = build(tmp_path, "libgcc")
    lines = subprocess.run(
        ["nm", "--defined-only", executable], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    controls = {name: int(at, 16) for at, _, name in map(str.split, lines) if name.startswith("__emutls_v.")}
    run("strip", "--strip-all", executable)
    with subject_of(kind, executable, tmp_path / "subject") as made:
        used = [one for one in made.truth.queries if any(line.address for line in made.truth.of(one))]
        names = {one: f"{executable.name}+0x{controls[f'__emutls_v.{one}']:x}" for one in used}
        answers = ask(made.arguments, names.values(), tmp_path / "answers")
        for query, name in names.items():
            rows = {row["lwp"]: row["address"] for row in answers[name]["threads"]}
            assert rows == {line.lwp: line.address for line in made.truth.of(query)}, query
            assert answers[name]["variable"]["module"]["storage"] == "emulated"
    assert len(used) >= 4


def test_commands(tmp_path: Path) -> None:
    """Every command shows them, under their object's name."""
    executable = build(tmp_path, "libgcc")
    made = core_subject(executable.name, executable, tmp_path / "subject", (), by_kernel=None)
    two = made.truth.one("emulated_buffer", "two")
    address = made.truth.one("emulated_wide", "two").address
    commands = [
        "tls-inspect __emutls_v.emulated_buffer",
        f"tls-symbols --module {executable.name} emulated",
        f"tls-map --module {executable.name} --format json",
        f"tls-map --module {executable.name}",
        "tls-thread 1",
        "tls-modules",
        f"tls-whatis {address}",
        "tls-verify emulated_count",
        f"tls-audit --module {executable.name} --all",
        'print $_tls("emulated_count")',
        "tls-inspect emulated_bufer",
        "tls-inspect emulated_count --via call",
        "tls-access emulated_count",
        "tls-inspect *emulated_buffer",
        "tls-inspect emulated_buffer->length",
    ]
    done = session(made.arguments, commands, tmp_path)
    inspected = done["tls-inspect __emutls_v.emulated_buffer"].words
    assert f"{executable.name} emulated TLS control variable at 0x" in inspected
    assert "NULL in 1 of 5 threads" in inspected
    assert "It has not used it yet. A new instance would start null" in inspected
    assert "5 thread-local variables in 1 module." in done[commands[1]].words
    document = json.loads(done[commands[2]].output)
    states = {one["name"]: one["states"] for one in document["variables"]}
    assert sorted(states["emulated_buffer"]) == ["null", "set", "set", "set", "unallocated"]
    assert set(states["emulated_never"]) == {"unallocated"}
    assert "emulated_buffer" in done[commands[3]].output
    # The first thread of the core is the one that aborted: it has an instance of all but two.
    assert "3 of 5 emulated variables" in done["tls-thread 1"].words
    assert f"5 variables of {executable.name} (tls-symbols lists them)" in done["tls-modules"].words
    assert "emulated_wide" in done[f"tls-whatis {address}"].words
    assert f"LWP {two.lwp}" in done[f"tls-whatis {address}"].words
    assert "passive 4 addresses" in done["tls-verify emulated_count"].words
    assert "5 variables" in done[commands[8]].words
    assert done['print $_tls("emulated_count")'].words == "$1 = 8"
    assert "Did you mean emulated_buffer, " in one_sentence(done, "tls-inspect emulated_bufer")
    assert "finds nothing" in done["tls-inspect emulated_count --via call"].words or "core dump" in (
        done["tls-inspect emulated_count --via call"].words
    )
    used = done["tls-access emulated_count"].words
    assert (
        f"{executable.name} control variable at 0x" in used
        and "Written by describe; " in used
        and "; read by describe and main." in used
    )
    assert "length" in done["tls-inspect *emulated_buffer"].words
    assert "emulated_buffer->length" in done["tls-inspect emulated_buffer->length"].words


def test_unknown_key(tmp_path: Path) -> None:
    """Where the runtime's key cannot be told, the rows say so, and nothing is guessed."""
    executable = build(tmp_path, "libgcc")
    made = core_subject(executable.name, executable, tmp_path / "subject", (), by_kernel=None)
    zero = "python import gdb_tls.program.emulated as e; e.EmulatedStorage._candidates = lambda self, loaded: []"
    answers = ask(made.arguments, ["emulated_count", "emulated_never"], tmp_path / "answers", before=[zero])
    rows = answers["emulated_count"]["threads"]
    assert {row["state"] for row in rows} == {"unresolved"}
    assert all(row["address"] is None and row["reason"].startswith("not known, because") for row in rows)
    assert {row["state"] for row in answers["emulated_never"]["threads"]} == {"unallocated"}


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O2 -fPIC"])
def test_the_cause_of_a_crash(level: str, tmp_path: Path) -> None:
    """An emulated variable is blamed as another one, and the code that uses it is known."""
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    executable = tmp_path / "crash"
    flags = (
        "-g",
        *level.split(),
        "-pthread",
        "-femulated-tls",
        *RUNTIMES["libgcc"],
        "-Wno-unused-command-line-argument",
    )
    run("clang", *flags, PROGRAMS / "emulated_crash.c", "-o", executable)
    folder = tmp_path / "run"
    folder.mkdir()
    done = subprocess.run([executable], cwd=folder, check=False, timeout=LIMIT_SECONDS, preexec_fn=allow_core)
    (core,) = folder.glob("core*")
    assert done.returncode < 0
    commands = ["tls-audit --format json", "tls-access emulated_pointer --format json"]
    said = session([executable, "-c", core], commands, tmp_path)
    found = json.loads(said[commands[0]].output)
    (alarm,) = [one for one in found["findings"] if one["alarming"]]
    assert (alarm["name"], alarm["level"]) == ("emulated_pointer", "the cause of the crash")
    sentences = " ".join(one["sentence"] for one in alarm["reasons"])
    assert "Written only by set; use uses it unchecked." in sentences
    assert "It is null only in thread 1, and set in 3 threads" in sentences
    assert "emulated_pointer is emulated TLS: its descriptor is __emutls_v.emulated_pointer." in sentences
    rows = json.loads(said[commands[1]].output)["functions"]
    assert sorted(row["name"] for row in rows) == ["set", "use"]


def test_copies(tmp_path: Path) -> None:
    """Of two definitions of one name that one whose control variable the loader chose."""
    flags = ("-g", "-O1", "-pthread", "-femulated-tls", *RUNTIMES["libgcc"], "-Wno-unused-command-line-argument")
    for name in "ab":
        library = tmp_path / f"lib{name}.so"
        run("clang", *flags, "-shared", "-fPIC", f"-DNAME=use_{name}", PROGRAMS / "emulated_copy.c", "-o", library)
    executable = tmp_path / "copies"
    linked = (tmp_path / "liba.so", tmp_path / "libb.so", "-Wl,-rpath,$ORIGIN")
    run("clang", *flags, "-DMAIN", PROGRAMS / "emulated_copy.c", *linked, "-o", executable)
    with Inferior([executable], tmp_path / "run") as inferior:
        inferior.wait_ready()
        commands = ["tls-inspect emulated_copy", "tls-symbols emulated_copy", "tls-access emulated_copy"]
        done = session(["-p", str(inferior.pid)], commands, tmp_path)
    assert "There is a copy that no code is bound to, as the loader chose this one: libb.so::emulated_copy." in (
        done[commands[0]].words
    )
    assert (
        "1 thread-local variable in 1 module. 1 copy that no code is bound to is not shown" in done[commands[1]].words
    )
    assert "Written only by use_a and use_b" in done[commands[2]].words


def test_copies_that_no_code_uses(kind: str, tmp_path: Path) -> None:
    """An inline variable that libraries define, too, is one variable: that of the executable, which all code uses."""
    flags = ("-std=c++17", "-g", "-pthread", "-femulated-tls", "--rtlib=libgcc", "-Wno-unused-command-line-argument")
    libraries = [tmp_path / f"libcopy_{one}.so" for one in "ab"]
    for library, name in zip(libraries, ("copy_a", "copy_b")):
        run("clang++", *flags, "-shared", "-fPIC", f"-DCOPY={name}", PROGRAMS / "copies.cc", "-o", library)
    executable, truth = tmp_path / "copies", tmp_path / "truth.o"
    run("gcc", "-g", "-c", PROGRAMS / "truth.c", "-o", truth)
    linked = (*libraries, f"-Wl,-rpath,{tmp_path}", "-Wl,--export-dynamic", "-o", executable)
    run("clang++", *flags, '-DPROGRAM="copies"', PROGRAMS / "copies.cc", truth, *linked)
    with subject_of(kind, executable, tmp_path / "subject") as made:
        queries = ["copied_depth", "libcopy_a.so::copied_depth"]
        answers = ask(made.arguments, queries, tmp_path / "answers")
        depth, copy = (answers[query] for query in queries)
        assert mismatches(depth, made.truth.of("copied_depth"), kind=kind) == []
        assert depth["copies"] == ["libcopy_a.so::copied_depth", "libcopy_b.so::copied_depth"]
        assert copy["used_instead"] == "copied_depth"
        assert {row["state"] for row in copy["threads"]} == {"unallocated"}
