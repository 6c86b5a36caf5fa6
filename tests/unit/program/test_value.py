"""Values: from bytes and a type to state, flags, value and text."""

from __future__ import annotations

import math
import struct

import pytest
from unit.fake import INTEGER, POINTER, VOID_POINTER, FakeTarget, architecture

from gdb_tls.program.lifetimes import CONSTRUCTED, Lifetime
from gdb_tls.program.value import escape, is_null, preview, read_instances, untyped
from gdb_tls.program.walk import follow
from gdb_tls.target.model import Absence, Flag, Instance, Kind, Life, Path, Place, State, Step, Thread, Type

BASE = 0x10000
MAIN = Thread(1, 100, "app", 0x7000)
OWNER = Type("std::shared_ptr<X>", Kind.AGGREGATE, 16, owner=8, debugger_type="shared_ptr")


@pytest.fixture
def target() -> FakeTarget:
    made = FakeTarget(architecture("x86-64"))
    made.memory.map(BASE, 0x2000)
    return made


def read(target: FakeTarget, kind: Type, *places: Place, threads: list[Thread] | None = None) -> list[Instance]:
    threads = threads or [Thread(number, 99 + number, "") for number in range(1, len(places) + 1)]
    return read_instances(target, kind, (), threads, places, "passive")


def read_bytes(target: FakeTarget, kind: Type, raw: bytes) -> Instance:
    target.memory.write(BASE, raw)
    return read(target, kind, BASE)[0]


class TestStates:
    def test_null(self, target: FakeTarget) -> None:
        (found,) = read(target, VOID_POINTER, BASE)
        assert found == Instance(Thread(1, 100, ""), State.NULL, (), BASE, 0, "(void *) 0x0", "passive", None)

    def test_set(self, target: FakeTarget) -> None:
        target.memory.put(BASE, BASE + 0x100)
        (found,) = read(target, VOID_POINTER, BASE)
        assert (found.state, found.value, found.text) == (State.SET, BASE + 0x100, "(void *) 0x10100")
        assert found.flags == ()

    def test_absence_is_kept(self, target: FakeTarget) -> None:
        found = read(target, VOID_POINTER, Absence(State.UNALLOCATED, "not touched"), Absence(State.UNRESOLVED, "why"))
        assert [(one.state, one.reason, one.address, one.value, one.text) for one in found] == [
            (State.UNALLOCATED, "not touched", None, None, ""),
            (State.UNRESOLVED, "why", None, None, ""),
        ]

    def test_only_objects_that_are_alive_have_values(self, target: FakeTarget) -> None:
        """What a destroyed one holds is shared with nobody, and what is not constructed is not null."""
        target.memory.put(BASE, BASE + 0x100, BASE + 0x100, 0)
        places = [BASE, BASE + 8, BASE + 16]
        threads = [Thread(number, 99 + number, "") for number in (1, 2, 3)]
        lives = [CONSTRUCTED, Lifetime(State.DESTROYED, "gone"), Lifetime(State.NOT_CONSTRUCTED, "not yet")]
        found = read_instances(target, VOID_POINTER, (), threads, places, "passive", lives=lives)
        assert [(one.state, one.flags, one.value, one.text, one.reason) for one in found] == [
            (State.SET, (Flag.CONSTRUCTED,), BASE + 0x100, "(void *) 0x10100", None),
            (State.DESTROYED, (), None, "", "gone"),
            (State.NOT_CONSTRUCTED, (), None, "", "not yet"),
        ]
        alive = read_instances(target, VOID_POINTER, (), threads, places, "passive", lives=[None] * 3)
        assert [one.flags for one in alive] == [(Flag.SHARED,), (Flag.SHARED,), ()]

    @pytest.mark.parametrize(
        ("kind", "reason"), [("core", "the page at 0x12000 is not in the core"), ("live", "0x12000 cannot be read")]
    )
    def test_unreadable(self, target: FakeTarget, kind: str, reason: str) -> None:
        target.kind = kind
        (found,) = read(target, VOID_POINTER, BASE + 0x2000)
        assert (found.state, found.address, found.value, found.reason) == (
            State.UNREADABLE, BASE + 0x2000, None, reason
        )  # fmt: skip

    def test_value_that_ends_in_a_hole(self, target: FakeTarget) -> None:
        assert read(target, VOID_POINTER, BASE + 0x2000 - 4)[0].state is State.UNREADABLE

    @pytest.mark.parametrize(
        "kind",
        [
            INTEGER,
            Type("bool", Kind.BOOLEAN, 1),
            Type("double", Kind.FLOAT, 8),
            Type("char", Kind.CHARACTER, 1),
            Type("color", Kind.ENUM, 4, enumerators={1: "red"}),
            Type("point", Kind.AGGREGATE, 16),
        ],
    )
    def test_zero_is_not_null(self, target: FakeTarget, kind: Type) -> None:
        assert read(target, kind, BASE)[0].state is State.SET

    def test_order_and_number_are_the_threads(self, target: FakeTarget) -> None:
        places: list[Place] = [BASE, Absence(State.UNRESOLVED, "x"), BASE + 8, BASE + 0x9000, BASE + 16]
        assert [one.thread.num for one in read(target, VOID_POINTER, *places)] == [1, 2, 3, 4, 5]

    def test_no_threads(self, target: FakeTarget) -> None:
        assert read(target, VOID_POINTER) == []


