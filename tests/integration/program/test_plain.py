"""Values that one wants to read at a glance: in GDB with its printers and without, and without GDB.

What is expected is what the program has put in, so that no engine can be wrong together with another.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration.harness import PROGRAMS, Subject, subject_of
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask, session

COMPILERS = {
    "libstdc++": ("g++", "-std=c++2b"),
    "libc++": ("clang++", "-stdlib=libc++", "-std=c++20"),
}
# How the debug information is written must not matter.
FORMATS = {
    "plain": (),
    "version 2": ("-gdwarf-2", "-gstrict-dwarf"),
    "version 4": ("-gdwarf-4",),
    "type units": ("-fdebug-types-section",),
    "old type units": ("-gdwarf-4", "-fdebug-types-section"),
    "split": ("-gsplit-dwarf",),
    "64 bits": ("-gdwarf64",),
}
ENGINES = ("printers", "no printers", "direct")

# Of main (0) and the worker (1): (state, text).  What GDB's printers of libstdc++ say differently is below.
Said = Callable[[int], tuple[str, str]]


def always(text: str, state: str = "set") -> Said:
    return lambda number: (state, text)


def either(main: str, worker: str, states: tuple[str, str] = ("set", "set")) -> Said:
    return lambda number: (states[number], (main, worker)[number])


TEXTS: dict[str, Said] = {
    "any_number": either("std::any containing int", "std::any containing int"),
    "any_text": always("std::any containing std::string"),
    "any_large": always("std::any containing std::array<int, 8>"),
    "calls": always("std::function<int(int)> calling plus(int)"),
    "bits": either("std::bitset<12> 0b000000001010", "std::bitset<12> 0b000000001011"),
    "many_bits": either("std::bitset<100>, 1 set: 98", "std::bitset<100>, 1 set: 99"),
    "pair": either('{first = 0, second = "second"}', '{first = 1, second = "second"}'),
    "path": always('"/usr/lib"'),
    "wait": either("1500ms", "1501ms"),
    "seconds": either("0.5s", "1.5s"),
    "frames": either("0[1/30]s", "-1[1/30]s"),
    "date": either("2023-11-14 22:13:20.25 UTC", "2023-11-14 22:13:20.251 UTC"),
    "once": either("std::once_flag, not called", "std::once_flag, called"),
    "condition": always("std::condition_variable, 0 waiting"),
    "flags": either("Flags::none", "(Flags::first | Flags::third)"),
    "short": always("233 u'é'"),
    "long": always("8364 U'€'"),
    "wide": always("119 L'w'"),
    "shorts": either('u"Abc"', 'u"Bbc"'),
    "wides": either('L"Abc"', 'L"Bbc"'),
    "pointed": always('(const char16_t *) 0x u"wide"'),
    "unended": always('"abcd"'),
    "byte": always("-3 '\\375'"),
    "float": always("0.1"),
    "extended": always("1.25"),
    "complex": either("{_M_value = 1 + 2.5i}", "{_M_value = 2 + 2.5i}"),
    "whole_complex": either("-4 + 5i", "-5 + 5i"),
    "nothing": always('""'),
    "reference": either("(Point &) 0x: {x = 0, y = 0}", "(Point &) 0x: {x = 1, y = 0}"),
    "letters": either("(char &) 0x: 97 'a'", "(char &) 0x: 98 'b'"),
    "member": either("NULL", "&Point::y", ("null", "set")),
    "virtual": either("NULL", "&virtual table offset 0", ("null", "set")),
    "span": either("std::span of length 0", "std::span of length 1 = {7}"),
    "expected": either(
        "std::expected<int, std::string> = {[contained value] = 0}",
        "std::expected<int, std::string> = {[contained value] = 1}",
    ),
    "unexpected": always('std::expected<int, std::string> = {[unexpected] = "bad"}'),
    "outer": lambda number: (
        "set",
        f'{{<Point> = {{x = {number}, y = 0}}, inner = {{narrow = {-3 - number}, wide = 300, text = "abc"}}, '
        'several = {{narrow = 0, wide = 0, text = "\\000\\000\\000"}, {narrow = 7, wide = 8, text = "wxyz"}}}',
    ),
}
# libstdc++'s own printers for GDB are asked first.
PRINTED: dict[str, Said] = {
    "bits": either("std::bitset = {[1] = 1, [3] = 1}", "std::bitset = {[0] = 1, [1] = 1, [3] = 1}"),
    "many_bits": either("std::bitset = {[98] = 1}", "std::bitset = {[99] = 1}"),
    "path": always('filesystem::path "/usr/lib" = {[root-directory] = "/", [1] = "usr", [2] = "lib"}'),
}
DIAMOND = (
    "{{<Left> = {{<Base> = {{base = 7}}, _vptr.Left = 0x <>, left = 1}}, "
    "<Right> = {{_vptr.Right = 0x <>, right = 2}}, own = {}}}"
)


@pytest.fixture(scope="module", params=list(COMPILERS))
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def built(library: str, folder: Path, *flags: str) -> Path:
    truth, program = folder / "truth.o", folder / "plain"
    subprocess.run(["gcc", "-c", "-g", "-pthread", PROGRAMS / "truth.c", "-o", truth], check=True, cwd=folder)
    words = [*COMPILERS[library], "-g", "-pthread", *flags, PROGRAMS / "plain.cc", truth, "-o", program]
    subprocess.run(words, check=True, cwd=folder)
    return program


def answer(engine: str, subject: Subject, folder: Path) -> Any:
    if engine == "direct":
        words = ["core", subject.core, "--exe", subject.executable] if subject.core else ["pid", subject.pid]
        return gdb_tls([*words, "--engine", "direct", "--format", "json", "plain_*"]).document
    before = ["set host-charset UTF-8", *(["disable pretty-printer"] if engine == "no printers" else [])]
    return ask(subject.arguments, ["plain_*"], folder, before=before)["plain_*"]


def normal(text: str) -> str:
    """Without addresses, and without what only GDB finds: the value in a std::any."""
    text = re.sub(r"0x[0-9a-f]{5,}", "0x", text).replace("std::function<int (int)>", "std::function<int(int)>")
    text = text.replace("_vptr$", "_vptr.")  # Clang's name
    text = re.sub(r"(0x )<[^>]*>", r"\1<>", re.sub(r"(bitset<\d+)ul>", r"\1>", text))
    return re.sub(r"^(std::any containing .*?) = \{\[contained value\] = .*\}$", r"\1", text)


def wrong(document: Any, subject: Subject, library: str, printed: bool) -> list[str]:
    found = {one["name"].removeprefix("plain_"): one for one in document["variables"]}
    if library == "libstdc++":
        assert {"expected", "unexpected"} <= found.keys()
    expected = TEXTS | (PRINTED if printed and library == "libstdc++" else {})
    mistakes = []
    for name, said in expected.items():
        if name not in found:
            assert name in ("expected", "unexpected", "nothing"), name  # the last has no symbol from Clang
            continue
        for row in found[name]["threads"]:
            number = int(row["lwp"] != subject.pid)
            text = normal(row["text"]).replace("{__re_ = ", "").replace(", __im_ = ", " + ")
            state, wanted = said(number)
            if name == "complex" and library == "libc++":
                wanted = wanted.replace("{_M_value = ", "").replace("i}", "}")
            if (row["state"], text) != (state, wanted):
                mistakes.append(f"{name} {number}: {row['state']} {text!r}, not {state} {wanted!r} ({row['reason']})")
    others = ("diamond", "method", "mutex")
    for name, row in [(other, row) for other in others for row in found[other]["threads"]]:
        number, text = int(row["lwp"] != subject.pid), row["text"]
        locked = f"std::mutex, locked by LWP {row['lwp']}" if number else "std::mutex, not locked"
        wanted = {"diamond": DIAMOND.format(number), "mutex": locked}.get(name, "")
        is_right = normal(text) == wanted if wanted else text.endswith("NULL" if not number else "<Acts::act() const>")
        if not is_right or row["state"] != ("null" if text == "NULL" else "set"):
            mistakes.append(f"{name}: {row['state']} {normal(text)}, not {wanted}")
    for name in ("lambda", "captures"):
        for row in found[name]["threads"]:
            if not re.match(r"std::function<int ?\(int\)> calling fill\(int\)::(\{lambda|\$_|'lambda)", row["text"]):
                mistakes.append(f"{name}: {row['text']}")
    return mistakes


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["core", "live"])
def test_at_a_glance(
    kind: str, engine: str, library: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    program = built(library, tmp_path_factory.mktemp("plain"))
    with subject_of(kind, program, tmp_path / "run") as subject:
        mistakes = wrong(answer(engine, subject, tmp_path / "asked"), subject, library, engine == "printers")
    assert not mistakes, "\n".join(mistakes)


@pytest.mark.parametrize("written", list(FORMATS)[1:])
def test_however_it_is_written(written: str, tmp_path: Path) -> None:
    """Without GDB, as debug information of each kind has it."""
    program = built("libstdc++", tmp_path, *FORMATS[written])
    with subject_of("core", program, tmp_path / "run") as subject:
        mistakes = wrong(answer("direct", subject, tmp_path / "asked"), subject, "libstdc++", False)
    if (
        written == "version 2"
    ):  # it has neither namespaces nor enumerations with a scope, so library classes are not told
        mistakes = [
            one for one in mistakes if one.split()[0] in ("outer", "extended", "byte", "whole_complex", "unended")
        ]
    assert not mistakes, "\n".join(mistakes)


def test_parts_of_an_object_with_a_virtual_base(tmp_path: Path) -> None:
    """Its members are found; where the virtual base lies is not claimed, and nothing fails."""
    program = built("libstdc++", tmp_path)
    asked = ["tls-inspect plain_diamond.own", "tls-inspect plain_diamond.base", "tls-whatis &plain_diamond"]
    with subject_of("core", program, tmp_path / "run") as subject:
        (row, *_) = ask(subject.arguments, ["plain_diamond"], tmp_path / "place")["plain_diamond"]["threads"]
        asked += [f"tls-whatis {int(row['address'], 16) + behind:#x}" for behind in (28, 32)]
        asked.append("tls-inspect plain_diamond.left")
        done = session(subject.arguments, asked, tmp_path / "asked")
        direct = gdb_tls(["core", subject.core, "--exe", program, "--engine", "direct", "plain_diamond.base"])
    refused = "base is in the virtual base class Base, whose place each object says."
    assert [bool(done[one].error) for one in asked] == [False, True, False, False, False, False]
    assert done[asked[1]].error.startswith(refused) and refused in direct.errors and direct.status == 2
    assert "is plain_diamond (and its first part, ._vptr.Left), " in done[asked[2]].output
    assert "is plain_diamond.own, " in done[asked[3]].output
    assert re.search(r"is plain_diamond \+ \d+ bytes, ", done[asked[4]].output), done[asked[4]].output
