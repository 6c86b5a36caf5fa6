"""What tls-access says, by what was found: never more than that."""

from __future__ import annotations

import pytest
from unit.made import VARIABLE

from gdb_tls.code.accesses import (
    ADDRESS_TAKEN,
    READ,
    READ_CHECKED,
    READ_DEREFERENCED,
    READ_PASSED,
    WRITE,
    Access,
)
from gdb_tls.code.values import OWN_BLOCK
from gdb_tls.program.accesses import CodeFunction, CodeObject, CodePlace, Users
from gdb_tls.program.lookup import Found
from gdb_tls.program.stacks import Passage, Stacks
from gdb_tls.questions.access.answer import Answer, UserRow, made_row
from gdb_tls.questions.access.sentence import brief, scope, sentences, where_text
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Kind, TargetInfo, Thread, Type

OBJECT = CodeObject("libx.so", "/lib/libx.so", 0x1000)
POINTER = Type("char *", Kind.POINTER, 8)
NOBODY = Stacks((), 3, 3, None)
LETTERS = {"d": READ_DEREFERENCED, "c": READ_CHECKED, "p": READ_PASSED, "a": ADDRESS_TAKEN, "r": READ, "w": WRITE}


def row(name: str, letters: str, inside: tuple[tuple[int, int], ...] = (), linkage: str = "") -> UserRow:
    """A function: `w` a write, `n` of null, `d` unchecked, `o` unchecked after a write, `c`, `p`, `a`, `r`."""
    places = []
    for number, letter in enumerate(letters):
        kind = LETTERS.get(letter, WRITE if letter == "n" else READ_DEREFERENCED)
        access = Access(0x10 + number, 0x10, OWN_BLOCK, 0, 8, kind, True, letter == "o", letter == "n")
        places.append(CodePlace(0x1010 + number, access, 0, "x.c", 7 + number))
    function = CodeFunction(name, f"{name}()", linkage or name, OBJECT, 0x1010, False, places)
    found = [Passage(Thread(number, 70 + number, ""), depth, 0x1010, Frame(name, "", 0, 0)) for number, depth in inside]
    return made_row(function, found)


def answer(
    *rows: UserRow,
    type: Type | None = POINTER,
    unread: tuple[CodeObject, ...] = (),
    undecided: int = 0,
    unexplained: tuple[str, ...] = (),
    interrupted: bool = False,
    stacks: Stacks = NOBODY,
    source: str = "symtab",
) -> Answer:
    users = Users([one.function for one in rows], [OBJECT], unread, undecided, interrupted, unexplained)
    variable = VARIABLE._replace(source=source, name="buffer")
    target = TargetInfo("core", 1, None, "x86-64", "glibc")
    return Answer(target, Found(variable, ""), "", type, 0, 8, users, rows, stacks, None)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((), "No code was found that uses it."),
        (("init w", "push d"), "Written only by init; push uses it unchecked."),
        (
            ("init w", "stop n", "push d", "get dc"),
            "Written only by init and stop (with null); push and get use it unchecked.",
        ),
        (("init wn",), "Written only by init."),
        (("init w", "get c", "put cc"), "Written only by init; get and put check it first."),
        (("init w", "get c", "put r"), "Written only by init; read by get and put."),
        (("init w", "log p"), "Written only by init; log hands it on unchecked."),
        (("init wo",), "Written only by init."),
        (("push d",), "Nothing was found that writes it; push uses it unchecked."),
        (("init w", "log a"), "Written by init; log may give its address to others, who may write it, too."),
        (("log a",), "Nothing was found that writes it, but log may give its address to others, who may write it."),
        (
            ("a w", "b w", "c w", "d w", "e w"),
            "Written only by a, b, c and 2 more functions.",
        ),
        (("a w", "b w", "c w", "d w"), "Written only by a, b, c and d."),
    ],
)
def test_who_uses_it(rows: tuple[str, ...], sentence: str) -> None:
    made = [row(*one.split()) for one in rows]
    assert sentences(answer(*made))[0] == sentence


def test_numbers_are_not_called_unchecked() -> None:
    number = Type("int", Kind.INTEGER, 4, is_signed=True)
    found = sentences(answer(row("init", "w"), row("index", "d"), row("get", "r"), type=number))
    assert found == ["Written only by init; read by index and get."]


@pytest.mark.parametrize(
    "doubt",
    [
        {"unread": (OBJECT._replace(name="libgone.so", problem="it is gone"),)},
        {"undecided": 2},
        {"unexplained": ("log",)},
        {"interrupted": True},
        {"source": "offset"},
    ],
)
def test_only_is_not_said_in_doubt(doubt: dict[str, object]) -> None:
    """And why not is said."""
    found = answer(row("init", "w"), **doubt)  # type: ignore[arg-type]
    assert sentences(found) == ["Written by init."]
    assert len(scope(found)) == 2


def test_scope() -> None:
    assert scope(answer(row("init", "w"))) == [
        "Looked at: the code of libx.so; not what is loaded later, or generated at run time."
    ]
    gone = OBJECT._replace(name="libgone.so", problem="it is gone")
    sample = Stacks((), 256, 10_000, None)
    assert scope(answer(row("init", "w"), unread=(gone,), stacks=sample)) == [
        "Not looked at, though it may use it: libgone.so (it is gone).",
        "Looked at: the code of libx.so; not what is loaded later, or generated at run time.",
        "Stacks of 256 of 10,000 threads were looked at.",
    ]


def test_wrappers_give_the_address_to_their_own_module() -> None:
    """The accesses of their callers are known, unless another module may call them."""
    own = row("TLS wrapper function for buffer", "a", linkage="_ZTW6buffer")
    assert sentences(answer(row("init", "w"), own))[0].startswith("Written only by init")
    exported = own._replace(function=own.function._replace(exported=True))
    assert sentences(answer(row("init", "w"), exported))[0].startswith("Written by init; TLS wrapper function for")


def test_threads_that_are_there() -> None:
    stacks = Stacks((), 3, 3, 2)
    crashed = row("push", "d", inside=((3, 0), (2, 4), (2, 1)))
    assert sentences(answer(crashed, stacks=stacks))[1:] == ["Thread 2, which crashed, is in push, frame 1."]
    others = Stacks((), 3, 3, 1)
    assert sentences(answer(crashed, stacks=others))[1:] == [
        "2 threads (2-3) are in a function now that uses it unchecked."
    ]
    harmless = row("get", "c", inside=((3, 0),))
    assert sentences(answer(harmless, stacks=others))[1:] == []


def test_where() -> None:
    assert where_text(row("push", "ddddd")) == "x.c:7,8,9 +2"
    assert where_text(row("push", "dd"), "x.c") == "lines 7,8"
    assert where_text(row("push", "d"), "x.c") == "line 7"
    unknown = row("push", "d").function.places[0]._replace(file="", line=0)
    whole = row("push", "d")
    assert where_text(whole._replace(function=whole.function._replace(places=[unknown]))) == "0x1010"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("short<int>::name", "short<int>::name"),
        ("a_namespace::a_template<a_namespace::other<int>, 3ul>::method", "a_namespace::a_template<...>::method"),
        ("a_namespace::an_iterator_of<int, long, char>::operator->", "a_namespace::an_iterator_of<...>::operator->"),
        ("a_namespace::something_with_a_long_name::operator<", "a_namespace::something_with_a_long_name::operator<"),
    ],
)
def test_brief(name: str, short: str) -> None:
    assert brief(name) == short