class TestOwners:
    def test_is_null_by_the_owned_pointer(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 0x1111, 0)
        target.memory.put(BASE + 16, 0, BASE)
        found = read(target, OWNER, BASE, BASE + 16)
        assert [one.state for one in found] == [State.NULL, State.SET]
        assert [one.value for one in found] == [None, None], "not a pointer itself"

    def test_shares_by_the_owned_pointer(self, target: FakeTarget) -> None:
        for at in (0, 16, 32):
            target.memory.put(BASE + at, at, BASE + 0x100 if at else BASE + 0x200)
        found = read(target, OWNER, BASE, BASE + 16, BASE + 32)
        assert [one.flags for one in found] == [(), (Flag.SHARED,), (Flag.SHARED,)]

    def test_initial_image(self, target: FakeTarget) -> None:
        assert is_null(OWNER, bytes(16), target)
        assert is_null(VOID_POINTER, bytes(8), target)
        assert not is_null(VOID_POINTER, b"\0\0\0\1" + bytes(4), target)
        assert not is_null(INTEGER, bytes(4), target)


class TestFlags:
    def test_shared(self, target: FakeTarget) -> None:
        for index, value in enumerate([0x100, 0x200, 0x100, 0, 0]):
            target.memory.put(BASE + 8 * index, BASE + value if value else 0)
        found = read(target, VOID_POINTER, *(BASE + 8 * index for index in range(5)))
        assert [one.flags for one in found] == [(Flag.SHARED,), (), (Flag.SHARED,), (), ()], "nulls share nothing"

    def test_equal_integers_are_not_shared(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 7, 7)
        assert [one.flags for one in read(target, INTEGER, BASE, BASE + 8)] == [(), ()]

    def test_dangling(self, target: FakeTarget) -> None:
        target.memory.map(0x50000, 0x1000)
        target.memory.leave_out(0x50000)
        target.memory.put(BASE, 0x50000, 0x60000, (1 << 64) - 1)
        found = read(target, VOID_POINTER, BASE, BASE + 8, BASE + 16)
        # What the core left out was mapped: that is not dangling.
        assert [one.flags for one in found] == [(), (Flag.DANGLING,), (Flag.DANGLING,)]
        assert {one.state for one in found} == {State.SET}

    def test_all_at_once_in_order(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 0x60000, 0x60000)
        threads = [Thread(None, None, "", 0x7000, life=Life.EXITED), MAIN]
        found = read_instances(target, VOID_POINTER, (Flag.ASSUMED_POINTER,), threads, [BASE, BASE + 8], "passive")
        assert found[0].flags == (Flag.EXITED, Flag.ASSUMED_POINTER)
        assert found[1].flags == (Flag.ASSUMED_POINTER,), "most likely a number"

    def test_nothing_is_assumed_of_what_was_not_read(self, target: FakeTarget) -> None:
        places = [Absence(State.UNALLOCATED, "x"), 0x999000]
        found = read_instances(target, VOID_POINTER, (Flag.ASSUMED_POINTER,), [MAIN, MAIN], places, "passive")
        assert [one.flags for one in found] == [(), ()]


