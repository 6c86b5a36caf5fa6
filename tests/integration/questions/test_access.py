"""tls-access against the marks in the programs' sources, live and on a core; and the threads that are there."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import MACHINES
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import PROGRAMS, Inferior, command_of, without_its_libraries
from integration.sessions import one_sentence, run_gdb, session
from limits import LIMIT_SECONDS

LIBRARY, USER, PROGRAM = "access_library.c", "access_user.c", "access.c"
MODULES = {LIBRARY: "libaccess.so", USER: "libaccess_user.so", PROGRAM: "access"}
MARK = re.compile(r"/\* access: (\w+) ([\w-]+)(\??) \*/")
FUNCTION = re.compile(r"^(?:\S.*\W)?(\w+)\([^;]*\{$")
VARIABLES = ("access_hidden", "access_shared", "access_state", "access_never", "access_table")


def marks(variable: str) -> tuple[set[tuple[str, str, int, str]], set[tuple[str, str, int, str]]]:
    """(module, function, line, use) of what must be found of a variable, and of what may be."""
    must, may = set(), set()
    for source, module in MODULES.items():
        function = ""
        for number, line in enumerate((PROGRAMS / source).read_text().splitlines(), 1):
            begins, mark = FUNCTION.match(line), MARK.search(line)
            function = begins[1] if begins else function
            if mark and mark[1] == variable:
                (may if mark[3] else must).add((module, function, number, mark[2]))
    return must, may


def places(document: dict[str, Any]) -> set[tuple[str, str, int, str]]:
    return {
        (function["module"]["name"], function["name"], place["line"], place["use"])
        for function in document["functions"]
        for place in function["places"]
    }


def test_the_marks_are_read() -> None:
    must, may = marks("access_hidden")
    assert ("libaccess.so", "access_start", 22, "write") in must
    assert {use for _, _, _, use in must | may} == {"write", "write-null", "unchecked", "checked", "passed"}


@pytest.fixture(scope="module")
def found(subjects: Subjects, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The documents of all variables, of a live process and of a core."""
    commands = [f"tls-access {name}" for name in VARIABLES]
    folder = tmp_path_factory.mktemp("access")
    return {kind: documents(subjects.get("access", kind), commands, folder / kind) for kind in ("live", "core")}


@pytest.mark.parametrize("variable", VARIABLES)
def test_as_the_source_says(variable: str, kind: str, found: dict[str, dict[str, Any]]) -> None:
    """In all modules, and of the stripped copy of the library what the loader has bound to the first one's variable."""
    document = found[kind][f"tls-access {variable}"]
    here = {one for one in places(document) if one[0] != "libaccess_stripped.so"}
    must, may = marks(variable)
    assert must <= here <= must | may
    stripped = sorted((name, use) for module, name, _, use in places(document) if module == "libaccess_stripped.so")
    assert stripped == ([("access_share", "write")] if variable == "access_shared" else [])
    assert document["not_looked_at"] == [] and document["undecided"] == 0


def test_stripped_library_has_the_same_places(subjects: Subjects, kind: str, programs: Path, tmp_path: Path) -> None:
    """Without symbols, by offset: the functions that are not exported have no names, but addresses."""
    subject = subjects.get("access", kind)
    symbols = subprocess.run(["nm", programs / "libaccess.so"], capture_output=True, text=True, check=True).stdout
    known = {name: int(value, 16) for value, letter, name in re.findall(r"^(\w+) (\w) (\w+)$", symbols, re.M)}
    for name in ("access_hidden", "access_state"):
        text = f"libaccess_stripped.so+{known[name]:#x}"
        both = documents(subject, [f"tls-access {text}", f"tls-access {name}"], tmp_path / name)
        ours, whole = both.values()
        assert ours["variable"]["name"] == text
        file_addresses = [
            [
                (int(place["address"], 16) & 0xFFF, place["use"], place["width"])
                for function in one["functions"]
                for place in function["places"]
            ]
            for one in (ours, whole)
        ]
        # All of a structure, and the word at its beginning.
        assert file_addresses[0] and set(file_addresses[0]) <= set(file_addresses[1])
        if name == "access_hidden":
            assert file_addresses[0] == file_addresses[1]
        assert "only" not in ours["text"][0] and "may be a part" in " ".join(ours["text"])


