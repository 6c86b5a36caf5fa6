"""What a pointer points to that people know at a glance: wide texts, buffers with a length, printed objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import gdb

from gdb_tls.hosts.gdb.fields import is_placed
from gdb_tls.hosts.gdb.library_objects import READER, object_of
from gdb_tls.hosts.gdb.library_printers import own_printers
from gdb_tls.hosts.native.buffers import BYTES, DEEPEST, chosen, plain_name
from gdb_tls.hosts.native.library_objects import characters
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.scalars import without_width
from gdb_tls.program.type_names import lacks_width
from gdb_tls.target.model import Counted

WIDE = ("wchar_t", "char16_t", "char32_t")
CXX_STRING = re.compile(r"std::__(?!cxx11)\w+::basic_string(_view)?<")
COMPLEX_INTEGER = re.compile(r"complex(?: ([\w ]+))?$")
OLD_STRING = re.compile(r"std::(basic_string<|string$)")


def is_wide(pointer: gdb.Type) -> bool:
    """Whether it points to characters of more than one byte."""
    kind = pointer.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_PTR:
        return False
    # C's wchar_t is a typedef; C++ has types of these names.
    target = kind.target().unqualified()
    return target.name in WIDE or target.strip_typedefs().name in WIDE


def is_printed(pointer: gdb.Type) -> bool:
    """Whether a pretty printer is registered for what it points to."""
    if pointer.code != gdb.TYPE_CODE_PTR or pointer.target().strip_typedefs().code != gdb.TYPE_CODE_STRUCT:
        return False
    try:
        # Lazy: a printer is chosen by the type, and nothing is read.
        with own_printers():
            return gdb.default_visualizer(gdb.Value(0).cast(pointer).dereference()) is not None
    except Exception:  # a printer is anybody's code
        return False


def counted(pointer: gdb.Type) -> Counted | None:
    """Where in the structure that it points to a buffer and its length are, by their types and names."""
    target = pointer.target().strip_typedefs().unqualified()
    if target.code != gdb.TYPE_CODE_STRUCT:
        return None
    texts: dict[str, int] = {}
    lengths: dict[str, tuple[int, int]] = {}
    for name, kind, offset in _members(target, 0):
        bare = kind.strip_typedefs().unqualified()
        if bare.code == gdb.TYPE_CODE_PTR and (_is_byte(bare.target()) or (name in BYTES and _is_void(bare.target()))):
            texts.setdefault(name, offset)
        elif bare.code == gdb.TYPE_CODE_INT and bare.sizeof > 1:
            lengths.setdefault(name, (offset, bare.sizeof))
    return chosen(texts, lengths)


def _members(holder: gdb.Type, offset: int, depth: int = 0) -> Iterator[tuple[str, gdb.Type, int]]:
    """(name without its prefix, type, offset) of the members, base classes' and anonymous ones' too."""
    for field in holder.fields():
        if not is_placed(field) or field.bitsize or field.type is None:
            continue
        at = offset + field.bitpos // 8
        if (field.is_base_class or not field.name) and depth < DEEPEST:
            inner = field.type.strip_typedefs()
            if inner.code == gdb.TYPE_CODE_STRUCT:
                yield from _members(inner, at, depth + 1)
        elif field.name:
            yield plain_name(field.name), field.type, at


def _is_byte(kind: gdb.Type) -> bool:
    bare = kind.strip_typedefs()
    return bare.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and bare.sizeof == 1


def _is_void(kind: gdb.Type) -> bool:
    return kind.strip_typedefs().code == gdb.TYPE_CODE_VOID


def unprinted(value: gdb.Value) -> str:
    """The text of a value that GDB prints wrongly; empty for all others.

    It takes an array of no elements for one of unknown length, and of a complex integer it prints the type.
    """
    bare = value.type.strip_typedefs()
    if bare.code == gdb.TYPE_CODE_ARRAY and bare.range()[1] < bare.range()[0] and bare.sizeof == 0:
        return '""' if _is_byte(bare.target()) else "{}"
    if bare.name == "__unknown__" or lacks_width(bare.name or ""):
        raw = gdb.selected_inferior().read_memory(int(value.address or 0), bare.sizeof).tobytes()
        number = int.from_bytes(raw, "little" if READER.is_little else "big")
        return without_width(number) if lacks_width(bare.name or "") else "0x" + raw.hex()
    whole = COMPLEX_INTEGER.match(bare.name or "")
    known = (gdb.TYPE_CODE_COMPLEX, gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
    if whole and value.address is not None and bare.code not in known:  # DWARF has no encoding of it
        of_size = {2: "signed char", 4: "short", 8: "int", 16: "long"}.get(bare.sizeof, "__int128")
        parts = gdb.Value(int(value.address)).cast(gdb.lookup_type(whole[1] or of_size).pointer())
        return f"{int(parts[0])} + {int(parts[1])}i"
    return ""


def length_of(value: gdb.Value) -> str:
    """The length of a string object, of which only the beginning is shown; empty where it does not say."""
    bare = value.type.strip_typedefs().unqualified()
    if bare.code != gdb.TYPE_CODE_STRUCT:
        return ""
    for name in ("_M_string_length", "_M_len"):
        if any(field.name == name for field in bare.fields()):
            return f" length {int(value[name])}"
    if CXX_STRING.match(bare.name or ""):
        with suppress(gdb.error, NotLaidOut):
            return f" length {characters(object_of(value)).length}"
    if OLD_STRING.match(bare.name or ""):
        with suppress(gdb.error):  # the old ABI's is before the characters (libstdc++, cow_string.h, _Rep_base)
            word = gdb.lookup_type("unsigned long")
            before = gdb.Value(int(value["_M_dataplus"]["_M_p"]) - 3 * word.sizeof)
            return f" length {int(before.cast(word.pointer()).dereference())}"
    return ""
