"""Small pieces of the views, and the sentences of tls-whatis, on plain data."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.program.grid import Grid, Row
from gdb_tls.program.marked import Marked
from gdb_tls.questions.map.answer import Answer
from gdb_tls.questions.map.table import table
from gdb_tls.questions.whatis.answer import Holder, Owner, OwnerKind, Whatis
from gdb_tls.questions.whatis.document import document, records
from gdb_tls.questions.whatis.sentence import sentence
from gdb_tls.target.facts import Part, Region
from gdb_tls.target.model import Kind, Life, Module, State, TargetInfo, Thread, Type, Variable
from gdb_tls.views.parts import declared, pointer
from gdb_tls.views.screen import Screen
from gdb_tls.views.words import count, numbers

MODULE = Module(3, "libx.so", "/lib/libx.so", "/lib/libx.so", 0, 1, None, TlsSegment(0, 0, 64, 8), None)
VARIABLE = Variable("buffers", "buffers", MODULE, 8, 16, None, True, "symtab")
WORKER = Thread(2, 77, "worker", 0x7000)
ENDED = Thread(None, None, "", 0x9000, life=Life.EXITED)


def test_numbers() -> None:
    threads = [Thread(number, None, "") for number in (7, 1, 2, 3, 9, 10)]
    assert numbers(threads) == "1-3,7,9-10"
    assert numbers([*threads[:1], ENDED], "-") == "7,-"
    assert numbers([]) == ""


def test_words() -> None:
    assert (count(1, "key"), count(0, "key"), count(2000, "byte")) == ("1 key", "0 keys", "2,000 bytes")
    assert (pointer(None), pointer(0), pointer(255)) == (None, "0x0", "0xff")
    assert declared(Type("char *", Kind.POINTER, 8), "x") == "char *x"
    assert declared(Type("int", Kind.INTEGER, 4), "x") == "int x"
    assert declared(None, "x") == "x"


def found(owner: Owner, address: int = 0x1010, **others: Any) -> Whatis:
    target = TargetInfo("core", 1, "/bin/x", "x86-64", "glibc")
    values: dict[str, Any] = {"region": None, "holders": (), **others}
    return Whatis(target, "x", address, owner, **values)


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (
            Owner(OwnerKind.VARIABLE, WORKER, MODULE, 0x1000, VARIABLE, Part("[1].data", "char", 3, False)),
            "buffers[1].data + 3 bytes, in thread 2 (LWP 77, worker).",
        ),
        (
            Owner(OwnerKind.VARIABLE, ENDED, MODULE, 0x1000, VARIABLE, Part("", "int", 1, True)),
            "buffers + 1 byte (padding between its members), in an ended thread (thread pointer 0x9000).",
        ),
        (
            Owner(OwnerKind.PADDING, WORKER, MODULE, 0x1000, VARIABLE),
            "in no variable of libx.so's block in thread 2 (LWP 77, worker): padding, or a variable without a symbol.",
        ),
        (Owner(OwnerKind.KEY_SLOT, WORKER, key=4), "the slot of pthread key 4, in thread 2 (LWP 77, worker)."),
        (Owner(OwnerKind.KEY_TABLE), "an unused entry in the C library's table of pthread keys."),
        (
            Owner(OwnerKind.DTV, WORKER, MODULE),
            "in the DTV of thread 2 (LWP 77, worker): the entry of module 3 (libx.so).",
        ),
        (
            Owner(OwnerKind.CONTROL_BLOCK, WORKER, field="tid"),
            "in the thread control block of thread 2 (LWP 77, worker), in its field tid.",
        ),
        (Owner(OwnerKind.STACK, WORKER, stack_pointer=0x1000), "on the stack of thread 2 (LWP 77, worker)."),
        (
            Owner(OwnerKind.STACK, WORKER, stack_pointer=0x2000),
            "on the stack of thread 2 (LWP 77, worker), below its stack pointer.",
        ),
        (Owner(OwnerKind.SYMBOL, symbol="main + 4"), "main + 4: not thread-local."),
        (Owner(OwnerKind.MAPPING), "mapped, but not thread-local."),
        (Owner(OwnerKind.UNMAPPED), "not mapped."),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Owner) else "",
)
def test_sentences(owner: Owner, words: str) -> None:
    assert sentence(found(owner)) == words
    assert document(found(owner))["text"] == words
    (row,) = records(found(owner)).rows
    assert row[-1] == words


def test_document() -> None:
    owner = Owner(OwnerKind.VARIABLE, WORKER, MODULE, 0x1000, VARIABLE, Part("", "int", 8, False))
    whole = document(found(owner, region=Region(0x1000, 0x2000, True, False, ""), holders=[Holder(VARIABLE, [WORKER])]))
    assert (whole["offset"], whole["block"], whole["kind"]) == ("0x10", "0x1000", "variable")
    assert whole["mapping"] == {"start": "0x1000", "end": "0x2000", "file": None}
    assert whole["held_by"][0]["threads"][0]["lwp"] == 77
    assert document(found(Owner(OwnerKind.UNMAPPED)))["thread"] is None


def test_null() -> None:
    assert sentence(found(Owner(OwnerKind.UNMAPPED), address=0)) == "a null pointer."


def test_the_main_thread_is_on_a_narrow_map() -> None:
    """Seven threads in seven different patterns, the main one last: its column is the one that tells."""
    threads = [Thread(number, 100 + number, "", 0x7000 * number) for number in range(1, 8)]
    kind = Type("char *", Kind.POINTER, 8)
    patterns = [[State.SET if at == row else State.NULL for at in range(7)] for row in range(7)]
    rows = [Row(VARIABLE._replace(name=f"variable_{number}"), kind, states) for number, states in enumerate(patterns)]
    target = TargetInfo("core", 107, "/bin/app", "x86-64", "glibc")
    answer = Answer(Grid(target, "little", threads, [MODULE], rows, Marked(main=7), False), False)
    said = rendered_text(table(answer, Screen(30, False)), 30)
    heads = next(line.split()[1:] for line in said if line.startswith("Thread"))
    assert len(heads) < 7 and heads[0] == "7"
    assert next(line.split() for line in said if "variable_6" in line)[1] == "S"


def rendered_text(renderable: Any, columns: int) -> list[str]:
    console = Console(width=columns, color_system=None, file=StringIO())
    console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]
