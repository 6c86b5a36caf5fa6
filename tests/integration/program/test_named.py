"""Many variables of one name, and names that are nearly alike: what is said to type means what is said."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.harness import PROGRAMS, Subject, subject_of
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask, run_gdb, session
from integration.test_suggestions import names_in

# What may be typed, and the value in main.
VALUES = {
    "one::x": 101,
    "one::y": 102,
    "Class::x": 104,
    "Class::Inner::x": 105,
    "Class::operator()::x": 106,
    "Class::operator[]::x": 107,
    "Class::operator int*::x": 108,
    "function()::x": 110,
    "function(int)::x": 111,
    "generic<char>::x": 113,
    "generic<long>::x": 120,
    "Templated<char>::x": 101,
    "Templated<short*>::x": 108,
    "named_head->value": 30,
    "(*named_head).value": 30,
    "(*named_head).next->value": 31,
    "named_count_": 21,
}
KEYS = {'named_keys["plain"]': 1, r'named_keys["with \"quotes\""]': 2, f'named_keys["{"k" * 300}"]': 3}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named")
    truth, built = folder / "truth.o", folder / "named"
    subprocess.run(["gcc", "-c", "-g", "-pthread", PROGRAMS / "truth.c", "-o", truth], check=True)
    words = ["g++", "-std=c++17", "-g", "-pthread", PROGRAMS / "named.cc", truth, "-o", built]
    subprocess.run(words, check=True)
    return built


@pytest.fixture
def subject(program: Path) -> Iterator[Subject]:
    with subject_of("core", program, program.parent / "run") as found:
        yield found


def direct(subject: Subject, *words: str) -> list[object]:
    return ["core", subject.core, "--exe", subject.executable, "--engine", "direct", "--format", "json", *words]


def test_each_by_its_name(subject: Subject, tmp_path: Path) -> None:
    answers = ask(subject.arguments, [*VALUES, *KEYS], tmp_path)
    found = {name: answers[name]["threads"][0]["value"] for name in (*VALUES, *KEYS)}
    assert found == VALUES | KEYS
    known = VALUES | {"named_größe": 41}  # which GDB takes in a locale of UTF-8 only
    said = {name: gdb_tls(direct(subject, name)).document["threads"][0]["value"] for name in known}
    assert said == known


def test_letters_that_are_not_latin(subject: Subject, tmp_path: Path) -> None:
    """An ABI tag is in the symbol's name, and GDB does not warn of what it cannot take for a name of Ada."""
    (row,) = gdb_tls(direct(subject, "named_名前")).document["threads"]
    assert (row["state"], row["text"]) == ("set", '"wide!"')
    said = run_gdb(subject.arguments, ["tls-symbols named_"], folder=tmp_path, environment={"LC_ALL": "C.UTF-8"})
    assert "named_名前" in said.text and "charset" not in said.text
    # An error with letters that GDB's locale does not have is said all the same.
    said = run_gdb(subject.arguments, ["tls-inspect named_"], folder=tmp_path, environment={"LC_ALL": "C"})
    assert "Did you mean" in said.text and r"named_\u540d\u524d" in said.text, said.text


def test_what_is_left_out(subject: Subject, tmp_path: Path) -> None:
    """All that are called so are counted; and each text that is listed means one that was not shown."""
    done = session(subject.arguments, ["tls-inspect x"], tmp_path)["tls-inspect x"].words
    said = re.search(r"Not shown: (\d+) other variables of that name: (.*), and (\d+) more\.", done)
    assert said, done
    listed = names_in(said[2])
    assert (int(said[1]), len(listed), int(said[3])) == (14 - 1, 10, 3)
    answers = ask(subject.arguments, ["x", *listed], tmp_path / "typed")
    assert len({answers[name]["variable"]["offset"] for name in ("x", *listed)}) == 11
    places = {gdb_tls(direct(subject, name)).document["variable"]["offset"] for name in listed}
    assert places == {answers[name]["variable"]["offset"] for name in listed}


def test_several_say_what_tells_them_apart(subject: Subject, tmp_path: Path) -> None:
    wanted = {
        "function::x": "Type one of: function()::x, function(int)::x.",
        "Templated::x": "Did you mean Templated<char>::x or Templated<short*>::x?",
        "generic::x": "Did you mean generic<char>::x or generic<long>::x?",
    }
    done = session(subject.arguments, [f"tls-inspect {name}" for name in wanted], tmp_path)
    for name, text in wanted.items():
        assert text in done[f"tls-inspect {name}"].error, done[f"tls-inspect {name}"].error


def test_another_name_is_not_meant(subject: Subject, tmp_path: Path) -> None:
    """`named_count` is no `named_count_`, as a Fortran compiler would call a common block: this is no Fortran."""
    done = session(subject.arguments, ["tls-inspect named_count", "tls-inspect named_counts"], tmp_path)
    for one in done.said:
        assert "Did you mean named_count_" in one.error and "Fortran" not in one.error, one.error
    assert "Did you mean named_count_" in " ".join(gdb_tls(direct(subject, "named_count")).errors.split())


def test_the_type_of_an_address(subject: Subject, tmp_path: Path) -> None:
    done = session(subject.arguments, ["tls-inspect &named_head", "tls-inspect &named_second"], tmp_path)
    assert [one.output.splitlines()[1].split("  ")[0] for one in done.said] == [
        "Node **&named_head",
        "Node *&named_second",
    ]


def test_names_of_nim(tmp_path: Path) -> None:
    """Nim's compiler writes C, and into each name the module and a number; in C itself such a name is only that."""
    files = {"@mprog.nim.c": "counter__prog_13 = 5", "plain.c": "other__prog_2 = 6"}
    for name, text in files.items():
        code = f"__thread int {text};\n" + "int main(void) { __builtin_trap(); }\n" * (name == "plain.c")
        (tmp_path / name).write_text(code)
    program = tmp_path / "program"
    subprocess.run(["gcc", "-g", *files, "-o", program], check=True, cwd=tmp_path)
    names = ["counter", "prog.counter", "counter__prog_13", "other__prog_2"]
    answers = ask([program], [*names, "other"], tmp_path / "answers", before=["run"])
    assert [answers[name]["threads"][0]["value"] for name in names] == [5, 5, 5, 6]
    assert "other" not in answers.documents and "Did you mean other__prog_2?" in answers.result.stderr
