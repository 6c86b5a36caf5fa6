"""Bad input: a clear sentence, and nothing lost: no traceback, and the next command works."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask, one_sentence, run_gdb, session

# No process


def test_no_program(tmp_path: Path) -> None:
    done = session([], ["tls-inspect x", "tls-verify --all", 'print $_tls("x")', 'print $_tls_state("x")'], tmp_path)
    for one in done.said:
        assert "no process" in one_sentence(done, one.command).lower()


def test_program_that_does_not_run(programs: Path, tmp_path: Path) -> None:
    done = session([programs / "solo"], ["tls-inspect solo_buffer", "tls-verify solo_buffer"], tmp_path)
    for one in done.said:
        assert "no process" in one_sentence(done, one.command).lower()


def test_process_at_its_first_instruction(programs: Path, tmp_path: Path) -> None:
    """No library is loaded, and no thread has storage yet; nor after the end of the process."""
    commands = ["starti", "tls-inspect solo_buffer", "kill", "tls-inspect solo_count"]
    done = session([programs / "solo"], commands, tmp_path)
    at_start = done["tls-inspect solo_buffer"]
    assert at_start.error or "unresolved" in at_start.output
    assert "NULL" not in at_start.words and "(struct buffer *) 0x" not in at_start.output
    assert "no process" in one_sentence(done, "tls-inspect solo_count").lower()


def test_block_that_the_loader_has_not_filled(programs: Path, tmp_path: Path) -> None:
    """The thread pointer is there before the initial images are copied: what lies there is no value of a variable."""
    until = ["starti", "tls-modules", "catch syscall arch_prctl", "while $fs_base == 0\ncontinue\nend"]
    script = tmp_path / "until.gdb"
    script.write_text("\n".join(until[2:]))
    commands = [
        *until[:2],
        f"source {script}",
        "tls-inspect solo_count",
        "tls-modules",
        "delete",
        "break main",
        "continue",
    ]
    done = session([programs / "solo"], [*commands, "tls-inspect solo_buffer"], tmp_path)
    assert "makes it soon after the program's first instruction" in done["tls-modules"].words
    assert "core" not in done["tls-modules"].words
    said = done["tls-inspect solo_count"].words
    assert "unresolved the loader has not set up thread-local storage yet" in said, said
    assert "NULL" in done["tls-inspect solo_buffer"].words


# Names


@pytest.mark.parametrize("options", [(), ("-static",)], ids=["dynamic", "static"])
def test_errno_of_musl(options: tuple[str, ...], tmp_path: Path) -> None:
    """It has no symbol there: where it is instead is said, and that nothing is loaded yet is not all."""
    source, executable = tmp_path / "errno.c", tmp_path / "errno"
    source.write_text("#include <errno.h>\n#include <stdlib.h>\nint main(void) { errno = 77; abort(); }\n")
    subprocess.run(["musl-gcc", "-g", *options, source, "-o", executable], check=True)
    done = session([executable], ["run", "tls-inspect errno", "print *(int *) __errno_location()"], tmp_path)
    assert "On musl errno is in each thread's own structure" in one_sentence(done, "tls-inspect errno")
    assert "77" in done["print *(int *) __errno_location()"].words


def test_names(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    wanted = {
        "tls-inspect zoo_bufer": ("zoo_bufer", "zoo_buffer"),
        "tls-inspect erly_buffer": ("early_buffer",),
        "tls-inspect space::spaced_bufer": ("spaced_buffer",),
        "tls-inspect zoo_bufer->str": ("zoo_buffer",),
        "tls-inspect qqqqqqqqqqqq": ("qqqqqqqqqqqq",),
        "tls-inspect new_buffer": ("thread-local", "function"),
        "tls-inspect main": ("thread-local", "function"),
        "tls-inspect early": ("thread-local",),
        "tls-inspect malloc": ("thread-local",),
        "tls-inspect libearly.so::late_gd_buffer": ("late_gd_buffer",),
        "tls-inspect 'no_such.cc'::same_name": ("same_name",),
        "tls-inspect zoo_buffer --module libearly.so": ("zoo_buffer",),
        "tls-verify zoo_bufer": ("zoo_buffer",),
    }
    done = session(subject.arguments, list(wanted), tmp_path)
    for command, words in wanted.items():
        error = one_sentence(done, command)
        assert all(word in error for word in words), error


def test_ordinary_variable(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    done = session(subjects.get("solo", kind).arguments, ["tls-inspect solo_ordinary"], tmp_path)
    error = one_sentence(done, "tls-inspect solo_ordinary")
    assert "not" in error and "thread-local" in error and "solo_ordinary" in error


@pytest.mark.parametrize(
    ("program", "name", "count"),
    [
        ("zoo", "same_name", 2),
        ("files", "twin_buffer", 2),
        ("namespaces", "space_buffer", 2),
        ("namespaces", "libspace.so::space_count", 2),
    ],
)
def test_ambiguous_name(program: str, name: str, count: int, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Both are listed with the exact text to type, which works."""
    subject = subjects.get(program, kind)
    done = session(subject.arguments, [f"tls-inspect {name}"], tmp_path)
    error = one_sentence(done, f"tls-inspect {name}")
    match = re.search(r"Type one of: (.+)\.$", error)
    assert match, error
    texts = match.group(1).split(", ")
    assert len(texts) == len(set(texts)) == count, texts
    answers = ask(subject.arguments, texts, tmp_path / "answers")
    places = {(answers[text]["variable"]["module"]["id"], answers[text]["variable"]["offset"]) for text in texts}
    assert len(places) == count
    linkage = {
        line.linkage for line in subject.truth.lines if line.query.split(" --")[0].endswith(name.split("::")[-1])
    }
    for text in texts:
        assert answers[text]["variable"]["linkage_name"] in linkage


