"""gdb's types as plain data, and paths into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext

import gdb

from gdb_tls.errors import BadPath
from gdb_tls.hosts.gdb import pointed
from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.target.model import Kind, Path, Step, Type
from gdb_tls.target.protocol import Part

POINTERS = (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
CLASSES = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
# Classes that own storage through one pointer; that it is null means they own nothing.
OWNERS = re.compile(
    r"^(std::(__\w+::)?(unique_ptr|shared_ptr|weak_ptr|basic_string|vector)|boost::(shared|scoped|intrusive)_ptr)<"
)
DEEPEST = 16


def describe(found: gdb.Type, file: str = "") -> Type:
    """Makes plain data of a gdb type.

    Args:
        found: the type.
        file: the source file that uses it: C says `struct point *` where C++ says `point *`.
    """
    language = "c" if file.endswith(".c") else "c++" if re.search(r"\.(cc|cpp|cxx|C|hh|hpp|h)$", file) else ""
    with setting("language", language) if language else nullcontext():
        name = str(found)
    bare = found.strip_typedefs().unqualified()
    return Type(
        name=name,
        kind=_kind(bare),
        size=bare.sizeof,
        is_signed=_is_signed(bare),
        owner=_owner(bare),
        points_to=_points_to(bare),
        counted=pointed.counted(bare) if bare.code == gdb.TYPE_CODE_PTR else None,
        enumerators={field.enumval: str(field.name) for field in bare.fields()}
        if bare.code == gdb.TYPE_CODE_ENUM
        else {},
        debugger_type=found,
    )


def _kind(bare: gdb.Type) -> Kind:
    if bare.code in POINTERS:
        return Kind.POINTER
    if bare.code == gdb.TYPE_CODE_BOOL:
        return Kind.BOOLEAN
    if bare.code == gdb.TYPE_CODE_ENUM:
        return Kind.ENUM
    if bare.code == gdb.TYPE_CODE_FLT:
        return Kind.FLOAT
    if bare.code == gdb.TYPE_CODE_CHAR or (bare.code == gdb.TYPE_CODE_INT and bare.sizeof == 1):
        return Kind.CHARACTER
    if bare.code == gdb.TYPE_CODE_INT:
        return Kind.INTEGER
    return Kind.AGGREGATE


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
    if target.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and target.sizeof == 1:
        return "character"
    return "printed" if pointed.is_wide(bare) or pointed.is_printed(bare) else ""


def _owner(bare: gdb.Type) -> int | None:
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
        if not hasattr(field, "bitpos") or field.bitsize or depth > DEEPEST:
            continue
        inner = field.type.strip_typedefs()
        at = offset + field.bitpos // 8
        if inner.code == gdb.TYPE_CODE_PTR:
            yield at, inner
        elif inner.code == gdb.TYPE_CODE_STRUCT:
            yield from _pointers_in(inner, at, depth + 1)


def compile_path(root: str, start: gdb.Type, text: str, file: str = "") -> Path:
    """Compiles `->field`, `.field` and `[2]` into steps.

    Raises:
        BadPath: where the text or a step does not fit the type.
    """
    current = start
    steps: list[Step] = []
    done = root
    pieces = re.findall(r"->\s*[\w:~]+|\.\s*[\w:~]+|\[\s*-?\w+\s*\]|\S", text)
    for piece in pieces:
        bare = current.strip_typedefs().unqualified()
        match = re.fullmatch(r"(->|\.)\s*(.+)", piece)
        if match and len(piece) > 1:
            step, current = _member(bare, match.group(1), match.group(2), done)
        elif piece.startswith("[") and len(piece) > 1:
            step, current = _element(bare, piece[1:-1].strip(), done)
        else:
            raise BadPath(f"{text} cannot be read as a path", "Use ->field, .field and [index].")
        steps.append(step)
        done += piece
    return Path(text, tuple(steps), describe(current, file))


def _member(bare: gdb.Type, arrow: str, name: str, done: str) -> tuple[Step, gdb.Type]:
    pointer: int | None = None
    holder = bare
    if arrow == "->" or bare.code in POINTERS[1:]:
        pointer, holder = _dereference(bare, done)
    elif bare.code in POINTERS:
        raise BadPath(f"{done} is a pointer ({bare})", f"Use {done}->{name}.")
    if holder.code not in CLASSES:
        raise BadPath(f"{done} is no structure ({bare}), so it has no member {name}")
    found = _field(holder, name)
    if found is None:
        names = ", ".join(_field_names(holder)) or "none"
        raise BadPath(f"{holder} has no member {name}", f"It has: {names}.")
    return Step(pointer, found[0], done), found[1]


def _element(bare: gdb.Type, index: str, done: str) -> tuple[Step, gdb.Type]:
    try:
        number = int(index, 0)
    except ValueError:
        raise BadPath(f"[{index}] is no number", "Use a constant index.") from None
    if bare.code == gdb.TYPE_CODE_STRUCT and (bare.name or "").startswith("std::array<") and _field(bare, "_M_elems"):
        bare = _field(bare, "_M_elems")[1].strip_typedefs()  # type: ignore[index]
    if bare.code == gdb.TYPE_CODE_ARRAY:
        low, high = bare.range()
        if not low <= number <= high and high >= low:
            raise BadPath(f"{done} has the elements {low} to {high}, so there is no [{number}]")
        element = bare.target()
        return Step(None, (number - low) * element.strip_typedefs().sizeof, done), element
    pointer, element = _dereference(bare, done, keep_name=True)
    return Step(pointer, number * element.strip_typedefs().sizeof, done), element


def _dereference(bare: gdb.Type, done: str, keep_name: bool = False) -> tuple[int, gdb.Type]:
    """Where the pointer of a pointer or owning class is, and the type that it points to."""
    if bare.code in POINTERS:
        target, at = bare.target(), 0
    else:
        owner = _owner(bare)
        if owner is None:
            raise BadPath(f"{done} is no pointer ({bare})", "Use a dot for a member.")
        target, at = bare.template_argument(0), owner
    if target.strip_typedefs().code in (gdb.TYPE_CODE_VOID, gdb.TYPE_CODE_FUNC):
        raise BadPath(
            f"{done} points to {target}, which cannot be read", "Give the variable's type with --type 'TYPE'."
        )
    return at, target if keep_name else target.strip_typedefs().unqualified()


def _field(holder: gdb.Type, name: str, depth: int = 0) -> tuple[int, gdb.Type] | None:
    """A member's offset and type, also of base classes and anonymous members."""
    for field in holder.fields():
        if field.name == name and hasattr(field, "bitpos"):
            if field.bitsize:
                raise BadPath(f"{name} is a bit-field", "Look at the whole structure instead.")
            return field.bitpos // 8, field.type
    for field in holder.fields():
        inner = field.type.strip_typedefs() if field.type else None
        if (
            (field.is_base_class or not field.name)
            and hasattr(field, "bitpos")
            and inner is not None
            and inner.code in CLASSES
        ):
            found = _field(inner, name, depth + 1) if depth < DEEPEST else None
            if found:
                return found[0] + field.bitpos // 8, found[1]
    return None


def _field_names(holder: gdb.Type) -> list[str]:
    return [field.name for field in holder.fields() if field.name and not field.is_base_class][:12]


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
            inside = next((field for field in bare.fields() if _holds(field, offset)), None)
            if inside is None:
                return Part(path, str(current), offset, bool(list(bare.fields())))
            offset -= inside.bitpos // 8
            path += f".{inside.name}" if inside.name and not inside.is_base_class else ""
            current = inside.type
        else:
            break
    return Part(path, str(current), offset, False)


def _holds(field: gdb.Field, offset: int) -> bool:
    if not hasattr(field, "bitpos"):  # a static member
        return False
    start = field.bitpos // 8
    bits = field.bitpos % 8 + field.bitsize
    size = (bits + 7) // 8 if field.bitsize else field.type.strip_typedefs().sizeof
    return bool(start <= offset < start + size)
