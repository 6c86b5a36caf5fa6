"""Bounds of arrays, and types that are ranges of others, of languages whose compilers the tests do not need, too."""

from __future__ import annotations

from typing import Any

import pytest

from gdb_tls.elf.dwarf import AT_LANGUAGE, AT_TYPE, Entry
from gdb_tls.hosts.direct.expressions import value_of
from gdb_tls.hosts.native.dwarf_arrays import AT_COUNT, AT_LOWER, AT_UPPER, TAG_SUBRANGE
from gdb_tls.hosts.native.dwarf_types import AT_SIZE, TAG_ARRAY, TAG_BASE, TAG_TYPEDEF, DwarfType
from gdb_tls.hosts.native.not_laid_out import NotLaidOut

C, ADA, FORTRAN = 0x0C, 0x0D, 0x08
INTEGER = Entry(1, TAG_BASE, {AT_SIZE: 4}, 0, 0)


class Unit:
    """A unit of a language, with the entries that a test gives it, by their offsets; those of the last are children."""

    def __init__(self, language: int, *entries: Entry, referring: tuple[int, ...] = ()) -> None:
        self.language = language
        self.entries = {one.offset: one for one in (INTEGER, *entries)}
        self.referring = referring

    def entry(self, offset: int) -> Entry:
        return self.entries[offset]

    def children(self, parent: Entry) -> list[Entry]:
        return [one for one in self.entries.values() if one.offset > 100] if parent.tag == TAG_ARRAY else []

    def unit_entry(self, offset: int) -> Entry:
        return Entry(0, 0x11, {AT_LANGUAGE: self.language}, 0, 0)

    def refers(self, entry: Entry, attribute: int) -> bool:
        return attribute in self.referring

    def address_size(self, offset: int) -> int:
        return 8


def array(language: int, *bounds: dict[int, Any], referring: tuple[int, ...] = ()) -> DwarfType:
    dimensions = [Entry(101 + number, TAG_SUBRANGE, one, 0, 0) for number, one in enumerate(bounds)]
    entry = Entry(2, TAG_ARRAY, {AT_TYPE: 1}, 3, 0)
    return DwarfType(Unit(language, entry, *dimensions, referring=referring), entry)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "bounds", "counts", "size"),
    [
        (C, [{AT_UPPER: 4}], [5], 20),
        (C, [{AT_COUNT: 3}], [3], 12),
        (C, [{AT_UPPER: (1 << 64) - 1}], [0], 0),
        (C, [{}], [0], 0),
        (ADA, [{AT_UPPER: 4}], [4], 16),
        (ADA, [{AT_LOWER: -2, AT_UPPER: 1}], [4], 16),
        (ADA, [{AT_LOWER: 5, AT_UPPER: 2}], [0], 0),
        (FORTRAN, [{AT_UPPER: 2}, {AT_UPPER: 3}], [3, 2], 24),  # columns lie side by side
        (C, [{AT_UPPER: 1}, {AT_UPPER: 2}], [2, 3], 24),
    ],
)
def test_bounds(language: int, bounds: list[dict[int, Any]], counts: list[int], size: int) -> None:
    found = array(language, *bounds)
    assert (found.counts, found.size) == (counts, size)


def test_a_bound_that_another_entry_has_is_not_known() -> None:
    """The number there is that entry's offset, and no number of elements."""
    assert array(ADA, {AT_UPPER: 77}, referring=(AT_UPPER,)).dimensions[0].length is None
    assert array(ADA, {AT_UPPER: 77}).dimensions[0].length == 77


@pytest.mark.parametrize(("own", "size"), [({}, 4), ({AT_SIZE: 1}, 1)])
def test_a_range_is_what_it_is_a_range_of(own: dict[int, int], size: int) -> None:
    """Ada's and Pascal's; it may take less room than what it is a range of."""
    small = Entry(2, TAG_SUBRANGE, {AT_TYPE: 1, **own}, 0, 0)
    named = Entry(3, TAG_TYPEDEF, {AT_TYPE: 2}, 0, 0)
    unit = Unit(ADA, small, named)
    for entry in (small, named):
        found = DwarfType(unit, entry)  # type: ignore[arg-type]
        assert (found.bare.entry, found.size) == (INTEGER, size)


def test_expressions() -> None:
    """`DW_OP_push_object_address; plus_uconst 8; deref; lit0; ne`, and what is damaged or not known."""
    assert value_of(bytes([0x97, 0x23, 8, 0x06, 0x30, 0x2E]), 16, {24: 5}.__getitem__, True, 8, begins=False) == 1
    assert value_of(bytes([0x97, 0x06, 0x97, 0x23, 8, 0x06, 0x1E]), 16, {16: 3, 24: 5}.get, True, 8, begins=False) == 15  # type: ignore[arg-type]
    assert value_of(bytes([0x31, 0x16, 0x1C]), 16, int, True, 8) == (1 - 16) & (1 << 64) - 1
    for code in (b"\x06", b"\x97\x22", b"\xff"):
        with pytest.raises(NotLaidOut):
            value_of(code, 0, int, True, 8, begins=False)
