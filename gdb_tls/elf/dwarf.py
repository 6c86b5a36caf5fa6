"""DWARF's entries, as far as thread-local variables and their types need them (DWARF 5, section 7; versions 2 to 5).

Nothing is indexed: a variable is found by the bytes of its location, which say the place in the block, and its unit is
walked to it.  So a library of a hundred megabytes costs a search through its bytes.

Several files may belong together (`elf.dwarf_files`): their entries have offsets of one space, each file's from a
multiple of `PART` on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator
from functools import cached_property
from typing import Any

from gdb_tls.elf.file import ElfFile
from gdb_tls.tuples import NamedTuple

# Tags and attributes that are asked for.
TAG_CLASS, TAG_STRUCT, TAG_UNION, TAG_NAMESPACE, TAG_VARIABLE, TAG_MEMBER = 0x02, 0x13, 0x17, 0x39, 0x34, 0x0D
AT_SIBLING, AT_LOCATION, AT_NAME, AT_TYPE, AT_LANGUAGE = 0x01, 0x02, 0x03, 0x49, 0x13
AT_DECL_FILE, AT_DECL_LINE, AT_SPECIFICATION, AT_ORIGIN = 0x3A, 0x3B, 0x47, 0x31
AT_STMT_LIST, AT_STR_OFFSETS_BASE, AT_SIGNATURE, AT_DECLARATION = 0x10, 0x72, 0x69, 0x3C
FORM_IMPLICIT, FORM_INDIRECT = 0x21, 0x16

# Bytes of the forms that have a fixed number of them.
FIXED = {
    **{0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x0C: 1, 0x19: 0, FORM_IMPLICIT: 0},
    **{0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x20: 8, 0x1C: 4, 0x24: 8},
    **{0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4},
}
# By the width of the format: strp, line_strp, sec_offset, strp_sup, GNU_ref_alt, GNU_strp_alt.
OF_FORMAT = (0x0E, 0x1F, 0x17, 0x1D, 0x1F20, 0x1F21)
BLOCKS = {0x0A: 1, 0x03: 2, 0x04: 4}
LEB = (0x0F, 0x0D, 0x15, 0x1A, 0x1B, 0x22, 0x23, 0x1F01, 0x1F02)
STRINGS_BY_INDEX = (0x1A, 0x1F02, 0x25, 0x26, 0x27, 0x28)
REFERENCES = (0x11, 0x12, 0x13, 0x14, 0x15)
# What is in the file that dwz has moved common parts to: ref_sup4, ref_sup8, GNU_ref_alt; strp_sup, GNU_strp_alt.
REFERENCES_ELSEWHERE, STRINGS_ELSEWHERE = (0x1C, 0x24, 0x1F20), (0x1D, 0x1F21)
MOST_ENTRIES = 20_000_000
PART = 1 << 48
COMMON = 1  # the part that is dwz's common file
TYPES = 1 << 14  # and, added to another part's number, its .debug_types
# DW_FORM_ref_sig8; a signature that no unit here has stands for itself, in a tuple, which is no offset.
BY_SIGNATURE = 0x20


class BadDwarf(Exception):
    """The debug information cannot be read here; the text says why."""


class Abbreviation(NamedTuple):
    """One entry of .debug_abbrev.

    Attributes:
        tag: DW_TAG_...
        has_children: whether entries follow that belong to it.
        attributes: (attribute, form, implicit constant).
        size: bytes of an entry behind its code; None where they are not always the same.
    """

    tag: int
    has_children: bool
    attributes: tuple[tuple[int, int, int], ...]
    size: int | None


class Unit(NamedTuple):
    """One unit of .debug_info.

    Attributes:
        start: of its header.
        first: of its first entry.
        end: behind its last entry.
        version: of DWARF.
        address_size: in bytes.
        width: of an offset, 4 or 8.
        abbreviations: where they begin in .debug_abbrev.
        identity: what it and its other half in a .dwo file have in common; 0 for none, or where an attribute says it.
        signature: of a type unit, by which its type is referred to; 0 for other units.
        type: where in a type unit that type is.
    """

    start: int
    first: int
    end: int
    version: int
    address_size: int
    width: int
    abbreviations: int
    identity: int = 0
    signature: int = 0
    type: int = 0


class Entry(NamedTuple):
    """One entry.

    Attributes:
        offset: in .debug_info.
        tag: DW_TAG_...
        attributes: by number; numbers, texts, offsets of other entries, or (start, size) of a block.
        children: where its children begin; 0 for none.
        end: behind its attributes.
    """

    offset: int
    tag: int
    attributes: dict[int, Any]
    children: int
    end: int

    @property
    def name(self) -> str:
        """DW_AT_name; empty for none."""
        found = self.attributes.get(AT_NAME, "")
        return found if isinstance(found, str) else ""


class Dwarf:
    """The debug information of one file."""

    def __init__(self, file: ElfFile, number: int = 0, suffix: str = "", of_types: bool = False) -> None:
        """Reads .debug_info.

        Args:
            file: the file.
            number: of the part that it is of what belongs together.
            suffix: of its sections' names.
            of_types: reads .debug_types instead.
        """
        self.file = file
        self.of_types = of_types
        self._suffix = suffix
        self.base = number * PART
        self.order = "<" if file.byte_order == "little" else ">"
        self.info = self.section(".debug_types" if of_types else ".debug_info")
        self._abbreviations: dict[tuple[int, int, int], dict[int, Abbreviation]] = {}
        self._entries: dict[int, Entry] = {}
        self._string_bases: dict[int, int] = {}

    def section(self, name: str) -> bytes:
        """The bytes of a section; empty for none."""
        return self.file.debug_section(name + self._suffix)

    def part(self, offset: int) -> Dwarf:
        """The file that has the entry at an offset.

        Raises:
            BadDwarf: where it is none of those that are here.
        """
        if offset // PART * PART != self.base:
            raise BadDwarf("an entry is in a file that is not here")
        return self

    @cached_property
    def strings(self) -> bytes:
        """.debug_str."""
        return self.section(".debug_str")

    @cached_property
    def line_strings(self) -> bytes:
        """.debug_line_str."""
        return self.section(".debug_line_str")

    @cached_property
    def _abbreviation_bytes(self) -> bytes:
        return self.section(".debug_abbrev")

    @cached_property
    def _string_offsets(self) -> bytes:
        return self.section(".debug_str_offsets")

    def number(self, at: int, size: int, data: bytes | None = None) -> int:
        """A number of so many bytes."""
        raw = (self.info if data is None else data)[at : at + size]
        if len(raw) < size:
            raise BadDwarf("the debug information ends in the middle")
        return int.from_bytes(raw, "little" if self.order == "<" else "big")

    @cached_property
    def units(self) -> list[Unit]:
        """All units of .debug_info."""
        found: list[Unit] = []
        at = 0
        try:
            while at + 11 < len(self.info):
                unit = self._unit(at)
                if unit.end > len(self.info) or unit.first > unit.end:
                    break
                found.append(unit)
                at = unit.end
        except BadDwarf:
            pass
        return found

    def _unit(self, at: int) -> Unit:
        start, width = at, 4
        length = self.number(at, 4)
        at += 4
        if length == 0xFFFFFFFF:
            length, width = self.number(at, 8), 8
            at += 8
        end = at + length
        version = self.number(at, 2)
        at += 2
        identity = signature = type_at = 0
        if version == 5:
            kind, address_size, abbreviations = self.info[at], self.info[at + 1], self.number(at + 2, width)
            at += 2 + width
            identity = self.number(at, 8) if kind in (4, 5) else 0
            if kind in (2, 6):
                signature, type_at = self.number(at, 8), self.number(at + 8, width)
            at += 8 if kind in (4, 5) else 8 + width if kind in (2, 6) else 0
        elif 2 <= version <= 4:
            abbreviations, address_size = self.number(at, width), self.number(at + width, 1)
            at += width + 1
        else:
            raise BadDwarf(f"its version {version} of DWARF is not known")
        if self.of_types and version == 4:
            signature, type_at = self.number(at, 8), self.number(at + 8, width)
            at += 8 + width
        return Unit(start, at, end, version, address_size, width, abbreviations, identity, signature, type_at)

    def type_of(self, signature: int) -> int | None:
        """The offset of the type that a type unit is for; None where no unit here is."""
        found = self.signatures.get(signature)
        return self.types.type_of(signature) if found is None and self.types else found

    @cached_property
    def signatures(self) -> dict[int, int]:
        """Signature -> offset of the type."""
        return {unit.signature: self.base + unit.start + unit.type for unit in self.units if unit.signature}

    @cached_property
    def types(self) -> Dwarf | None:
        """What DWARF 4 has in .debug_types; None for nothing."""
        found = None if self.of_types else Dwarf(self.file, self.base // PART + TYPES, self._suffix, of_types=True)
        return found if found and found.info else None

    def address_size(self, offset: int) -> int:
        """Of the unit that an entry is in, in bytes."""
        part = self.part(offset)
        return part._unit_of(offset - part.base).address_size

    def unit_entry(self, offset: int) -> Entry:
        """The first entry of the unit that an entry is in."""
        part = self.part(offset)
        return part._entry(part._unit_of(offset - part.base).first)

    def _unit_of(self, offset: int) -> Unit:
        at = bisect_right(self._unit_starts, offset) - 1
        if at < 0 or offset >= self.units[at].end:
            raise BadDwarf("an entry is in no unit")
        return self.units[at]

    @cached_property
    def _unit_starts(self) -> list[int]:
        return [unit.start for unit in self.units]

    def _table(self, unit: Unit) -> dict[int, Abbreviation]:
        key = unit.abbreviations, unit.width, unit.address_size
        if key not in self._abbreviations:
            self._abbreviations[key] = self._read_table(unit)
        return self._abbreviations[key]

    def _read_table(self, unit: Unit) -> dict[int, Abbreviation]:
        found: dict[int, Abbreviation] = {}
        data, at = self._abbreviation_bytes, unit.abbreviations
        while True:
            code, at = leb(data, at)
            if not code:
                return found
            tag, at = leb(data, at)
            children, at = data[at : at + 1] == b"\1", at + 1
            attributes = []
            while True:
                attribute, at = leb(data, at)
                form, at = leb(data, at)
                constant = 0
                if form == FORM_IMPLICIT:
                    constant, at = leb(data, at, signed=True)
                if not attribute and not form:
                    break
                attributes.append((attribute, form, constant))
            sizes = [self._fixed(form, unit) for _, form, _ in attributes]
            size = None if None in sizes else sum(one for one in sizes if one is not None)
            found[code] = Abbreviation(tag, children, tuple(attributes), size)

    def _fixed(self, form: int, unit: Unit) -> int | None:
        if form == 0x01:
            return unit.address_size
        if form == 0x10:
            return unit.address_size if unit.version == 2 else unit.width
        return unit.width if form in OF_FORMAT else FIXED.get(form)

    def _skip(self, form: int, at: int, unit: Unit) -> int:
        """The place behind an attribute's value."""
        fixed = self._fixed(form, unit)
        if fixed is not None:
            return at + fixed
        if form in BLOCKS:
            return at + BLOCKS[form] + self.number(at, BLOCKS[form])
        if form in (0x09, 0x18):
            size, at = leb(self.info, at)
            return at + size
        if form == 0x08:
            return self.info.index(b"\0", at) + 1
        if form in LEB:
            return leb(self.info, at)[1]
        if form == FORM_INDIRECT:
            inner, at = leb(self.info, at)
            return self._skip(inner, at, unit)
        raise BadDwarf(f"the form 0x{form:x} is not known")

    def entry(self, offset: int) -> Entry:
        """The entry at an offset."""
        part = self.part(offset)
        return part._entry(offset - part.base)

    def _entry(self, offset: int) -> Entry:
        if offset not in self._entries:
            unit = self._unit_of(offset)
            code, at = leb(self.info, offset)
            abbreviation = self._table(unit).get(code)
            if abbreviation is None:
                raise BadDwarf("an entry is of no known kind")
            attributes = {}
            for attribute, form, constant in abbreviation.attributes:
                attributes[attribute], at = self._value(form, at, unit, constant)
            children = at if abbreviation.has_children else 0
            self._entries[offset] = Entry(self.base + offset, abbreviation.tag, attributes, children, at)
        return self._entries[offset]

    def _value(self, form: int, at: int, unit: Unit, constant: int) -> tuple[Any, int]:
        if form == FORM_INDIRECT:
            form, at = leb(self.info, at)
        end = self._skip(form, at, unit)
        if form == FORM_IMPLICIT:
            return constant, end
        if form == 0x19:
            return True, end
        if form == 0x08:
            return self.info[at : end - 1].decode(errors="replace"), end
        if form in (0x0E, 0x1F):
            return _text(self.strings if form == 0x0E else self.line_strings, self.number(at, unit.width)), end
        if form in STRINGS_BY_INDEX:
            index = leb(self.info, at)[0] if form in LEB else self.number(at, end - at)
            return self._string_at(index, unit), end
        if form == BY_SIGNATURE:
            signature = self.number(at, 8)
            found = self.type_of(signature)
            return ((signature, 8) if found is None else found), end
        if form in REFERENCES:
            inside = leb(self.info, at)[0] if form == 0x15 else self.number(at, end - at)
            return self.base + unit.start + inside, end
        if form == 0x10:
            return self.base + self.number(at, end - at), end
        if form in REFERENCES_ELSEWHERE:
            return COMMON * PART + self.number(at, end - at), end
        if form in STRINGS_ELSEWHERE:
            return self.common_text(self.number(at, unit.width)), end
        if form == 0x0D:
            return leb(self.info, at, signed=True)[0], end
        if form in LEB:
            return leb(self.info, at)[0], end
        if form in BLOCKS or form in (0x09, 0x18):
            size = self.number(at, BLOCKS[form]) if form in BLOCKS else leb(self.info, at)[0]
            return (end - size, size), end
        return (self.number(at, end - at) if end - at <= 8 else None), end

    def _string_base(self, unit: Unit) -> int:
        """Where the unit's texts begin in .debug_str_offsets; the unit's own entry may have texts before it says so."""
        if unit.start not in self._string_bases:
            # A .dwo file's table begins behind its header, which DWARF 5 brought.
            base = 2 * unit.width if unit.version >= 5 else 0
            code, at = leb(self.info, unit.first)
            for attribute, form, _ in self._table(unit)[code].attributes if code in self._table(unit) else ():
                if attribute == AT_STR_OFFSETS_BASE:
                    base = self.number(at, unit.width)
                at = self._skip(form, at, unit)
            self._string_bases[unit.start] = base
        return self._string_bases[unit.start]

    def _string_at(self, index: int, unit: Unit) -> str:
        base = self._string_base(unit)
        return _text(self.strings, self.number(base + index * unit.width, unit.width, self._string_offsets))

    def units_that_index(self, offsets: Container[int]) -> Iterator[Unit]:
        """The units whose own table of texts (DWARF 5, 7.26) has one at one of these offsets of .debug_str."""
        table = self._string_offsets
        for unit in self.units if table else ():
            base = self._string_base(unit)
            head = base - 8 if unit.width == 4 else base - 16
            if unit.version < 5 or head < 0:
                continue
            end = base - 4 + self.number(head + (unit.width == 8) * 4, unit.width, table)
            places = range(base, min(end, len(table)) - unit.width + 1, unit.width)
            if any(self.number(place, unit.width, table) in offsets for place in places):
                yield unit

    def common_text(self, at: int) -> str | None:
        """A text of the file that dwz has moved common parts to; None where that is not here."""
        return None

    def block(self, entry: Entry, place: tuple[int, int]) -> bytes:
        """The bytes of an attribute that is a block, as `Entry.attributes` has its place."""
        start, size = place
        return bytes(self.part(entry.offset).info[start : start + size])

    def refers(self, entry: Entry, attribute: int) -> bool:
        """Whether an attribute's number is the offset of another entry."""
        part = self.part(entry.offset)
        unit = part._unit_of(entry.offset - part.base)
        known = part._table(unit)[leb(part.info, entry.offset - part.base)[0]].attributes
        return any(number == attribute and form in REFERENCES for number, form, _ in known)

    def text_at(self, at: int) -> str:
        """A text of .debug_str."""
        return _text(self.strings, at)

    def children(self, parent: Entry) -> Iterator[Entry]:
        """The entries that belong to an entry."""
        part = self.part(parent.offset)
        yield from part._children(parent)

    def _children(self, parent: Entry) -> Iterator[Entry]:
        at = parent.children
        end = self._unit_of(parent.offset - self.base).end
        while at and at < end and self.info[at]:
            child = self._entry(at)
            yield child
            at = self._behind(child, end)

    def _behind(self, entry: Entry, end: int) -> int:
        """The place behind an entry and all that belongs to it."""
        if not entry.children:
            return entry.end
        sibling = entry.attributes.get(AT_SIBLING)
        if isinstance(sibling, int) and entry.end < sibling - self.base <= end:
            return sibling - self.base
        at = entry.children
        while at < end and self.info[at]:
            at = self._behind(self._entry(at), end)
        return at + 1

    def locate(self, position: int) -> tuple[int, tuple[int, ...]]:
        """The entry whose bytes hold a position, and its ancestors, outermost first.

        Raises:
            BadDwarf: where there is none.
        """
        part = self.part(position)
        start, parents = part._locate(position - part.base)
        return part.base + start, tuple(part.base + one for one in parents)

    def _locate(self, position: int) -> tuple[int, tuple[int, ...]]:
        unit = self._unit_of(position)
        table, info = self._table(unit), self.info
        at = unit.first
        parents: list[int] = []
        for _ in range(MOST_ENTRIES):
            if at >= unit.end:
                break
            start = at
            code = info[at]
            at += 1
            if code >= 0x80:
                code, at = leb(info, start)
            if not code:
                if len(parents) < 2:
                    break
                parents.pop()
                continue
            abbreviation = table.get(code)
            if abbreviation is None:
                break
            sibling = 0
            if abbreviation.size is not None and not abbreviation.has_children:
                at += abbreviation.size
            else:
                for attribute, form, _ in abbreviation.attributes:
                    if attribute == AT_SIBLING:
                        sibling = self._value(form, at, unit, 0)[0] - self.base
                    at = self._skip(form, at, unit)
            if position < at:
                return start, tuple(parents)
            if abbreviation.has_children:
                if at < sibling <= position:
                    at = sibling
                else:
                    parents.append(start)
        raise BadDwarf("a place in the debug information is in no entry")


def leb(data: bytes, at: int, *, signed: bool = False) -> tuple[int, int]:
    """A number of variable length (LEB128), and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 70:
            raise BadDwarf("a number does not end")
    if signed and byte & 0x40:
        value -= 1 << shift
    return value, at


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at)
    return data[at : end if end >= 0 else len(data)].decode(errors="replace")
