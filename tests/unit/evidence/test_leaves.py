"""What a value's source comes down to: variables, the members on the way, what is not known."""

from __future__ import annotations

import pytest

from gdb_tls.evidence.leaves import Leaf, leaves
from gdb_tls.evidence.sources import (
    Computed,
    Fixed,
    Held,
    Moved,
    OneOf,
    Source,
    Specific,
    ThreadLocal,
    Word,
    moved,
    one_of,
)

BUFFER = ThreadLocal(2, 0x10)
READ = Word(0x400, BUFFER, 8)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (READ, [Leaf(BUFFER, 0x400)]),
        (Moved(READ, 8), [Leaf(BUFFER, 0x400, added=8)]),
        # buffer->next->length, of which the pointer is asked for: the displacements in the order of the source.
        (Word(0x408, Moved(Word(0x404, Moved(READ, 24), 8), 16), 8), [Leaf(BUFFER, 0x400, path=(24, 16))]),
        (Word(0x404, READ, 4), [Leaf(BUFFER, 0x400, path=(0,))]),
        (Computed(frozenset([READ])), [Leaf(BUFFER, 0x400, computed=True)]),
        (Specific(0x500, 3), [Leaf(Specific(0x500, 3), 0x500)]),
        (Word(0x404, Fixed(0x6000), 8), [Leaf(None, 0x404, fixed=0x6000)]),
        (Fixed(0), [Leaf(None, fixed=0)]),
        (Held(7), [Leaf(None, number=7)]),
        (Moved(Held(7), 8), [Leaf(None, number=15)]),
        (Word(0x404, Held(7), 4), [Leaf(None, width=4)]),
        (None, [Leaf(None)]),
    ],
)
def test_leaves(source: Source | None, expected: list[Leaf]) -> None:
    assert list(leaves(source)) == expected


def test_alternatives_have_a_leaf_each() -> None:
    assert set(leaves(one_of(READ, None, Fixed(0)))) == {Leaf(BUFFER, 0x400), Leaf(None), Leaf(None, fixed=0)}


def test_what_is_not_known_has_the_width_of_what_it_may_be_besides() -> None:
    index = Word(0x404, Held(0x7000), 4)
    found = set(leaves(Computed(frozenset([READ, one_of(index, None)]))))
    assert found == {Leaf(BUFFER, 0x400, computed=True), Leaf(None, width=4, computed=True)}


def test_one_of_equals_is_itself() -> None:
    assert one_of(READ, READ) == READ
    assert one_of(one_of(READ, None), READ) == OneOf(frozenset([READ, None]))
    assert one_of() is None


def test_moving_back_and_forth() -> None:
    assert moved(BUFFER, 8) == ThreadLocal(2, 0x18)
    assert moved(Fixed(8), -16) == Fixed((1 << 64) - 8)
    assert moved(one_of(BUFFER, Fixed(0)), 8) == one_of(ThreadLocal(2, 0x18), Fixed(8))
    assert moved(None, 8) is None
