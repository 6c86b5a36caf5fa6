"""The variable that is meant: namesakes, other languages' spellings, copies that no code uses, what to type instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import ask, session
from integration.truth import mismatches

# The first is built as programs are; the symbol table of the second names no source files.
PROGRAMS = ("meant", "meant_lto")
# Symbols that C code has under another language's name: no debug information is of that name.
FOREIGN = re.compile(r"hits|visits|conn|calls|depth$", re.IGNORECASE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_names(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    answers = ask(subject.arguments, subject.truth.queries, tmp_path)
    wrong = []
    for query in subject.truth.queries:
        if query not in answers.documents:
            # No file is known after link-time optimisation: no answer is better than another file's variable.
            if not (program == "meant_lto" and query.startswith("'")):
                wrong.append(f"{query}: no answer")
            continue
        untyped_ok = bool(FOREIGN.search(query)) or program == "meant_lto"
        wrong += mismatches(answers[query], subject.truth.of(query), kind=kind, untyped_ok=untyped_ok)
    assert not wrong, "\n".join([*wrong, answers.result.text])


def test_types(subjects: Subjects, tmp_path: Path) -> None:
    """A declaration in a header, in a function without a plain name, or in an inline namespace has its type."""
    wanted = {
        "errno": "int",
        "api::nested": "int",
        "pooled<int,7>": "int",
        "in_operator": "int",
        "meant::meant_in_header": "long",
        "meant::meant_anonymous": "int *",
        "meant_depth": "long",
    }
    answers = ask(subjects.get("meant", "core").arguments, list(wanted), tmp_path)
    assert {query: answers[query]["variable"]["type"] for query in wanted} == wanted


def test_what_is_not_shown_is_said(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("meant", "core")
    commands = ["tls-inspect errno", "tls-inspect meant_depth", "tls-inspect libmeant_a.so::meant_depth"]
    commands += ['output $_tls("errno")', "tls-symbols meant_depth", "tls-audit --format json"]
    done = session(subject.arguments, commands, tmp_path)
    assert "Not shown: another variable of that name: libc.so.6::errno." in done[commands[0]].words
    copies = "libmeant_a.so::meant_depth, libmeant_b.so::meant_depth"
    assert (
        f"There are copies that no code is bound to, as the loader chose this one: {copies}." in done[commands[1]].words
    )
    shown = ask(subject.arguments, ["errno", "meant_depth", "libmeant_a.so::meant_depth"], tmp_path / "shown")
    keys = ("left_out", "copies", "used_instead")
    assert [[one[key] for key in keys] for one in shown.documents.values()] == [
        [["libc.so.6::errno"], [], None],
        [[], copies.split(", "), None],
        [[], [], "meant_depth"],
    ]
    assert "No code is bound to this copy: the loader chose meant_depth instead." in done[commands[2]].words
    assert done[commands[3]].output == str(subject.truth.one("errno", "worker").value)
    assert "1 thread-local variable " in done[commands[4]].words
    assert "libmeant" not in re.sub(r'"path": "[^"]*"', "", done[commands[5]].output)
    assert '"nameless": []' in done[commands[5]].output  # libraries that have only copies are not stripped


def test_what_the_frame_sees(programs: Path, tmp_path: Path) -> None:
    """As in GDB: in a function of a file, that file's static variable is meant; the other is named."""
    for function, file, other in (
        ("session", "meant.cc", "meant_other.c"),
        ("meant_other", "meant_other.c", "meant.cc"),
    ):
        commands = [f"break {function}", f"run --truth {tmp_path}/truth.jsonl --mode wait", "tls-inspect meant_level"]
        commands += ['output $_tls("meant_level")', f"output $_tls(\"'{file}'::meant_level\")", "kill"]
        done = session([programs / "meant"], commands, tmp_path)
        assert f"of that name: '{other}'::meant_level." in done["tls-inspect meant_level"].words
        assert done[commands[3]].output == done[commands[4]].output != "", done


def test_what_is_none(subjects: Subjects, tmp_path: Path) -> None:
    """A sentence that every thread sees the same is for what has an address; the rest is named as what it is."""
    wanted = {
        "meant_ordinary": "meant_ordinary is a global variable, not a thread-local variable. Use `print meant_",
        "main": "main is a function",
        "db::Pool": "db::Pool is a type",
    }
    done = session(subjects.get("meant", "core").arguments, [f"tls-inspect {name}" for name in wanted], tmp_path)
    for name, sentence in wanted.items():
        assert done[f"tls-inspect {name}"].error.startswith(sentence), done[f"tls-inspect {name}"].error
        assert ("every thread sees the same" in done[f"tls-inspect {name}"].error) == (
            name in ("meant_ordinary", "main")
        )


