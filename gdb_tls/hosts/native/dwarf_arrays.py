"""How arrays lie in memory (DWARF 5, 5.5): with bounds, in the order of their language, or behind a descriptor."""

from __future__ import annotations

from typing import Union

from gdb_tls.elf.dwarf import AT_LANGUAGE, Dwarf, Entry
from gdb_tls.tuples import NamedTuple

TAG_SUBRANGE = 0x21
AT_ORDERING, AT_LOWER, AT_UPPER, AT_COUNT, AT_BYTE_STRIDE = 0x09, 0x22, 0x2F, 0x37, 0x51
AT_ALLOCATED, AT_ASSOCIATED, AT_DATA_LOCATION = 0x4E, 0x4F, 0x50
COLUMN_MAJOR = 1  # DW_ORD_col_major
# DWARF 5, table 7.17, and what later compilers add: Fortran 77, 90, 2003, 2008, 2018.
FORTRAN = (0x07, 0x08, 0x22, 0x23, 0x2D)
# Whose arrays begin with 1 where nothing else is said: Fortran; Ada 83, 95, 2005, 2012; COBOL, Pascal, Modula-2, PL/I.
FROM_ONE = (*FORTRAN, 0x03, 0x0D, 0x2E, 0x2F, 0x05, 0x06, 0x09, 0x0A, 0x0F)
# An unsigned -1, of an array that has no length of its own.
UNKNOWN = ((1 << 64) - 1, (1 << 32) - 1)

Bound = Union[int, bytes, None]


class Dimension(NamedTuple):
    """One dimension of an array: numbers, or the expressions by which they are computed of the array's address.

    Attributes:
        lower: the first index; None where it is not known.
        upper: the last; None where it is not known.
        number: how many; None where nothing says it but the bounds.
        stride: bytes from one element to the next; None where they lie side by side.
    """

    lower: Bound
    upper: Bound
    number: Bound
    stride: Bound

    @property
    def length(self) -> int | None:
        """How many elements there are; None where it is not known before the program runs."""
        if self.number is not None:
            return self.number if isinstance(self.number, int) else None
        if not isinstance(self.lower, int) or not isinstance(self.upper, int) or self.upper in UNKNOWN:
            return None
        return max(self.upper - self.lower + 1, 0)


def language_of(dwarf: Dwarf, entry: Entry) -> int:
    """DW_LANG_... of the unit that has an entry; 0 where it says none."""
    found = dwarf.unit_entry(entry.offset).attributes.get(AT_LANGUAGE)
    return found if isinstance(found, int) else 0


def dimensions(dwarf: Dwarf, array: Entry) -> list[Dimension]:
    """The dimensions of an array, that of which the elements are farthest from each other first."""
    language = language_of(dwarf, array)
    found = [_dimension(dwarf, one, language) for one in dwarf.children(array) if one.tag == TAG_SUBRANGE]
    ordering = array.attributes.get(AT_ORDERING, COLUMN_MAJOR if language in FORTRAN else 0)
    return found[::-1] if ordering == COLUMN_MAJOR else found


def _dimension(dwarf: Dwarf, one: Entry, language: int) -> Dimension:
    def of(attribute: int, default: Bound = None) -> Bound:
        value = one.attributes.get(attribute, default)
        if isinstance(value, tuple):
            return dwarf.block(one, value)
        # The number of elements may be that of a variable, of which only the entry is known here.
        is_other = isinstance(value, int) and attribute in one.attributes and dwarf.refers(one, attribute)
        return None if is_other else value

    return Dimension(of(AT_LOWER, int(language in FROM_ONE)), of(AT_UPPER), of(AT_COUNT), of(AT_BYTE_STRIDE))


def is_behind_descriptor(array: Entry) -> bool:
    """Whether the elements are elsewhere, and the variable only says where: Fortran's pointers and allocatables."""
    return any(one in array.attributes for one in (AT_DATA_LOCATION, AT_ALLOCATED, AT_ASSOCIATED))