# The command line


def test_arguments(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    wanted = {
        "tls-inspect": ("NAME",),
        "tls-inspect zoo_buffer --via magic": ("magic", "passive"),
        "tls-inspect zoo_buffer --format xml": ("xml", "json"),
        "tls-inspect zoo_buffer --frmat json": ("--frmat",),
        "tls-inspect zoo_buffer --output": ("--output",),
        "tls-inspect zoo_buffer --threads x": ("x", "1,3-5"),
        "tls-inspect zoo_buffer --threads 3-": ("3-",),
        "tls-inspect zoo_buffer --threads 5-1": ("1,3-5",),
        "tls-inspect zoo_buffer --threads 77": ("77",),
        "tls-inspect zoo_buffer --threads 77-99999999999": ("99999999999",),
        "tls-inspect zoo_buffer --module libnope*": ("libnope*", "libearly.so"),
        "tls-inspect zoo_buffer --module 99": ("99",),
        "tls-inspect zoo_buffer --type 'struct nowhere *'": ("struct nowhere *",),
        "tls-inspect zoo_buffer --type ((": ("((",),
        "tls-inspect zoo_counter->str": ("zoo_counter", "pointer"),
        "tls-inspect zoo_counter.str": ("zoo_counter",),
        "tls-inspect zoo_options.nope": ("nope", "depth"),
        "tls-inspect zoo_options->depth": ("zoo_options",),
        "tls-inspect zoo_slots[9]": ("9",),
        "tls-inspect zoo_slots[x]": ("x",),
        "tls-inspect zoo_slots[": ("[", "path"),
        "tls-inspect zoo_some->": ("->", "path"),
        "tls-inspect zoo_some->str->x": ("x",),
        "tls-inspect ''": (),
        "tls-inspect ::": ("::",),
        "tls-inspect --": ("NAME",),
        "tls-inspect ->str": (),
        "tls-inspect [0]": ("[0]",),
        "tls-verify": ("--all",),
        "tls-verify zoo_buffer --all": ("--all",),
        "set tls via magic": ("magic",),
        "set tls max-rows x": (),
    }
    done = session(subject.arguments, list(wanted), tmp_path)
    silent = []
    for command, words in wanted.items():
        error = done[command].error
        if not error or "\n" in error.strip() or not all(word in error for word in words):
            silent.append(f"{command}: {done[command].words}")
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("output", ["{folder}/no/such/folder/x.json", "{folder}", "/dev/full", "/proc/version", "''"])
def test_output_that_cannot_be_written(output: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("solo", "core")
    target = output.format(folder=tmp_path)
    command = f"tls-inspect solo_count --format json --output {target}"
    done = session(subject.arguments, [command, "tls-inspect solo_count"], tmp_path)
    error = one_sentence(done, command)
    assert "--output" in error and (target == "''" or target in error)
    assert "3" in done["tls-inspect solo_count"].output


def test_output_is_whole_or_not_at_all(subjects: Subjects, tmp_path: Path) -> None:
    """An error leaves the file of an earlier answer as it was."""
    file = tmp_path / "kept.json"
    file.write_text("earlier")
    subject = subjects.get("solo", "core")
    done = session(subject.arguments, [f"tls-inspect solo_bufer --format json --output {file}"], tmp_path)
    assert done.said[0].error
    assert file.read_text() == "earlier"


@pytest.mark.parametrize("program", ["solo", "solo_static"])
def test_audit_that_could_look_at_nothing(program: str, programs: Path, tmp_path: Path) -> None:
    """Nothing that was looked at looks wrong: that is no answer, and the reason is said, once."""
    commands = ["starti", "tls-audit", "print $_tls_status", f"tls-audit --format json --output {tmp_path / 'a.json'}"]
    done = session([programs / program], commands, tmp_path)
    said = done["tls-audit"].words
    assert "There is nothing to judge. Not looked at in thread 1: its thread pointer is 0" in said, said
    assert said.count("thread pointer is 0") == 1 and "looks wrong" not in said
    assert done["print $_tls_status"].words == "$1 = 2"
    summary = json.loads((tmp_path / "a.json").read_text())["summary"]
    assert summary["variables"] == 0
    assert [one["threads"] for one in summary["gaps"]] == [[1]]


# What each says where no thread has storage yet, and of what its summary must say nothing.
BLIND = {
    "tls-inspect solo_buffer": "Unresolved in the only thread. its thread pointer is 0",
    "tls-map": "Not all is known: in thread 1, its thread pointer is 0",
    "tls-thread": "Which blocks thread 1 has is not known.",
    "tls-diff 1 1": "Nothing could be compared: no variable is known on both sides.",
    "tls-verify solo_buffer": "nothing could be compared, as no instance has an address from two resolvers.",
    "tls-exit": "What will run when thread 1 ends is not known.",
}


@pytest.mark.parametrize("program", ["solo", "solo_static"])
def test_no_answer_is_no_success(program: str, programs: Path, tmp_path: Path) -> None:
    """Every row unresolved, or nothing compared: $_tls_status is 2, and the summary claims nothing."""
    commands = ["starti"]
    for number, command in enumerate(BLIND):
        commands += [command, f"output {number} * 10 + $_tls_status"]
    done = session([programs / program], commands, tmp_path)
    for number, (command, words) in enumerate(BLIND.items()):
        said = done[command].words
        assert words in said, f"{command}: {said}"
        assert done[f"output {number} * 10 + $_tls_status"].words == str(number * 10 + 2), command
        claims = ("no disagreement", "is null", "0 differences", "No destructor", "Set in", "0 of 1 block")
        assert [claim for claim in claims if claim in said] == []


# On a core of the program's first instruction, which has no thread's storage: command -> the status that it ends with.
AT_START = {
    "solo_buffer": 2,
    "'solo_*'": 2,
    **{f"--command tls-{name}": 2 for name in ("audit", "map", "thread", "keys", "exit", "diff 1 1")},
    "--command tls-table solo_buffer": 2,
    "--command tls-verify solo_buffer": 2,
    "--command tls-verify --all": 2,
    # What is in the files, and what an address is, is known all the same.
    "--command tls-symbols": 0,
    "--command tls-modules": 0,
    "--command tls-access solo_buffer": 0,
}


@pytest.mark.parametrize("engine", ["gdb", "direct"])
def test_no_answer_is_status_2_in_a_shell(engine: str, programs: Path, tmp_path: Path) -> None:
    core = tmp_path / "start.core"
    run_gdb([programs / "solo"], ["starti", f"generate-core-file {core}", "kill"], extension=False)
    wrong = []
    for words, status in AT_START.items():
        done = gdb_tls(["core", core, "--exe", programs / "solo", *shlex.split(words), "--engine", engine])
        claims = [one for one in ("Nothing looks wrong", "0 keys", "Set in", "no disagreement") if one in done.output]
        if done.status != status or claims or not (done.output or done.errors).strip():
            wrong.append(f"{words}: {done.status}, {claims}, {done.output}{done.errors}")
    assert not wrong, "\n".join(wrong)
