"""Where Rust's std::thread_local! keeps a value, and what says whether it is there, out of DWARF."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.elf.dwarf import AT_TYPE, TAG_MEMBER, TAG_STRUCT, Entry
from gdb_tls.hosts.native.dwarf_types import AT_OFFSET, TAG_ENUM, DwarfType
from gdb_tls.hosts.native.rust_types import (
    ALIVE,
    BORROW,
    BORROWED_CELL,
    CELL,
    DEEPEST,
    EAGER,
    IN_CELL,
    IN_OPEN_CELL,
    INNER,
    KEY,
    KNOWN,
    LAZY,
    OPEN_CELL,
    OPTION,
    STATES,
    meaning,
)
from gdb_tls.target.model import Presence, Storage
from gdb_tls.target.protocol import Memory
from gdb_tls.tuples import NamedTuple

# DWARF 5, 5.7.10: an enum of Rust is a structure with a part of which each variant is described.
TAG_VARIANT_PART, TAG_VARIANT, AT_DISCRIMINANT, AT_DISCRIMINANT_VALUE = 0x33, 0x19, 0x15, 0x16


class Field(NamedTuple):
    """A member: where it is, and what it is."""

    offset: int
    type: DwarfType


class Variants(NamedTuple):
    """An enum's variants.

    Attributes:
        tag: the member that says which it is; None where there is one only.
        names: the tag's value -> its name; that of None is it where no other is.
        fields: name -> what it holds.
    """

    tag: Field | None
    names: dict[int | None, str]
    fields: dict[str, Field]


def storage_of(bare: DwarfType) -> tuple[Storage, DwarfType] | None:
    """How a type of std keeps a value, and the value's type; None for all other types."""
    name = bare.qualified if bare.tag == TAG_STRUCT else ""
    if not name.startswith("std::"):
        return None
    place: Field | None = None
    if LAZY.match(name):
        whole, state = _field(bare, "value"), _field(bare, "state")
        if state is not None:
            place = Field(whole.offset, _content(whole.type)) if whole else _alive(state)
        kind = "lazy"
    elif EAGER.match(name):
        whole = _field(bare, "val") or _field(bare, "value")
        place = Field(whole.offset, _content(whole.type)) if whole and _field(bare, "state") else None
        kind = "eager"
    elif KEY.match(name):
        inner = _field(bare, "inner")
        place = _alive(inner) if inner and _field(bare, "dtor_state") else None
        kind = "lazy"
    return (Storage(place.offset, kind, bare), place.type) if place else None


def state_of(storage: Storage, address: int, memory: Memory, byte_order: str) -> str:
    """What the state at an address says; see `meaning`.

    Args:
        storage: how the value is kept.
        address: of all of it.
        memory: the program's.
        byte_order: "little" or "big".

    Raises:
        UnreadableMemory: where it cannot be read.
    """
    reader = VariantReader(memory, byte_order)
    found = (_field(storage.debugger_type, name) for name in STATES)
    return meaning([reader.state(one.type, address + one.offset) for one in found if one], storage.kind)


def option_in(bare: DwarfType) -> Presence | None:
    """Where a type has its Option, in whatever cells; None for other types."""
    at = 0
    for _ in range(DEEPEST):
        if bare.tag != TAG_STRUCT:
            return None
        if OPTION.match(bare.qualified):
            return Presence(at, bare.size, bare)
        inner = inside(bare)
        if inner is None:
            return None
        at, bare = at + inner.offset, inner.type.bare
    return None


def inside(bare: DwarfType) -> Field | None:
    """The member that is a cell's contents; None for what is no cell."""
    if bare.tag != TAG_STRUCT or not OPEN_CELL.match(bare.qualified):
        return None
    return next((Field(one.offset, one.type) for one in bare.members if one.name in IN_OPEN_CELL), None)


def borrow_of(bare: DwarfType) -> Field | None:
    """The number of those who borrow a RefCell's contents; None for what is none."""
    found = _field(bare, BORROW) if BORROWED_CELL.match(bare.qualified) else None
    while found is not None and (inner := inside(found.type.bare)) is not None:
        found = Field(found.offset + inner.offset, inner.type)
    return found


