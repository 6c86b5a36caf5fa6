"""gdb's types as plain data, and paths into them."""

from __future__ import annotations

from collections.abc import Container, Iterator

import gdb

from gdb_tls.hosts.gdb import pointed, rust_storage
from gdb_tls.hosts.gdb.fields import is_placed
from gdb_tls.hosts.gdb.selection import LANGUAGE, setting
from gdb_tls.hosts.native.container_types import OWNERS, Holder, container_of, presence_of, witness_of
from gdb_tls.program.type_names import lacks_width, short_type
from gdb_tls.target.facts import Part
from gdb_tls.target.model import Kind, Type

POINTERS = (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
CLASSES = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
DEEPEST = 16


def describe(found: gdb.Type, language: str = "") -> Type:
    """Makes plain data of a gdb type.

    Args:
        found: the type.
        language: of the source file that uses it: C says `struct point *` where C++ says `point *`.
    """
    bare = found.strip_typedefs().unqualified()
    kept = rust_storage.storage_of(bare)
    if kept:
        found = kept[1]
        bare = found.strip_typedefs().unqualified()
    elsewhere = is_elsewhere(bare, language)
    with setting("language", language or LANGUAGE):
        name = short_type(str(found))
    return Type(
        name=name,
        kind=_kind(bare),
        size=gdb.lookup_type("void").pointer().sizeof if elsewhere else bare.sizeof,
        is_signed=_is_signed(bare),
        owner=0 if elsewhere else owner(bare),
        witness=witness(bare),
        presence=presence_of(_holder(bare)) or rust_storage.option_in(bare),
        container=container_of(_holder(bare)),
        points_to=_points_to(bare),
        counted=pointed.counted(bare) if bare.code == gdb.TYPE_CODE_PTR else None,
        enumerators={field.enumval: str(field.name) for field in bare.fields()}
        if bare.code == gdb.TYPE_CODE_ENUM
        else {},
        debugger_type=found,
        language=language,
        storage=kept[0] if kept else None,
        null=_null(bare),
    )


def _holder(bare: gdb.Type) -> Holder[gdb.Type]:
    return Holder(
        name=(bare.name or "") if bare.code == gdb.TYPE_CODE_STRUCT else "",
        type=bare,
        member=lambda kind, name: member(kind.strip_typedefs(), name) or member(kind.strip_typedefs(), name, CLASSES),
        size=lambda kind: int(kind.strip_typedefs().sizeof),
        argument=lambda: bare.template_argument(0),
        word=lambda: int(bare.template_argument(0).pointer().sizeof),
    )


def gdb_type(kind: Type | None) -> gdb.Type:
    """The type as gdb has it; where none is known, what it is taken for: a number of its size, or a `char *`."""
    if kind is None:
        return gdb.lookup_type("char").pointer()
    if kind.debugger_type is not None:
        found: gdb.Type = kind.debugger_type
        return found
    if kind.kind is Kind.POINTER:
        return gdb.lookup_type("void").pointer()
    numbers = {1: "char", 2: "short", 4: "int"}
    sign = "" if kind.is_signed else "unsigned "
    if kind.size in numbers:
        return gdb.lookup_type(sign + numbers[kind.size])
    return gdb.lookup_type("unsigned char").array(kind.size - 1)


def _kind(bare: gdb.Type) -> Kind:
    if bare.code in POINTERS:
        return Kind.POINTER
    if "_BitInt" in (bare.name or "") and bare.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR):
        return Kind.AGGREGATE if lacks_width(bare.name or "") else Kind.INTEGER
    if bare.code == gdb.TYPE_CODE_BOOL:
        return Kind.BOOLEAN
    if bare.code == gdb.TYPE_CODE_ENUM:
        return Kind.ENUM
    if bare.code == gdb.TYPE_CODE_FLT:
        return Kind.FLOAT
    is_character = bare.sizeof == 1 or bare.name in pointed.WIDE
    if bare.code == gdb.TYPE_CODE_CHAR or (bare.code == gdb.TYPE_CODE_INT and is_character):
        return Kind.CHARACTER
    if bare.code == gdb.TYPE_CODE_INT:
        return Kind.INTEGER
    return Kind.AGGREGATE


def _null(bare: gdb.Type) -> bytes:
    """With what a null pointer to a member begins (Itanium C++ ABI, 2.3)."""
    if bare.code == gdb.TYPE_CODE_MEMBERPTR:
        return b"\xff" * bare.sizeof
    return bytes(bare.sizeof // 2) if bare.code == gdb.TYPE_CODE_METHODPTR else b""


def _is_signed(bare: gdb.Type) -> bool:
    if bare.code not in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_ENUM):
        return False
    known = getattr(bare, "is_signed", None)  # since GDB 12
    if known is not None:
        return bool(known)
    if bare.code == gdb.TYPE_CODE_ENUM:
        return any(field.enumval < 0 for field in bare.fields())
    # Of a number of more than 8 bytes GDB makes no Python integer.
    return "unsigned" not in str(bare) if bare.sizeof > 8 else int(gdb.Value(-1).cast(bare)) < 0