def test_threads_that_are_there(subjects: Subjects, kind: str, found: dict[str, dict[str, Any]]) -> None:
    subject = subjects.get("access", kind)
    lwp = subject.truth.one("access_never", "worker-1").lwp
    document = found[kind]["tls-access access_hidden"]
    inside = {function["name"]: [thread["lwp"] for thread in function["threads"]] for function in document["functions"]}
    assert inside.pop("access_wait") == [lwp]
    assert not any(inside.values())
    threads = document["threads"]
    assert threads["looked_at"] == threads["all"] == 3
    assert (threads["crashed"] is None) == (kind == "live")


def test_sentences(found: dict[str, dict[str, Any]]) -> None:
    """Nothing is said that is not known."""
    texts = {name: " ".join(found["core"][f"tls-access {name}"]["text"]) for name in VARIABLES}
    hidden = texts["access_hidden"]
    assert hidden.startswith(
        "Written only by access_start and access_stop (with null); access_use uses it unchecked; "
        "access_wait hands it on unchecked."
    )
    assert re.search(r"Thread \d+, which crashed, is in access_wait, frame \d+\.", hidden)
    assert texts["access_shared"].startswith(
        "Written only by program_share and access_share; access_user_use uses it unchecked."
    )
    assert texts["access_state"].startswith(
        "Written by access_fill; access_give may give its address to others, who may write it, too."
    )
    assert texts["access_never"].startswith(
        "Nothing was found that writes it, but access_describe may give its address to others, who may write it."
    )
    for text in texts.values():
        assert "not what is loaded later, or generated at run time" in text


def test_members(subjects: Subjects, tmp_path: Path) -> None:
    """One member's writes; whoever has the structure's address may write that, too."""
    subject = subjects.get("access", "core")
    commands = ["tls-access access_state.number", "tls-access access_state.first"]
    number, first = documents(subject, commands, tmp_path).values()
    assert {(one["name"], *one["uses"]) for one in number["functions"]} == {
        ("access_fill", "write"),
        ("access_give", "address-taken"),
    }
    assert {(one["name"], *one["uses"]) for one in first["functions"]} == {("access_give", "address-taken")}
    assert "only" not in number["text"][0]


def test_elements(subjects: Subjects, tmp_path: Path) -> None:
    """An index that is not known may be any; one that is known is no other."""
    commands = [f"tls-access access_table[{at}]" for at in (1, 2)]
    one, two = documents(subjects.get("access", "core"), commands, tmp_path).values()
    assert [function["name"] for function in one["functions"]] == ["access_set", "access_clear", "access_get"]
    assert [function["name"] for function in two["functions"]] == ["access_set", "access_get"]
    assert not two["functions"][0]["places"][0]["exact"]


def test_dead_copy(subjects: Subjects, tmp_path: Path) -> None:
    """The stripped library's own definition, which the loader has passed over."""
    command = "tls-access libaccess_stripped.so::access_shared"
    document = documents(subjects.get("access", "core"), [command], tmp_path)[command]
    assert document["functions"] == []
    assert document["text"][:2] == [
        "No code was found that uses it.",
        "The loader has passed over this definition: access_shared is used instead.",
    ]


def test_csv_has_the_same_places(subjects: Subjects, tmp_path: Path, found: dict[str, dict[str, Any]]) -> None:
    subject = subjects.get("access", "core")
    command = "tls-access access_shared --format csv"
    rows = list(csv.DictReader(session(subject.arguments, [command], tmp_path)[command].output.splitlines()))
    document = found["core"]["tls-access access_shared"]
    of_rows = Counter((row["module"], row["function"], row["use"], row["address"]) for row in rows)
    assert of_rows == Counter(
        (one["module"]["name"], one["full_name"], place["use"], place["address"])
        for one in document["functions"]
        for place in one["places"]
    )


