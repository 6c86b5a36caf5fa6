"""Types of DWARF as plain data: what kind they are, what they own, where they keep it."""

from __future__ import annotations

from collections.abc import Container, Iterator

from gdb_tls.elf.dwarf import TAG_CLASS, TAG_STRUCT
from gdb_tls.hosts.direct.rust_storage import option_in, storage_of
from gdb_tls.hosts.direct.texts import width_of
from gdb_tls.hosts.native import buffers
from gdb_tls.hosts.native.dwarf_types import (
    ATE_BOOLEAN,
    ATE_FLOAT,
    ATE_UTF,
    CLASSES,
    DEEPEST,
    POINTERS,
    TAG_BASE,
    TAG_ENUM,
    TAG_FUNCTION,
    TAG_MEMBER_POINTER,
    TAG_POINTER,
    WHOLE,
    DwarfType,
)
from gdb_tls.program.scalars import PREFIXES
from gdb_tls.program.type_names import lacks_width, short_type
from gdb_tls.target.model import Counted, Kind, Type


def describe(found: DwarfType, language: str = "") -> Type:
    """Makes plain data of a type.

    Args:
        found: the type.
        language: of the source file that uses it: C says `struct point *` where C++ says `point *`.
    """
    kept = storage_of(found.bare)
    found = kept[1] if kept else found
    bare = found.bare
    described = Type(
        name=short_type(found.written(with_words=language == "c")),
        kind=_kind(bare),
        size=found.size,
        is_signed=found.is_signed,
        owner=0 if bare.is_elsewhere else None,  # an array behind a descriptor begins with where it is
        points_to=_points_to(bare),
        counted=_counted(bare) if bare.tag == TAG_POINTER else None,
        enumerators=bare.enumerators if bare.tag == TAG_ENUM else {},
        debugger_type=found,
        language=language,
        storage=kept[0] if kept else None,
        null=_null(bare),
    )
    return _of_class(described, bare) if bare.tag in (TAG_STRUCT, TAG_CLASS) else described


def _of_class(found: Type, bare: DwarfType) -> Type:
    """With what is known of the classes of libraries: what they own, and where they keep it."""
    from gdb_tls.hosts.native.container_types import OWNERS, Holder, container_of, presence_of, witness_of

    holder = Holder(
        name=bare.qualified,
        type=bare,
        member=lambda kind, name: member(kind.bare, name) or member(kind.bare, name, CLASSES),
        size=lambda kind: kind.size,
        argument=lambda: bare.template_argument() or DwarfType(bare.dwarf, None),
        word=lambda: bare.dwarf.address_size(bare.entry.offset) if bare.entry else 0,
    )
    return found._replace(
        owner=_owner(bare) if OWNERS.match(bare.qualified) else None,
        witness=witness_of(holder),
        presence=presence_of(holder) or option_in(bare),
        container=container_of(holder),
    )


def _kind(bare: DwarfType) -> Kind:
    if bare.tag in POINTERS or bare.is_null_type:
        return Kind.POINTER
    if bare.tag == TAG_ENUM:
        return Kind.ENUM
    if bare.tag != TAG_BASE:
        return Kind.AGGREGATE
    if "_BitInt" in bare.qualified:
        return Kind.AGGREGATE if lacks_width(bare.qualified) else Kind.INTEGER
    if bare.encoding == ATE_BOOLEAN:
        return Kind.BOOLEAN
    if bare.encoding == ATE_FLOAT:
        return Kind.FLOAT
    if bare.encoding not in WHOLE:
        return Kind.AGGREGATE
    if bare.size == 1 or bare.encoding == ATE_UTF or bare.qualified in PREFIXES:
        return Kind.CHARACTER
    return Kind.INTEGER