def _points_to(bare: gdb.Type) -> str:
    if bare.code not in POINTERS:
        return ""
    target = bare.target().strip_typedefs()
    if target.code == gdb.TYPE_CODE_FUNC:
        return "function"
    if bare.code != gdb.TYPE_CODE_PTR:  # a reference stands for what it refers to
        return "printed"
    if target.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and target.sizeof == 1:
        return "character"
    return "printed" if pointed.is_wide(bare) or pointed.is_printed(bare) else ""


def is_elsewhere(bare: gdb.Type, language: str) -> bool:
    """Whether it is an array whose elements a descriptor tells of, which begins with their address: Fortran's."""
    # Of other languages, too, GDB knows the size of an array with computed bounds only where it is in memory.
    return bool(
        language == "fortran"
        and bare.code == gdb.TYPE_CODE_ARRAY
        and not bare.sizeof
        and getattr(bare, "dynamic", False)
    )


def witness(bare: gdb.Type) -> int | None:
    """See `witness_of`."""
    return witness_of(_holder(bare))


def member(
    holder: gdb.Type, name: str, inside: Container[int] = (gdb.TYPE_CODE_STRUCT,), depth: int = 0
) -> tuple[int, gdb.Type] | None:
    """The offset and type of a member by its name, however deep inside of other members, of some kinds, it is."""
    for field in holder.fields():
        if not is_placed(field) or field.type is None:
            continue
        if field.name == name and not field.is_base_class:
            return field.bitpos // 8, field.type
        inner = field.type.strip_typedefs()
        if inner.code in inside and depth < DEEPEST:
            found = member(inner, name, inside, depth + 1)
            if found:
                return field.bitpos // 8 + found[0], found[1]
    return None


def owner(bare: gdb.Type) -> int | None:
    """The offset of the pointer through which a class owns its storage."""
    if bare.code != gdb.TYPE_CODE_STRUCT or not OWNERS.match(bare.name or ""):
        return None
    pointers = list(_pointers_in(bare, 0))
    if "_ptr<" in (bare.name or ""):
        # A deleter may be a pointer too: the owned one points to the template's first argument.
        owned = str(bare.template_argument(0).strip_typedefs().unqualified())
        pointers = [p for p in pointers if str(p[1].target().strip_typedefs().unqualified()) == owned] or pointers
    return pointers[0][0] if pointers else None


def _pointers_in(bare: gdb.Type, offset: int, depth: int = 0) -> Iterator[tuple[int, gdb.Type]]:
    for field in bare.fields():
        if not is_placed(field) or field.bitsize or depth > DEEPEST:
            continue
        inner = field.type.strip_typedefs()
        at = offset + field.bitpos // 8
        if inner.code == gdb.TYPE_CODE_PTR:
            yield at, inner
        elif inner.code == gdb.TYPE_CODE_STRUCT:
            yield from _pointers_in(inner, at, depth + 1)


def part_at(start: gdb.Type, offset: int) -> Part:
    """Goes from a value into its members and elements, to the innermost at an offset."""
    path, current = "", start
    for _ in range(DEEPEST):
        bare = current.strip_typedefs().unqualified()
        if bare.code == gdb.TYPE_CODE_ARRAY and bare.target().sizeof:
            element = bare.target().strip_typedefs().sizeof
            path += f"[{bare.range()[0] + offset // element}]"
            current, offset = bare.target(), offset % element
        elif bare.code in CLASSES:
            # The last: in the end of a base class, as it is by itself, its virtual bases or this class's members lie.
            holding = [field for field in bare.fields() if _holds(field, offset)]
            # Of those that begin together a member: an empty base class has a size, too.
            inside = max(holding, key=lambda field: (int(field.bitpos), not field.is_base_class), default=None)
            if inside is None:
                is_padding = bool(list(bare.fields())) and not _has_virtual_base(start)
                return Part(path, short_type(str(current)), offset, is_padding)
            offset -= inside.bitpos // 8
            path += f".{inside.name}" if inside.name and not inside.is_base_class else ""
            current = inside.type
        else:
            break
    return Part(path, short_type(str(current)), offset, False)


def _has_virtual_base(kind: gdb.Type, depth: int = 0) -> bool:
    """Whether a class has, itself or through its bases, a base class whose place each object says."""
    bases = [field for field in kind.strip_typedefs().fields() if field.is_base_class] if depth < DEEPEST else []
    return any(not is_placed(base) or (base.type and _has_virtual_base(base.type, depth + 1)) for base in bases)


def _holds(field: gdb.Field, offset: int) -> bool:
    if not is_placed(field):  # a static member
        return False
    start = field.bitpos // 8
    bits = field.bitpos % 8 + field.bitsize
    size = (bits + 7) // 8 if field.bitsize else field.type.strip_typedefs().sizeof
    return bool(start <= offset < start + size)