class TestScalars:
    @pytest.mark.parametrize(
        ("kind", "raw", "value", "text"),
        [
            (INTEGER, b"\xff\xff\xff\xff", -1, "-1"),
            (Type("unsigned", Kind.INTEGER, 4), b"\xff\xff\xff\xff", 4294967295, "4294967295"),
            (Type("short", Kind.INTEGER, 2, is_signed=True), b"\0\x80", -32768, "-32768"),
            (Type("__int128", Kind.INTEGER, 16, is_signed=True), b"\0" * 15 + b"\x80", -(1 << 127), str(-(1 << 127))),
            (Type("bool", Kind.BOOLEAN, 1), b"\1", True, "true"),
            (Type("bool", Kind.BOOLEAN, 1), b"\0", False, "false"),
            (Type("bool", Kind.BOOLEAN, 1), b"\x80", True, "true"),
            (Type("char", Kind.CHARACTER, 1, is_signed=True), b"a", 97, "97 'a'"),
            (Type("char", Kind.CHARACTER, 1, is_signed=True), b"\x80", -128, r"-128 '\200'"),
            (Type("char", Kind.CHARACTER, 1), b"\x1b", 27, r"27 '\033'"),
            (Type("char", Kind.CHARACTER, 1), b"\0", 0, r"0 '\000'"),
            (Type("color", Kind.ENUM, 4, enumerators={2: "green"}), b"\2\0\0\0", 2, "green"),
            (Type("color", Kind.ENUM, 4, enumerators={2: "green"}), b"\3\0\0\0", 3, "(green | unknown: 0x1)"),
            (Type("color", Kind.ENUM, 4, enumerators={3: "green"}), b"\4\0\0\0", 4, "4"),
            (Type("flags", Kind.ENUM, 4, enumerators={0: "none", 1: "a", 4: "c"}), b"\5\0\0\0", 5, "(a | c)"),
            (Type("color", Kind.ENUM, 4, True, enumerators={-1: "none"}), b"\xff" * 4, -1, "none"),
            (Type("double", Kind.FLOAT, 8), struct.pack("<d", -1.5), -1.5, "-1.5"),
            (Type("float", Kind.FLOAT, 4), struct.pack("<f", 0.5), 0.5, "0.5"),
            (
                Type("float", Kind.FLOAT, 4),
                struct.pack("<f", 0.1),
                struct.unpack("<f", struct.pack("<f", 0.1))[0],
                "0.1",
            ),
            (Type("char16_t", Kind.CHARACTER, 2), b"\xe9\0", 0xE9, "233 u'é'"),
            (Type("const wchar_t", Kind.CHARACTER, 4, is_signed=True), b"\0\xd8\0\0", 0xD800, r"55296 L'\xd800'"),
            (Type("double", Kind.FLOAT, 8), struct.pack("<d", math.inf), math.inf, "inf"),
        ],
    )
    def test_text(self, target: FakeTarget, kind: Type, raw: bytes, value: object, text: str) -> None:
        found = read_bytes(target, kind, raw)
        assert (found.value, found.text) == (value, text)
        assert type(found.value) is type(value)

    def test_not_a_number(self, target: FakeTarget) -> None:
        found = read_bytes(target, Type("double", Kind.FLOAT, 8), struct.pack("<d", math.nan))
        assert found.text == "nan"

    def test_long_double_is_the_debuggers(self, target: FakeTarget) -> None:
        kind = Type("long double", Kind.FLOAT, 16, debugger_type="long double")
        found = read_bytes(target, kind, b"\1" * 16)
        assert (found.value, found.text) == (None, "{long double " + "01" * 16 + "}")

    def test_big_endian(self) -> None:
        target = FakeTarget(architecture("s390x"))
        target.memory.map(BASE, 0x1000)
        assert read_bytes(target, INTEGER, b"\0\0\1\2").value == 0x102
        assert read_bytes(target, VOID_POINTER, b"\0\0\0\0\0\1\0\0").value == 0x10000
        assert read_bytes(target, Type("double", Kind.FLOAT, 8), struct.pack(">d", 2.5)).value == 2.5

    def test_aggregate(self, target: FakeTarget) -> None:
        target.memory.write(BASE, b"\1\2\3\4")
        known = Type("point", Kind.AGGREGATE, 4, debugger_type="point")
        assert read(target, known, BASE)[0].text == "{point 01020304}"
        assert read(target, Type("4 bytes", Kind.AGGREGATE, 4), BASE)[0].text == "01 02 03 04"
        assert read(target, Type("20 bytes", Kind.AGGREGATE, 20), BASE)[0].text.endswith(" 00 ...")