def test_pointers_and_globs(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("meant", "core")
    addresses = {line.lwp: line.address for line in subject.truth.of("meant_depth")}
    held, depth = "Holder<long>::held", "meant_depth"
    answers = ask(subject.arguments, [f"*{held}", f"&{depth}", f"{depth[:-3]}*"], tmp_path)
    assert {row["lwp"]: row["address"] for row in answers[f"*{held}"]["threads"]} == addresses
    assert {row["lwp"]: row["value"] for row in answers[f"&{depth}"]["threads"]} == addresses
    assert answers[f"{depth[:-3]}*"]["variable"]["name"] == depth
    commands = ["tls-inspect meant_*", "tls-verify meant_*", "tls-whatis meant_depth", "tls-whatis meant_level"]
    done = session(subject.arguments, commands, tmp_path)
    said = re.search(r"(\d+) variables match meant_\*\.", done[commands[0]].output)
    assert said and f"{said[1]} variables in 2 threads" in done[commands[1]].words
    values = {line.value for line in subject.truth.of("meant_depth")}
    assert all(f"{value}  " in done[commands[0]].output for value in values)
    assert "meant_depth" in done[commands[2]].output
    assert "Type one of: 'meant.cc'::meant_level" in done[commands[3]].error


def test_a_static_executable(subjects: Subjects, tmp_path: Path) -> None:
    """The C library's private variables, in the same file, are not meant by the program's names."""
    subject = subjects.get("solo_own", "core")
    answers = ask(subject.arguments, ["current", "catch_hook"], tmp_path)
    assert [answers[name]["threads"][0]["value"] for name in ("current", "catch_hook")] == [7, 8]
    others = [answers[name]["left_out"] for name in ("current", "catch_hook")]
    assert ["resolv_context" in others[0][0], "dl-error" in others[1][0]] == [True, True]
    # What is said to type is typed; the library's has no debug information in here.
    done = session(subject.arguments, [f"tls-inspect {one[0]}" for one in others], tmp_path)
    assert all("type not known" in said.words for said in done.said)


def test_several_variables(subjects: Subjects, tmp_path: Path) -> None:
    """A pattern's variables, each as it is shown alone; a table stops after so many, a document does not."""
    subject = subjects.get("meant", "core")
    found = ask(subject.arguments, ["meant_*"], tmp_path / "several")
    several = found["meant_*"]
    assert several["schema"] == "gdb-tls/inspect-several/1"
    assert several["matched"] == len(several["variables"]) > 2
    found = {(one["variable"]["linkage_name"], one["variable"]["module"]["id"]): one for one in several["variables"]}
    for query, document in ask(
        subject.arguments, ["meant_depth", "meant_anonymous"], tmp_path / "alone"
    ).documents.items():
        one = found[document["variable"]["linkage_name"], document["variable"]["module"]["id"]]
        assert one["name"].endswith(query) and one["reason"] is None
        assert {key: document[key] for key in ("variable", "threads", "summary")}.items() <= one.items()
    commands = ["tls-inspect *", "tls-inspect * --all", "tls-inspect meant_* --format csv"]
    commands += ["tls-inspect meant_* --format html"]
    done = session(subject.arguments, commands, tmp_path)
    assert "the first 20 are shown, --all shows all" in done[commands[0]].words
    assert "are shown" not in done[commands[1]].words and len(done[commands[1]].output) > len(done[commands[0]].output)
    lines = done[commands[2]].output.splitlines()
    assert lines[0].startswith("variable,num,lwp,") and len(lines) == 1 + 2 * several["matched"]
    assert f"{several['matched']} variables match meant_*." in done[commands[3]].output


# Errors that say what to type.
ASKED = (
    "meant_level",
    "twice_count",
    "meant_in_header",
    "meant_levl",
    "nestd",
    "pooled<int,8>",
    "libmeant_a.so::meant_dept",
    "state::hit",
    "serve::call",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_suggestion_can_be_typed(program: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, "core")
    done = session(subject.arguments, [f"tls-inspect {asked}" for asked in ASKED], tmp_path)
    suggested: dict[str, list[str]] = {}
    for asked in ASKED:
        error = done[f"tls-inspect {asked}"].error
        match = re.search(r"Type one of: (.*)\.$|Did you mean (.*)\?$", error.strip())
        assert match, f"{asked}: {done[f'tls-inspect {asked}'].words}"
        suggested[asked] = re.split(r", (?!\d)| or ", match[1] or match[2])
    answers = ask(
        subject.arguments, list(dict.fromkeys(text for texts in suggested.values() for text in texts)), tmp_path
    )
    for asked, texts in suggested.items():
        places = [(answers[text]["variable"]["module"]["id"], answers[text]["variable"]["offset"]) for text in texts]
        assert len(set(places)) == len(texts), f"{asked}: {texts} {places}"
