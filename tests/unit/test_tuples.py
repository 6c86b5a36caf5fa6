"""Tuples whose fields have names: what `typing.NamedTuple` makes, in less time."""

from __future__ import annotations

import pickle
import struct
import sys
import time
import typing
from collections.abc import Callable, Sequence

from gdb_tls.elf.headers import ProgramHeader, program_headers
from gdb_tls.hosts.native.thread_notes import numbered
from gdb_tls.target.facts import Region
from gdb_tls.target.model import Thread
from gdb_tls.tuples import NamedTuple, tuples_of


class Own(NamedTuple):
    """Of the package's."""

    number: int
    names: Sequence[str | None]
    text: str = "text"
    others: Own | None = None

    LARGEST = 7

    def __str__(self) -> str:
        return f"{self.number} {self.text} {self.LARGEST}"

    @property
    def double(self) -> int:
        return 2 * self.number

    @classmethod
    def of(cls, number: int) -> Own:
        return cls(number, ())


class Theirs(typing.NamedTuple):
    """Of the package's."""

    number: int
    names: Sequence[str | None]
    text: str = "text"
    others: Own | None = None

    LARGEST = 7


def test_it_is_what_typing_makes() -> None:
    assert type(Own) is type(Theirs) is type and Own.__mro__[1:] == Theirs.__mro__[1:] == (tuple, object)
    for name in ("_fields", "_field_defaults", "__module__", "__doc__", "__slots__", "LARGEST"):
        assert getattr(Own, name) == getattr(Theirs, name), name
    assert Own.__name__ == Own.__qualname__ == "Own"
    assert list(Own.__annotations__) == list(Theirs.__annotations__)
    assert (Own(1, ["a"]), hash(Own(1, ()))) == (Theirs(1, ["a"]), hash(Theirs(1, ())))
    assert repr(Own(1, ())) == "Own(number=1, names=(), text='text', others=None)"


def test_what_is_in_its_body_is_there() -> None:
    one = Own.of(4)
    assert (one.double, str(one), one._replace(text="x").text) == (8, "4 text 7", "x")
    assert pickle.loads(pickle.dumps(one)) == one and type(pickle.loads(pickle.dumps(one))) is Own


def test_it_is_made_in_less_time() -> None:
    def ours() -> None:
        class One(NamedTuple):
            first: int
            second: Sequence[str | None]
            third: dict[str, int] | None
            fourth: Callable[[int], str]

    def theirs() -> None:
        class One(typing.NamedTuple):
            first: int
            second: Sequence[str | None]
            third: dict[str, int] | None
            fourth: Callable[[int], str]

    def seconds(make: Callable[[], None]) -> float:
        start = time.process_time()
        for _ in range(100):
            make()
        return time.process_time() - start

    # From 3.14 on the types are left alone there, too: then it only has to be no slower than that by far.
    most = 2 if sys.version_info >= (3, 14) else 1
    assert min(map(seconds, [ours] * 5)) < most * min(map(seconds, [theirs] * 5))


def test_many_are_made_as_one_is() -> None:
    """Also where they are made by hand: what a class gets later is not left out there."""
    assert tuples_of(Region, [(1, 2, True, False, "x")]) == [Region(1, 2, True, False, "x")]
    assert numbered([7, 9], {9: 4096}) == [Thread(1, 7, ""), Thread(2, 9, "", 4096)]
    data = struct.pack("<IIQQQQQQ", 1, 6, 64, 4096, 0, 8, 16, 32) + struct.pack(">8I", 1, 64, 4096, 0, 8, 16, 6, 32)
    expected = [ProgramHeader(1, 6, 64, 4096, 8, 16, 32)]
    assert program_headers(data[:56], 8, "<") == program_headers(data[56:], 4, ">") == expected