class TestPointers:
    def test_string(self, target: FakeTarget) -> None:
        target.memory.put(BASE, BASE + 0x100)
        target.memory.write(BASE + 0x100, b"hello\0world")
        assert read(target, POINTER, BASE)[0].text == '(char *) 0x10100 "hello"'

    def test_string_that_cannot_be_read(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 0x60000)
        assert read(target, POINTER, BASE)[0].text == "(char *) 0x60000"

    def test_function(self, target: FakeTarget) -> None:
        kind = Type("void (*)()", Kind.POINTER, 8, points_to="function")
        target.memory.put(BASE, 0x401000, 0x402000)
        target.names = {0x401000: "handler"}
        found = read(target, kind, BASE, BASE + 8)
        assert [one.text for one in found] == ["(void (*)()) 0x401000 <handler>", "(void (*)()) 0x402000"]

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            (b"hello\0", ' "hello"'),
            (b"\0", ' ""'),
            (b"x" * 40 + b"\0", f' "{"x" * 40}"'),
            (b"x" * 41 + b"\0", f' "{"x" * 40}"... length 41'),
            (b"a\nb\x1b[31m\0", r' "a\nb\x1b[31m"'),
            (b'say "hi" \\\0', r' "say \"hi\" \\"'),
            (b"\xc3\xa9t\xc3\xa9\0", ' "été"'),
            (b"\xff\xfe\0", r' "\xff\xfe"'),
            (b"x" * 39 + b"\xc3\xa9\0", f' "{"x" * 39}\\xc3"... length 41'),
        ],
    )
    def test_preview(self, target: FakeTarget, text: bytes, shown: str) -> None:
        target.memory.write(BASE + 5, text)
        assert preview(BASE + 5, target) == shown

    def test_preview_at_the_end_of_memory(self, target: FakeTarget) -> None:
        target.memory.write(BASE + 0x2000 - 3, b"ab\0")
        assert preview(BASE + 0x2000 - 3, target) == ' "ab"'
        target.memory.write(BASE + 0x2000 - 3, b"abc")
        assert preview(BASE + 0x2000 - 3, target) == ' "abc"...', "cut off by the end"
        assert preview(BASE + 0x2000, target) == ""

    def test_escape_shows_the_byte(self) -> None:
        """A byte that is no UTF-8 is shown as C writes it, with one backslash."""
        assert escape(b"\xff") == r"\xff"


class TestPath:
    def test_members(self, target: FakeTarget) -> None:
        path = Path(".a", (Step(None, 8, "v"), Step(None, 4, "v.a")), INTEGER)
        absent = Absence(State.UNALLOCATED, "x")
        assert follow(target, path, [BASE, absent]) == [BASE + 12, absent]

    def test_pointers(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 0, BASE + 0x100)
        target.memory.put(BASE + 0x118, BASE + 0x200)
        path = Path("->a->b", (Step(8, 0x18, "v"), Step(0, 0x20, "v->a")), INTEGER)
        assert follow(target, path, [BASE]) == [BASE + 0x220]

    def test_null_on_the_way(self, target: FakeTarget) -> None:
        target.memory.put(BASE, BASE + 0x100, 0)
        path = Path("->a->b", (Step(0, 0x18, "v"), Step(0, 0x20, "v->a")), INTEGER)
        found = follow(target, path, [BASE, BASE + 8])
        assert found == [Absence(State.NULL, "v->a is null"), Absence(State.NULL, "v is null")]
        assert read(target, INTEGER, *found)[0][1:] == (State.NULL, (), None, None, "", "passive", "v->a is null")

    def test_unreadable_on_the_way(self, target: FakeTarget) -> None:
        target.memory.put(BASE, 0x60000)
        path = Path("->a->b", (Step(0, 0x18, "v"), Step(0, 0, "v->a")), INTEGER)
        assert follow(target, path, [BASE]) == [Absence(State.UNREADABLE, "v->a at 0x60018 cannot be read")]


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_untyped(pointer_size: int) -> None:
    pointer = (Type("void *", Kind.POINTER, pointer_size), (Flag.ASSUMED_POINTER,))
    assert untyped(pointer_size, pointer_size) == pointer
    assert untyped(0, pointer_size) == pointer
    assert untyped(1, pointer_size) == (Type("1-byte integer", Kind.INTEGER, 1), ())
    assert untyped(4, pointer_size, "errno") == (Type("int", Kind.INTEGER, 4, is_signed=True), ())
    assert untyped(24, pointer_size) == (Type("24 bytes", Kind.AGGREGATE, 24), ())


def test_a_common_block_is_no_pointer() -> None:
    """Two integers of Fortran's `common /blk/`, of which no debug information is left."""
    assert untyped(8, 8, "blk_") == (Type("8 bytes", Kind.AGGREGATE, 8), ())
    assert untyped(8, 8, "blk")[1] == (Flag.ASSUMED_POINTER,)