def _null(bare: DwarfType) -> bytes:
    """With what a null pointer to a member begins (Itanium C++ ABI, 2.3)."""
    if bare.tag != TAG_MEMBER_POINTER:
        return b""
    return bytes(bare.size // 2) if bare.target.bare.tag == TAG_FUNCTION else b"\xff" * bare.size


def _points_to(bare: DwarfType) -> str:
    if bare.tag not in POINTERS:
        return ""
    target = bare.target.bare
    if target.tag == TAG_FUNCTION:
        return "function"
    if bare.tag != TAG_POINTER:  # a reference stands for what it refers to
        return "printed"
    width = width_of(bare.target)
    if width == 1:
        return "character"
    return "printed" if width or (target.tag in CLASSES and _is_printed(target)) else ""


def _is_printed(target: DwarfType) -> bool:
    """Whether a class is one of the C++ library's that are shown as people expect them."""
    if not target.qualified.startswith("std::"):
        return False
    from gdb_tls.hosts.native.library_contents import is_known

    return is_known(target.qualified) and bool(target.members)


def _pointers_in(bare: DwarfType, offset: int, depth: int = 0) -> Iterator[tuple[int, DwarfType]]:
    for one in bare.members if depth <= DEEPEST else ():
        if one.bits is not None:
            continue
        inner = one.type.bare
        if inner.tag == TAG_POINTER:
            yield offset + one.offset, inner
        elif inner.tag in (TAG_STRUCT, TAG_CLASS):
            yield from _pointers_in(inner, offset + one.offset, depth + 1)


def _owner(bare: DwarfType) -> int | None:
    """The offset of the pointer through which a class owns its storage."""
    pointers = list(_pointers_in(bare, 0))
    argument = bare.template_argument()
    if argument is not None:
        # A deleter may be a pointer too: the owned one points to the template's first argument.
        owned = argument.bare.name
        pointers = [one for one in pointers if one[1].target.bare.name == owned] or pointers
    return pointers[0][0] if pointers else None


def member(
    holder: DwarfType, name: str, inside: Container[int] = (TAG_STRUCT, TAG_CLASS), depth: int = 0
) -> tuple[int, DwarfType] | None:
    """The offset and type of a member by its name, however deep inside of other members, of some kinds, it is."""
    for one in holder.members:
        if one.name == name and not one.is_base:
            return one.offset, one.type
        inner = one.type.bare
        if inner.tag in inside and depth < DEEPEST:
            found = member(inner, name, inside, depth + 1)
            if found:
                return one.offset + found[0], found[1]
    return None


def _counted(pointer: DwarfType) -> Counted | None:
    """Where in the structure that it points to a buffer and its length are, by their types and names."""
    target = pointer.target.bare
    if target.tag not in (TAG_STRUCT, TAG_CLASS):
        return None
    texts: dict[str, int] = {}
    lengths: dict[str, tuple[int, int]] = {}
    for name, kind, offset in _named(target, 0):
        bare = kind.bare
        if bare.tag == TAG_POINTER and (
            _is_byte(bare.target) or (name in buffers.BYTES and bare.target.bare.entry is None)
        ):
            texts.setdefault(name, offset)
        elif bare.tag == TAG_BASE and bare.size > 1 and bare.encoding not in (ATE_FLOAT, ATE_BOOLEAN):
            lengths.setdefault(name, (offset, bare.size))
    return buffers.chosen(texts, lengths)


def _named(holder: DwarfType, offset: int, depth: int = 0) -> Iterator[tuple[str, DwarfType, int]]:
    for one in holder.members:
        if one.bits is not None:
            continue
        inner = one.type.bare
        if (one.is_base or not one.name) and inner.tag in (TAG_STRUCT, TAG_CLASS) and depth < buffers.DEEPEST:
            yield from _named(inner, offset + one.offset, depth + 1)
        elif one.name:
            yield buffers.plain_name(one.name), one.type, offset + one.offset


def _is_byte(kind: DwarfType) -> bool:
    return kind.bare.tag == TAG_BASE and kind.bare.size == 1 and kind.bare.encoding != ATE_BOOLEAN
