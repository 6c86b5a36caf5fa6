"""Paths into gdb's types (`->field`, `.field`, `[2]`, `["key"]`), compiled into steps."""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb

from gdb_tls.errors import BadPath
from gdb_tls.hosts.gdb.fields import is_placed
from gdb_tls.hosts.gdb.library_objects import place_in
from gdb_tls.hosts.gdb.types import CLASSES, DEEPEST, POINTERS, describe, is_elsewhere, member, owner, witness
from gdb_tls.hosts.native.container_types import ATOMIC
from gdb_tls.hosts.native.path_text import pieces
from gdb_tls.program.type_names import short_type
from gdb_tls.target.model import Bound, Lookup, Path, Step, Type

WHOLE = "Look at the whole object instead."

STRINGS = re.compile(r"std::(__\w+::)?basic_string(_view)?<")
VECTORS = re.compile(r"std::(__\w+::)?vector<")
# Whose elements only a pretty printer finds; in those of the first, keys are in the brackets.
ARRAYS = re.compile(r"std::(__\w+::)?array<")
SPANS = re.compile(r"std::(__\w+::)?span<")
# Where strings, views and spans begin, and how long they are: libstdc++'s names, and libc++'s.
TEXTS = ("_M_p", "_M_str", "_M_ptr", "__data_", "__data")
LENGTHS = ("_M_string_length", "_M_len", "_M_extent_value", "__size_", "__size")
MAPS = re.compile(r"std::(__\w+::)?(unordered_)?(multi)?map<")
OTHERS = re.compile(r"std::(__\w+::)?(deque|(forward_)?list|(unordered_)?(multi)?set|queue|stack)<")


def compile_path(root: str, start: gdb.Type, text: str, language: str = "") -> Path:
    """Compiles `->field`, `.field`, `[2]` and `["key"]` into steps.

    Raises:
        BadPath: where the text or a step does not fit the type.
    """
    current = start
    steps: list[Step] = []
    done = root
    bits: tuple[int, int] | None = None
    for piece in pieces(text):
        bare = current.strip_typedefs().unqualified()
        match = re.fullmatch(r"(->|\.)\s*(.+)", piece)
        if match and len(piece) > 1:
            step, current, bits = _member(bare, match.group(1), match.group(2), done)
        elif piece.startswith("[") and len(piece) > 1:
            step, current = _element(bare, piece[1:-1].strip(), done, language)
        else:
            raise BadPath(f"{text} cannot be read as a path", "Use ->field, .field and [index].")
        steps.append(step)
        done += piece
    return Path(text, tuple(steps), _bit_field(describe(current, language), bits))


