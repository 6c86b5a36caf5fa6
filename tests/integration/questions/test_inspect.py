"""Every case that must be right: what passive tls-inspect says, without libthread_db, against the truth.

A case is a program, its options, and the variables that show it. Each runs on a live process and on a core.
All variables of a program are asked for in one gdb session, which its cases share.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject, core_of, live_subject
from integration.sessions import ask, run_gdb
from integration.truth import Truth, mismatches


class Case(NamedTuple):
    """What the issue asks for, and where it is seen."""

    name: str
    program: str
    variables: tuple[str, ...]
    options: tuple[str, ...] = ()


def both(prefix: str) -> tuple[str, str]:
    """The variables of a library made of slots.c."""
    return f"{prefix}_buffer", f"{prefix}_count"


SCALARS = ("zoo_ratio", "zoo_flag", "zoo_colour", "zoo_letter", "zoo_wide", "zoo_small")
PATHS = (
    "zoo_table[1][2]",
    "zoo_options.depth",
    "zoo_options.label",
    "zoo_options.stack[2]",
    "zoo_slots[1]",
)
PATHS_THROUGH_POINTERS = (
    "zoo_some->str",
    "zoo_some->length",
    "zoo_options.stack[2]->length",
    "zoo_options.next->depth",
    "zoo_options.next->next",
)
MANY = tuple(name for number in (0, 2, 20, 64, 69) for name in both(f"many_{number:02}"))

CASES = (
    Case("executable-tdata", "zoo", ("zoo_counter", "c_global")),
    Case("executable-tbss", "zoo", ("zoo_zero", "zoo_buffer", "zoo_some")),
    Case("scalars", "zoo", SCALARS),
    Case("linked-library", "zoo", ("linked_count", "linked_hidden", "linked_buffer")),
    Case("opened-before-the-threads", "zoo", both("early")),
    Case("opened-later-global-dynamic", "zoo", both("late_gd")),
    Case("opened-later-initial-exec", "zoo", both("late_ie")),
    Case("opened-later-tlsdesc-static", "zoo", both("late_desc")),
    Case("opened-later-tlsdesc-dynamic", "zoo", both("late_big")),
    Case("static", "zoo", ("hidden_buffer", "c_hidden")),
    Case("static-of-one-name", "zoo", ("'zoo_names_a.cc'::same_name", "'zoo_names_b.cc'::same_name")),
    Case("namespaced", "zoo", ("space::spaced_buffer", "(anonymous namespace)::secret_buffer")),
    Case("class-static", "zoo", ("space::inner::Class::member", "Pool<int>::head")),
    Case(
        "function-local",
        "zoo",
        ("call_count()::calls", "last_of(int, char const*)::last", "inlined()::cached"),
    ),
    Case("function-local-in-c", "zoo", ("next_ticket::ticket",)),
    Case("owners", "zoo", ("zoo_unique", "zoo_shared", "zoo_string", "zoo_vector", "zoo_closed")),
    Case("struct-and-arrays", "zoo", ("zoo_options", "zoo_slots", "zoo_table", "zoo_text")),
    Case("paths", "zoo", PATHS),
    Case("paths-through-pointers", "zoo", PATHS_THROUGH_POINTERS),
    Case("other-pointers", "zoo", ("zoo_label", "zoo_mapped", "zoo_callback", "zoo_indirect")),
    Case("shared-pointer", "zoo", ("zoo_common",)),
    Case("unmapped-memory", "zoo", ("zoo_dangling",)),
    Case("ended-thread", "ended", ("ended_buffer", "ended_count", *both("early"))),
    Case("dlmopen", "namespaces", both("lone")),
    Case("dlmopen-beside-dlopen", "namespaces", both("space")),
    Case("module-id-reuse", "reuse", both("reopened")),
    Case("after-a-closed-module", "reuse", both("last")),
    Case("more-modules-than-the-dtv", "many", MANY),
    Case("initial-exec-beyond-the-dtv", "many", both("late_ie")),
    Case("stopped-in-malloc", "stuck", ("stuck_buffer", *both("early")), ("--stuck", "malloc")),
    Case("stopped-in-the-loader", "stuck", ("stuck_buffer", *both("early")), ("--stuck", "loader")),
    Case("without-debug-information", "files", both("plain")),
    Case("stripped", "files", ("stripped_buffer",)),
    Case("separate-debug-file", "files", both("split")),
    Case("compressed-symbol-table", "files", both("mini")),
    Case("relative-path", "files", both("relative")),
    Case("odd-file-name", "files", both("odd")),
    Case("named-by-module", "files", tuple(f"libtwin_{ab}.so::{name}" for ab in "ab" for name in both("twin"))),
    Case("stopped-with-a-lock", "stuck", ("stuck_buffer", *both("early")), ("--stuck", "leaked")),
    Case("hostile-names", "hostile", ("hostile_text",)),
    Case("one-thread", "solo", ("solo_buffer", "solo_count")),
)

# In static TLS whenever they were loaded; all other modules are libraries opened at run time.
STATIC = {"zoo", "ended", "stuck", "hostile", "solo", "libzoo_linked.so", "liblate_ie.so", "liblate_desc.so"}
# Inlined everywhere, so that the debug information may or may not give a type.
TYPE_UNSURE = {"inlined()::cached"}


def queries_of(case: Case, subject: Subject) -> list[str]:
    """What to type for the case's variables; one of two namespaces also has the module's id."""
    found = [line.query for line in subject.truth.lines if line.variable in case.variables]
    queries = list(dict.fromkeys(found))
    assert {query.split(" --module ")[0] for query in queries} == set(case.variables)
    return queries


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case, kind: str, subjects: Subjects) -> None:
    subject = subjects.get(case.program, kind, *case.options)
    answers = subjects.answers(case.program, kind, *case.options)
    wrong: list[str] = []
    for query in queries_of(case, subject):
        if query not in answers.documents:
            wrong.append(f"{query}: no answer")
            continue
        module = subject.truth.of(query)[0].module
        # An older GDB or loader does not list dlmopen's namespaces: no types of a library that GDB does not know.
        unknown = case.program == "namespaces" and module not in answers.result.stdout
        untyped_ok = query in TYPE_UNSURE or unknown
        wrong += mismatches(answers[query], subject.truth.of(query), kind=kind, untyped_ok=untyped_ok)
        variable = answers[query]["variable"]
        storage = "static" if module in STATIC else "dynamic"
        if variable["module"]["storage"] != storage:
            wrong.append(f"{query}: storage is {variable['module']['storage']}, not {storage}")
    assert not wrong, "\n".join([*wrong, answers.result.text])


def test_every_variable_has_a_case(subjects: Subjects) -> None:
    for program, options in sorted({(case.program, case.options) for case in CASES}):
        said = {line.variable for line in subjects.get(program, "core", *options).truth.lines}
        cases = [case for case in CASES if (case.program, case.options) == (program, options)]
        assert said == {variable for case in cases for variable in case.variables}, program


@pytest.mark.parametrize(("program", "options"), [("zoo", ()), ("ended", ()), ("stuck", ("--stuck", "malloc"))])
def test_core_that_gdb_wrote(program: str, options: tuple[str, ...], subjects: Subjects) -> None:
    """gcore's files differ from the kernel's: other notes, other pages."""
    subject = subjects.get(program, "gcore", *options)
    answers = subjects.answers(program, "gcore", *options)
    wrong = []
    for query in subject.truth.queries:
        wrong += mismatches(answers[query], subject.truth.of(query), kind="core", untyped_ok=query in TYPE_UNSURE)
    assert not wrong, "\n".join([*wrong, answers.result.text])


def test_what_the_variable_is(subjects: Subjects) -> None:
    """Type, size, offset, export, source and initial image, which no thread says anything of."""
    answers = subjects.answers("zoo", "core")
    wanted = {
        "early_buffer": {"size": 8, "exported": True, "initial": {"hex": "0000000000000000", "null": True}},
        "early_count": {
            "size": 4,
            "exported": False,
            "initial": {"hex": "07000000", "null": False},
            "type": "int",
        },
        "zoo_counter": {"size": 4, "initial": {"hex": "2a000000", "null": False}, "type": "int"},
        "zoo_ratio": {"size": 8, "type": "double", "initial": {"hex": "000000000000e03f", "null": False}},
        "zoo_zero": {"size": 4, "initial": {"hex": "00000000", "null": False}},
        "zoo_colour": {"type": "Colour"},
        "zoo_flag": {"type": "bool", "size": 1},
        "zoo_options": {"type": "Options", "size": 48},
        "zoo_options.stack[2]": {"type": "Options", "size": 48, "path": ".stack[2]"},
        "zoo_some->str": {"path": "->str"},
        "zoo_slots": {"size": 32},
        "hidden_buffer": {"exported": False},
    }
    for query, fields in wanted.items():
        variable = answers[query]["variable"]
        assert {name: variable.get(name) for name in fields} == fields, query
    for query in ("zoo_buffer", "zoo_some", "hidden_buffer", "early_buffer"):
        assert answers[query]["variable"]["type"].replace("struct ", "").replace(" ", "") == "buffer*"


def test_offset_in_the_block(subjects: Subjects) -> None:
    """The variables of one library lie in one block: address minus offset is the same for both."""
    for kind in ("live", "core"):
        answers = subjects.answers("zoo", kind)
        for prefix in ("early", "late_gd", "late_big", "late_ie"):
            blocks = [
                {
                    row["lwp"]: int(row["address"], 16) - int(answers[name]["variable"]["offset"], 16)
                    for row in answers[name]["threads"]
                    if row["address"]
                }
                for name in both(prefix)
            ]
            assert blocks[0] == blocks[1]


def test_where_the_name_was_found(subjects: Subjects) -> None:
    answers = subjects.answers("files", "core")
    sources = {query: answers[query]["variable"]["source"] for query in answers.documents}
    assert sources["plain_count"] == "symtab"
    assert sources["stripped_buffer"] == "dynsym"
    assert sources["relative_buffer"] in ("gdb", "symtab")
    # A file of its own, and a compressed table inside the file: GDB reads both itself.
    for name in (*both("split"), *both("mini")):
        assert sources[name] in ("gdb", "symtab", "debug-file"), name
    assert all(source in ("gdb", "symtab", "debug-file", "dynsym") for source in sources.values())


def test_by_offset(subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    """What strip has left no symbol of: the number that is 7 at first, to which each thread adds its own."""
    for kind in ("live", "core"):
        subject = subjects.get("files", kind)
        truth = subject.truth.of("stripped_buffer")
        nameless, typed, named = "libstripped.so+0x0", "libstripped.so+0x0 --type int", "libstripped.so+8"
        commands = [f"tls-inspect {text}" for text in (nameless, typed, named, nameless + " --via gdb")]
        found = documents(subject, commands, tmp_path / kind, gdb_folder=programs)
        by_lwp = {line.lwp: int(line.address, 16) for line in truth if line.address}
        assert by_lwp
        for command in commands[:2]:
            variable = found[command]["variable"]
            assert (variable["name"], variable["source"], variable["offset"]) == (nameless, "offset", "0x0")
            got = {row["lwp"]: int(row["address"], 16) + 8 for row in found[command]["threads"] if row["address"]}
            assert {lwp: got[lwp] for lwp in by_lwp} == by_lwp
        values = [row["value"] for row in found[commands[1]]["threads"] if row["lwp"] in by_lwp]
        assert sorted(values) == list(range(7, 7 + len(values)))
        assert all("assumed-pointer" in row["flags"] for row in found[commands[0]]["threads"] if row["address"])
        assert found[commands[2]]["variable"]["name"] == "stripped_buffer"
        assert {row["state"] for row in found[commands[3]]["threads"]} == {"unresolved"}


def test_texts(subjects: Subjects) -> None:
    """The value as a programmer writes it."""
    for kind in ("live", "core"):
        truth = subjects.get("zoo", kind).truth
        answers = subjects.answers("zoo", kind)

        def text(query: str, thread: str, truth=truth, answers=answers) -> str:
            lwp = truth.one(query, thread).lwp
            (found,) = (row["text"] for row in answers[query]["threads"] if row["lwp"] == lwp)
            return found

        assert text("zoo_buffer", "worker-1").endswith("0x0")
        assert "buffer *) 0x" in text("zoo_some", "worker-1")
        assert text("zoo_counter", "worker-2") == "44"
        assert text("zoo_ratio", "worker-1") == "1.5"
        assert text("zoo_flag", "worker-1") == "true"
        assert text("zoo_flag", "worker-2") == "false"
        assert "green" in text("zoo_colour", "worker-1")
        assert "b" in text("zoo_letter", "worker-1")
        assert '"one"' in text("zoo_label", "worker-1")
        assert text("zoo_string", "worker-1").startswith('"a string')


def test_null_path_says_which_pointer(subjects: Subjects) -> None:
    answers = subjects.answers("zoo", "core")
    for query, pointer in (("zoo_some->str", "zoo_some"), ("zoo_options.next->depth", "zoo_options.next")):
        reasons = {row["reason"] for row in answers[query]["threads"] if row["state"] == "null"}
        assert reasons and all(pointer in reason for reason in reasons)


def test_started_by_gdb(programs: Path, tmp_path: Path) -> None:
    """A process that GDB runs itself, stopped in the first thread's own code."""
    output = tmp_path / "answer.json"
    result = run_gdb(
        [programs / "solo"],
        [
            f"run --truth {tmp_path / 'truth.jsonl'} --mode abort",
            f"tls-inspect solo_count --format json --output {output}",
        ],
    )
    assert output.exists(), result.text
    truth = Truth(tmp_path / "truth.jsonl")
    assert mismatches(json.loads(output.read_text()), truth.of("solo_count"), kind="live") == []


def test_deleted_folder(programs: Path, tmp_path: Path) -> None:
    """The process's own folder may be gone, as after an update of a service."""
    folder = tmp_path / "gone"
    with live_subject("solo", programs / "solo", folder) as subject:
        truth = subject.truth
        (folder / "truth.jsonl").unlink()
        (folder / "stderr").unlink()
        folder.rmdir()
        answers = subject.answers(truth.queries, tmp_path / "answers")
        assert mismatches(answers["solo_buffer"], truth.of("solo_buffer"), kind="live") == []


def test_core_alone_is_enough_with_its_executable_in_another_place(programs: Path, tmp_path: Path) -> None:
    """The executable is given by hand, not where the process had it."""
    original = tmp_path / "original" / "solo"
    original.parent.mkdir()
    shutil.copy2(programs / "solo", original)
    _, core = core_of(original, tmp_path / "run")
    moved = tmp_path / "moved"
    original.rename(moved)
    truth = Truth(tmp_path / "run" / "truth.jsonl")
    answers = ask([moved, "-c", core], truth.queries, tmp_path / "answers")
    line = truth.of("solo_count")
    wrong = [text for text in mismatches(answers["solo_count"], line, kind="core") if "module is" not in text]
    assert wrong == [], answers.result.text