def test_screen(subjects: Subjects) -> None:
    # Not in a session: there GDB's width is unlimited, whatever was set.
    said = run_gdb(
        subjects.get("access", "core").arguments, ["set width 80", "echo >>>\\n", "tls-access access_hidden"]
    )
    lines = said.stdout.partition(">>>\n")[2].splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[:2] for line in lines if line.startswith(("!", "   access_"))] == [
        ["", " access_start"],
        ["", " access_stop"],
        ["!", "access_use"],
        ["", " access_wait"],
        ["", " access_check"],
    ]
    assert next(line for line in lines if "access_wait" in line).split()[-4:-2] == ["line", "60"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("access_shared->length", "is not in the thread-local variable itself"),
        ("*access_shared", "is no variable"),
        ("access_hiden", "Did you mean"),
        ("libaccess.so+0x5000", "block ends at"),
        ("main", "not a thread-local variable"),
    ],
)
def test_what_is_none(text: str, sentence: str, subjects: Subjects, tmp_path: Path) -> None:
    command = f"tls-access {text}"
    subject = subjects.get("access", "core")
    done = session(subject.arguments, [command, "print $_tls_status"], tmp_path)
    assert sentence in one_sentence(done, command)
    assert "= 2" in done["print $_tls_status"].output


@pytest.mark.parametrize("name", ["aarch64", "arm"])
def test_other_architectures(name: str, tmp_path: Path) -> None:
    """What is written in `describe`, on a core of QEMU's; or that code of this architecture is not read."""
    machine = next(one for one in MACHINES if one.name == name)
    executable = machine.build().executable()
    command = [machine.qemu, "-L", f"/usr/{machine.triple}", *command_of(executable, tmp_path, "abort")]
    with Inferior(command, tmp_path) as inferior:
        assert inferior.process is not None
        inferior.process.wait(LIMIT_SECONDS)
    (core,) = tmp_path.glob("qemu_*.core")
    early = [f"set sysroot /usr/{machine.triple}", f"set solib-search-path {executable.parent}"]
    text = "tls-access any_count --format json"
    done = session(
        [executable, "-c", core], [text, "tls-inspect any_count"], tmp_path, early=early, gdb="gdb-multiarch"
    )
    assert "any_count" in done["tls-inspect any_count"].output
    if name == "arm":
        assert "not for this architecture yet" in one_sentence(done, text)
        return
    document = json.loads(done[text].output)
    uses = {use: function["name"] for function in document["functions"] for use in function["uses"]}
    assert uses["write"] == uses["address-taken"] == "describe"
    # All three threads are there: parked, or aborting.
    (describe,) = document["functions"]
    assert {thread["num"] for thread in describe["threads"]} <= {1, 2, 3}


def test_module_that_cannot_be_read(subjects: Subjects, programs: Path, tmp_path: Path) -> None:
    """Another build's file is not looked at, and that is said; of its own variables nothing can be."""
    subject = subjects.get("access", "core")
    assert subject.core is not None
    core = without_its_libraries(subject.core, tmp_path, str(programs / "libaccess_user.so"))
    commands = ["tls-access access_shared --format json", "tls-access access_hidden"]
    done = session([subject.executable, "-c", core], commands, tmp_path)
    document = json.loads(done[commands[0]].output)
    assert [one["name"] for one in document["not_looked_at"]] == ["libaccess_user.so"]
    assert "only" not in document["text"][0] and "access_user_use" not in json.dumps(document["functions"])
    assert any(text.startswith("Not looked at, though it may use it: libaccess_user.so") for text in document["text"])
    # Nobody else can use what is not exported.
    assert "Written only by access_start" in done[commands[1]].words


def test_without_capstone(subjects: Subjects, tmp_path: Path) -> None:
    """One sentence, and everything else works."""
    hidden = "python import sys; sys.modules['capstone'] = None"
    commands = [hidden, "tls-access access_hidden", "print $_tls_status", "tls-inspect access_hidden"]
    done = session(subjects.get("access", "core").arguments, commands, tmp_path)
    assert "capstone" in one_sentence(done, commands[1])
    assert "= 2" in done[commands[2]].output
    assert done[commands[3]].error is None
