"""Paths into values (`->field`, `.field`, `[2]`), and back from a byte to the path."""

from __future__ import annotations

import re

from gdb_tls.errors import BadPath
from gdb_tls.hosts.direct.described import describe
from gdb_tls.hosts.native.container_types import ATOMIC
from gdb_tls.hosts.native.dwarf_types import CLASSES, DEEPEST, POINTERS, TAG_ARRAY, TAG_FUNCTION, DwarfType, Member
from gdb_tls.hosts.native.path_text import pieces
from gdb_tls.program.type_names import short_type
from gdb_tls.target.facts import Part
from gdb_tls.target.model import Lookup, Path, Step

WHOLE = "Look at the whole object instead."

WITH_GDB = "GDB's pretty printers find it: use --engine gdb."


def compile_path(root: str, start: DwarfType, text: str) -> Path:
    """Compiles a path into steps.

    Raises:
        BadPath: where the text or a step does not fit the type.
    """
    current, done, steps = start, root, []
    bits: tuple[int, int] | None = None
    for piece in pieces(text):
        bits = None
        match = re.fullmatch(r"(->|\.)\s*(.+)", piece)
        if match and len(piece) > 1:
            step, current, bits = _member(current.bare, match[1], match[2], done)
        elif piece.startswith("[") and len(piece) > 1:
            step, current = _element(current.bare, piece[1:-1].strip(), done)
        else:
            raise BadPath(f"{text} cannot be read as a path", "Use ->field, .field and [index].")
        steps.append(step)
        done += piece
    kind = describe(current)
    if bits is not None:
        kind = kind._replace(bits=bits, size=(sum(bits) + 7) // 8)
    return Path(text, tuple(steps), kind)


def _member(bare: DwarfType, arrow: str, name: str, done: str) -> tuple[Step, DwarfType, tuple[int, int] | None]:
    pointer: int | None = None
    holder = bare
    if arrow == "->" or bare.tag in POINTERS[1:]:
        pointer, holder = _dereference(bare, done)
    elif bare.tag in POINTERS:
        raise BadPath(f"{done} is a pointer ({bare.name})", f"Use {done}->{name}.", [f"{done}->{name}"])
    if holder.tag not in CLASSES:
        raise BadPath(f"{done} is no structure ({bare.name}), so it has no member {name}")
    found = _field(holder, name)
    if found is None and arrow == "." and describe(holder).owner is not None:
        held = _dereference(holder, done)[1]
        if held.tag in CLASSES and _field(held, name) is not None:
            raise BadPath(f"{done} is a pointer ({holder.name})", f"Use {done}->{name}.", [f"{done}->{name}"])
    if found is None and re.match(r"std::(__\w+::)?optional<", holder.name):
        raise BadPath(f"What {done} ({holder.name}) may hold is not found by this engine", WITH_GDB)
    if found is None:
        if base := _virtual(holder, name):
            raise BadPath(f"{name} is in the virtual base class {base}, whose place each object says", WHOLE)
        names = ", ".join([one.name for one in holder.members if one.name][:12]) or "none"
        raise BadPath(f"{holder.name} has no member {name}", f"It has: {names}.")
    offset, kind, bits = found
    return Step(pointer, offset, done), kind, bits


def _virtual(holder: DwarfType, name: str, depth: int = 0) -> str:
    """The virtual base class, of a class or of its bases, that has a member; empty for none."""
    for kind, _ in holder.bare.virtual_bases if depth < DEEPEST else ():
        if _field(kind.bare, name) is not None:
            return kind.name
    bases = [one.type for one in holder.bare.members if one.is_base] + [kind for kind, _ in holder.bare.virtual_bases]
    found = (_virtual(base.bare, name, depth + 1) for base in bases if depth < DEEPEST)
    return next(filter(None, found), "")


def _field(holder: DwarfType, name: str, depth: int = 0) -> tuple[int, DwarfType, tuple[int, int] | None] | None:
    """A member; those of base classes and of anonymous members are found, too."""
    for one in holder.members:
        if one.name == name and not one.is_base:
            return one.offset, one.type, one.bits
    for one in holder.members:
        if (one.is_base or not one.name) and one.type.bare.tag in CLASSES and depth < DEEPEST:
            found = _field(one.type.bare, name, depth + 1)
            if found:
                return one.offset + found[0], found[1], found[2]
    return None


def _dereference(bare: DwarfType, done: str) -> tuple[int, DwarfType]:
    """Where in a value the pointer is that is followed, and what it points to."""
    if bare.tag in POINTERS:
        at, target = 0, bare.target
    else:
        owner, argument = describe(bare).owner, bare.template_argument()
        if owner is None or argument is None:
            raise BadPath(f"{done} is no pointer ({bare.name})", "Use a dot for a member.")
        at, target = owner, argument.target if ATOMIC.match(bare.qualified) else argument
    if target.bare.entry is None or target.bare.tag == TAG_FUNCTION:
        raise BadPath(
            f"{done} points to {target.name}, which cannot be read", "Give the variable's type with --type 'TYPE'."
        )
    return at, target.bare


def _element(bare: DwarfType, index: str, done: str) -> tuple[Step, DwarfType]:
    try:
        number = int(index, 0)
    except ValueError:
        raise BadPath(f"[{index}] is no number here", WITH_GDB) from None
    if bare.is_elsewhere:
        if len(bare.dimensions) != 1:
            raise BadPath(f"{done} is an array of several dimensions, which a descriptor tells of", WHOLE)
        return Step(None, 0, done, None, Lookup(bare, str(number), None)), bare.target
    if bare.tag == TAG_ARRAY:
        low, count = bare.dimensions[0].lower, bare.counts[0]
        low = low if isinstance(low, int) else 0
        if count and not low <= number < low + count:
            raise BadPath(f"{done} has the elements {low} to {low + count - 1}, so there is no [{number}]")
        return Step(None, (number - low) * bare.element.size, done), bare.element
    if bare.tag in CLASSES and describe(bare).owner is None:
        raise BadPath(f"The elements of {done} ({bare.name}) are not found by this engine", WITH_GDB)
    pointer, inside = _dereference(bare, done)
    named = bare.target if bare.tag in POINTERS else bare.template_argument()
    target = named if named is not None and not ATOMIC.match(bare.qualified) else inside
    return Step(pointer, number * target.size, done), target


def part_at(start: DwarfType, offset: int) -> Part:
    """Goes from a value into its members and elements, to the innermost at an offset."""
    path, current = "", start
    for _ in range(DEEPEST):
        bare = current.bare
        if bare.tag == TAG_ARRAY and bare.element.size and not bare.is_elsewhere:
            size = bare.element.size
            low = bare.dimensions[0].lower if bare.dimensions else 0
            path += f"[{offset // size + (low if isinstance(low, int) else 0)}]"
            current, offset = bare.element, offset % size
        elif bare.tag in CLASSES:
            # The last: in the end of a base class, as it is by itself, its virtual bases or this class's members lie.
            holding = [one for one in bare.members if one.offset <= offset < one.offset + _size(one)]
            # Of those that begin together a member: an empty base class has a size, too.
            inside = max(holding, key=lambda one: (one.offset, not one.is_base), default=None)
            if inside is None:
                return Part(path, short_type(current.name), offset, bool(bare.members) and not _has_virtual_base(start))
            offset -= inside.offset
            path += f".{inside.name}" if inside.name and not inside.is_base else ""
            current = inside.type
        else:
            break
    return Part(path, current.name, offset, False)


def _has_virtual_base(kind: DwarfType, depth: int = 0) -> bool:
    bare = kind.bare
    bases = [one.type for one in bare.members if one.is_base] if depth < DEEPEST else []
    return bool(bare.virtual_bases) or any(_has_virtual_base(base, depth + 1) for base in bases)


def _size(one: Member) -> int:
    return (sum(one.bits) + 7) // 8 if one.bits else one.type.size
