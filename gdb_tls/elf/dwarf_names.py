"""Variables by their names in the debug information, for those of which it does not say where they are.

Compilers for AArch64 leave the locations of all thread-local variables out. Where a file has any, a variable without
one is another of that name, which was optimised away.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from gdb_tls.elf.dwarf import AT_DECLARATION, AT_LOCATION, TAG_NAMESPACE, TAG_VARIABLE, BadDwarf, Entry
from gdb_tls.elf.dwarf_files import DwarfFiles

# A short name is the end of many strings, and its offset in them may be equal to anything.
MOST_PLACES = 1000
BLOCKS = (0x2E, 0x0B, 0x1D)  # DW_TAG_subprogram, DW_TAG_lexical_block, DW_TAG_inlined_subroutine


def variables_called(dwarf: DwarfFiles, name: str) -> Iterator[Entry]:
    """The entries of variables outside of functions that have this name and no location, as nothing there has one."""
    if not dwarf.has_places:
        yield from _without_place(dwarf, name)


def is_left_out(dwarf: DwarfFiles, name: str) -> bool:
    """Whether a variable of this name is defined and was optimised away: it has no location where others have one."""
    return dwarf.has_places and any(AT_DECLARATION not in one.attributes for one in _without_place(dwarf, name))


def _without_place(dwarf: DwarfFiles, name: str) -> Iterator[Entry]:
    seen: set[int] = set()
    for position in _mentions(dwarf, name.encode()):
        try:
            start, parents = dwarf.locate(position)
            found = dwarf.entry(start)
            inside = any(dwarf.entry(one).tag in BLOCKS for one in parents)
        except (BadDwarf, IndexError, ValueError):
            continue
        if start not in seen and found.tag == TAG_VARIABLE and found.name == name:
            seen.add(start)
            if AT_LOCATION not in found.attributes and not inside:
                yield found


def _inside(dwarf: DwarfFiles, holder: Entry, name: bytes) -> Iterator[int]:
    """The places of variables of a name in a unit, and in its namespaces."""
    for one in dwarf.children(holder):
        if one.tag == TAG_VARIABLE and one.name.encode() == name:
            yield one.offset
        elif one.tag == TAG_NAMESPACE:
            yield from _inside(dwarf, one, name)


def _mentions(dwarf: DwarfFiles, name: bytes) -> Iterator[int]:
    """The places in the debug information that may speak of a name: with the text itself, or where it stands."""
    text = re.escape(name + b"\0")
    offsets = [match.start() for _, match in zip(range(MOST_PLACES), re.finditer(text, dwarf.strings))]
    forms = [text, *(re.escape(struct.pack(dwarf.order + "I", one)) for one in offsets if one < 1 << 32)]
    for unit in dwarf.units_that_index(frozenset(offsets)):  # entries have the text's number in their unit's table
        yield from _inside(dwarf, dwarf.entry(dwarf.base + unit.first), name)
    for form in forms:
        for _, match in zip(range(MOST_PLACES), re.finditer(form, dwarf.info, re.DOTALL)):
            yield match.start()