def _bit_field(kind: Type, bits: tuple[int, int] | None) -> Type:
    return kind if bits is None else kind._replace(bits=bits, size=(sum(bits) + 7) // 8)


def _member(bare: gdb.Type, arrow: str, name: str, done: str) -> tuple[Step, gdb.Type, tuple[int, int] | None]:
    pointer: int | None = None
    bound: Bound | None = None
    holder, inside = bare, 0
    if arrow == "->" and _is_optional(bare):
        holder, inside, bound = _optional(bare)
    elif arrow == "->" or bare.code in POINTERS[1:]:
        pointer, holder = _dereference(bare, done)
    elif bare.code in POINTERS:
        raise BadPath(f"{done} is a pointer ({_name(bare)})", f"Use {done}->{name}.", [f"{done}->{name}"])
    if holder.code not in CLASSES:
        raise BadPath(f"{done} is no structure ({_name(bare)}), so it has no member {name}")
    found = _field(holder, name)
    if found is None and arrow == "." and (_is_optional(holder) or owner(holder) is not None):
        held, _, _ = _optional(holder) if _is_optional(holder) else (_dereference(holder, done)[1], 0, None)
        if held.code in CLASSES and _field(held, name) is not None:
            what = "may hold a value" if _is_optional(holder) else "is a pointer"
            raise BadPath(f"{done} {what} ({_name(holder)})", f"Use {done}->{name}.", [f"{done}->{name}"])
    if found is None:
        if base := _virtual(holder, name):
            raise BadPath(f"{name} is in the virtual base class {base}, whose place each object says", WHOLE)
        names = ", ".join(_field_names(holder)) or "none"
        raise BadPath(f"{_name(holder)} has no member {name}", f"It has: {names}.")
    at, size, kind = found
    return Step(pointer, inside + at // 8, done, bound), kind, (at % 8, size) if size else None


def _name(kind: gdb.Type) -> str:
    return short_type(str(kind))


def _is_optional(bare: gdb.Type) -> bool:
    return bool(re.match(r"std::(__\w+::)?optional<", bare.name or ""))


def _optional(bare: gdb.Type) -> tuple[gdb.Type, int, Bound | None]:
    """The type inside of a std::optional, where it is, and where it says whether it is there."""
    value = place_in(bare, "_M_payload") or place_in(bare, "__val_")
    engaged = member(bare, "_M_engaged") or member(bare, "__engaged_")
    if value is None or engaged is None:
        raise BadPath(f"{_name(bare)} is not laid out as libstdc++ or libc++ have it", WHOLE)
    kind = bare.template_argument(0).strip_typedefs().unqualified()
    return kind, value[0], Bound(0, engaged[0], 1, None, 0)


def _element(bare: gdb.Type, index: str, done: str, language: str) -> tuple[Step, gdb.Type]:
    name = bare.name or ""
    if bare.code == gdb.TYPE_CODE_STRUCT and MAPS.match(name):
        key = index[1:-1] if len(index) > 1 and index[0] == index[-1] and index[0] in "\"'" else index
        return Step(None, 0, done, None, Lookup(bare, key, witness(bare))), bare.template_argument(1)
    try:
        number = int(index, 0)
    except ValueError:
        raise BadPath(f"[{index}] is no number", "Use a constant index.") from None
    if bare.code == gdb.TYPE_CODE_STRUCT and OTHERS.match(name):
        return Step(None, 0, done, None, Lookup(bare, str(number), witness(bare))), bare.template_argument(0)
    if bare.code == gdb.TYPE_CODE_STRUCT and ARRAYS.match(name):
        elements = member(bare, "_M_elems") or member(bare, "__elems_")
        if elements is None or elements[1].strip_typedefs().code != gdb.TYPE_CODE_ARRAY:
            raise BadPath(f"{done} is empty, so there is no [{number}]")
        bare = elements[1].strip_typedefs()
    if is_elsewhere(bare, language):
        if bare.target().strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            raise BadPath(f"{done} is an array of several dimensions, which a descriptor tells of", WHOLE)
        return Step(None, 0, done, None, Lookup(bare, str(number), None)), bare.target()
    if bare.code == gdb.TYPE_CODE_ARRAY:
        low, high = bare.range()
        # A flexible array member says nothing of its length; of some GDB says that it has the element 0.
        if bare.sizeof and high >= low and not low <= number <= high:
            raise BadPath(f"{done} has the elements {low} to {high}, so there is no [{number}]")
        element = bare.target()
        return Step(None, (number - low) * element.strip_typedefs().sizeof, done), element
    if bare.code == gdb.TYPE_CODE_STRUCT:
        return _counted(bare, number, done)
    pointer, element = _dereference(bare, done, keep_name=True)
    return Step(pointer, number * element.strip_typedefs().sizeof, done), element


def _counted(bare: gdb.Type, number: int, done: str) -> tuple[Step, gdb.Type]:
    """An element of a class that says in each thread how many it has."""
    name = bare.name or ""
    if owner(bare) is not None:
        # unique_ptr<T[]> knows no number, as a pointer does not.
        pointer, element = _dereference(bare, done, keep_name=True)
        return Step(pointer, number * element.strip_typedefs().sizeof, done), element
    known = STRINGS.match(name) or VECTORS.match(name) or SPANS.match(name)
    if not known and not name.startswith("std::"):
        raise BadPath(f"{done} is no array ({_name(bare)})", "Use a dot for a member.")
    if not known:
        raise BadPath(f"Where {done} has its elements is not known ({_name(bare)})", WHOLE)
    element = bare.template_argument(0)
    size = element.strip_typedefs().sizeof
    start = member(bare, "_M_start") or member(bare, "__begin_")
    end = member(bare, "_M_finish") or member(bare, "__end_")
    if VECTORS.match(name) and start and end and start[1].strip_typedefs().code == gdb.TYPE_CODE_PTR:
        return Step(start[0], number * size, done, Bound(number, end[0], end[1].sizeof, start[0], size)), element
    if STRINGS.match(name) and place_in(bare, "__s"):  # libc++'s, of which the short ones are in the object
        return Step(None, 0, done, None, Lookup(bare, str(number), None)), element
    start, length = (next(filter(None, (member(bare, one) for one in names)), None) for names in (TEXTS, LENGTHS))
    if not VECTORS.match(name) and start and length:
        width = length[1].strip_typedefs().sizeof
        return Step(start[0], number * size, done, Bound(number, length[0], width)), element
    if SPANS.match(name) and start:  # of a fixed extent
        extent = int(str(bare.template_argument(1)))
        if not 0 <= number < extent:
            raise BadPath(f"{done} has the elements 0 to {extent - 1}, so there is no [{number}]")
        return Step(start[0], number * size, done), element
    raise BadPath(f"Where {done} has its elements is not known ({_name(bare)})", WHOLE)


def _dereference(bare: gdb.Type, done: str, keep_name: bool = False) -> tuple[int, gdb.Type]:
    """Where the pointer of a pointer or owning class is, and the type that it points to."""
    if bare.code in POINTERS:
        target, at = bare.target(), 0
    else:
        held = owner(bare)
        if held is None and (bare.name or "").startswith("std::"):
            raise BadPath(f"What {done} points to is not known ({_name(bare)})", WHOLE)
        if held is None:
            raise BadPath(f"{done} is no pointer ({_name(bare)})", "Use a dot for a member.")
        target, at = bare.template_argument(0), held
        if ATOMIC.match(bare.name or ""):
            target = target.strip_typedefs().target()
    if target.strip_typedefs().code == gdb.TYPE_CODE_ARRAY and bare.code not in POINTERS:
        target = target.strip_typedefs().target()  # unique_ptr<T[]>
    if target.strip_typedefs().code in (gdb.TYPE_CODE_VOID, gdb.TYPE_CODE_FUNC):
        raise BadPath(
            f"{done} points to {_name(target)}, which cannot be read", "Give the variable's type with --type 'TYPE'."
        )
    return at, target if keep_name else target.strip_typedefs().unqualified()


def _field(holder: gdb.Type, name: str, depth: int = 0) -> tuple[int, int, gdb.Type] | None:
    """A member's offset in bits, its size in bits where it is a bit-field, else 0, and its type.

    Members of base classes and of anonymous members are found, too.
    """
    for field in holder.fields():
        if field.name == name and is_placed(field):
            return field.bitpos, field.bitsize, field.type
    for field in holder.fields():
        inner = field.type.strip_typedefs() if field.type else None
        if (field.is_base_class or not field.name) and is_placed(field) and inner is not None and inner.code in CLASSES:
            found = _field(inner, name, depth + 1) if depth < DEEPEST else None
            if found:
                return found[0] + field.bitpos, found[1], found[2]
    return None


def _virtual(holder: gdb.Type, name: str, depth: int = 0) -> str:
    """The virtual base class, of a class or of its bases, that has a member; empty for none."""
    for field in holder.fields() if depth < DEEPEST else ():
        if field.is_base_class and field.type is not None:
            inner = field.type.strip_typedefs()
            if not is_placed(field) and _field(inner, name) is not None:
                return _name(inner)
            if found := _virtual(inner, name, depth + 1):
                return found
    return ""


def members(start: gdb.Type, arrow: str) -> list[str]:
    """The names that may follow `->` or `.` after a value of a type; those of base and anonymous classes, too."""
    holder = start.strip_typedefs().unqualified()
    try:
        if arrow == "->" and _is_optional(holder):
            holder = _optional(holder)[0]
        elif arrow == "->" or holder.code in POINTERS[1:]:
            holder = _dereference(holder, "")[1]
    except BadPath:
        return []
    return list(dict.fromkeys(_all_names(holder))) if holder.code in CLASSES else []


def _all_names(holder: gdb.Type, depth: int = 0) -> Iterator[str]:
    for field in holder.fields():
        inner = field.type.strip_typedefs() if field.type else None
        if field.name and not field.is_base_class and is_placed(field) and not field.artificial:
            yield field.name
        elif inner is not None and inner.code in CLASSES and depth < DEEPEST and is_placed(field):
            yield from _all_names(inner, depth + 1)


def _field_names(holder: gdb.Type) -> list[str]:
    return [field.name for field in holder.fields() if field.name and not field.is_base_class][:12]