class VariantReader:
    """Tells which variant an enum is.

    Args:
        memory: the program's.
        byte_order: "little" or "big".
    """

    def __init__(self, memory: Memory, byte_order: str) -> None:
        """Reads nothing yet."""
        self._memory = memory
        self._is_little = byte_order == "little"

    def state(self, kind: DwarfType, address: int) -> str:
        """The name of the variant that an enum inside of cells has."""
        for _ in range(DEEPEST):
            bare = kind.bare
            if bare.tag == TAG_ENUM:
                return bare.enumerators.get(self._number(address, bare.size), "").rpartition("::")[2]
            if bare.tag != TAG_STRUCT:
                return ""
            variants = variants_of(bare)
            if variants:
                name = self.variant(variants, address)
                return name if name in KNOWN else ""
            inner = [one for one in bare.members if one.name in INNER]
            if len(inner) != 1:
                return ""
            kind, address = inner[0].type, address + inner[0].offset
        return ""

    def variant(self, variants: Variants, address: int) -> str:
        """The name of the variant that the enum at an address is; empty where none has its tag."""
        tag = variants.tag
        number = self._number(address + tag.offset, tag.type.size) if tag else None
        return variants.names.get(number, variants.names.get(None, ""))

    def _number(self, address: int, size: int) -> int:
        return int.from_bytes(self._memory.read(address, size), "little" if self._is_little else "big")


def _field(holder: DwarfType, name: str) -> Field | None:
    return next((Field(one.offset, one.type) for one in holder.members if one.name == name), None)


def _content(kind: DwarfType) -> DwarfType:
    """What is in a cell."""
    for _ in range(DEEPEST):
        bare = kind.bare
        if not CELL.match(bare.qualified):
            break
        inner = next((one for one in bare.members if one.name in IN_CELL and one.offset == 0), None)
        if inner is None:
            break
        kind = inner.type
    return kind


def _alive(place: Field) -> Field | None:
    """Where the value is in an enum that holds it in one of its variants."""
    for at, variants in _enums(place, 0):
        variant = next((variants.fields[name] for name in ALIVE if name in variants.fields), None)
        content = next(iter(variant.type.bare.members), None) if variant else None
        if variant is not None and content is not None:
            return Field(at + variant.offset + content.offset, content.type)
    return None


def _enums(place: Field, depth: int) -> Iterator[tuple[int, Variants]]:
    bare = place.type.bare
    if bare.tag != TAG_STRUCT or depth > DEEPEST:
        return
    variants = variants_of(bare)
    if variants:
        yield place.offset, variants
    for one in bare.members:
        if one.name in INNER:
            yield from _enums(Field(place.offset + one.offset, one.type), depth + 1)


def variants_of(bare: DwarfType) -> Variants | None:
    """The variants of a structure that is an enum; None for others."""
    entry = bare.entry
    part = next((one for one in bare.dwarf.children(entry) if one.tag == TAG_VARIANT_PART), None) if entry else None
    if part is None:
        return None
    at = part.attributes.get(AT_DISCRIMINANT)
    tag = _member(bare, bare.dwarf.entry(at)) if isinstance(at, int) else None
    mask = (1 << 8 * tag.type.size) - 1 if tag else 0
    names: dict[int | None, str] = {}
    fields: dict[str, Field] = {}
    for variant in bare.dwarf.children(part):
        if variant.tag != TAG_VARIANT:
            continue
        value = variant.attributes.get(AT_DISCRIMINANT_VALUE)
        for child in bare.dwarf.children(variant):
            field = _member(bare, child) if child.tag == TAG_MEMBER else None
            if field is not None:
                names[value & mask if isinstance(value, int) else None] = child.name
                fields[child.name] = field
    return Variants(tag, names, fields)


def _member(holder: DwarfType, entry: Entry) -> Field | None:
    at, offset = entry.attributes.get(AT_TYPE), entry.attributes.get(AT_OFFSET, 0)
    if not isinstance(at, int) or not isinstance(offset, int):
        return None
    return Field(offset, DwarfType(holder.dwarf, holder.dwarf.entry(at)))
