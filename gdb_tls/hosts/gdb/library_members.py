"""Members of the C++ library's classes, by whichever of their names a library has; nothing else is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import gdb

from gdb_tls.program.type_names import short_type

Children = Iterator[tuple[str, Any]]
DEEPEST = 16


class NotLaidOut(Exception):
    """An object is in no state, or a class laid out in no way, that is known."""


def kind_of(value: gdb.Value) -> gdb.Type:
    """Its type, without typedefs and qualifiers."""
    return value.type.strip_typedefs().unqualified()


def name_of(value: gdb.Value) -> str:
    """Its class, as people write it."""
    return short_type(kind_of(value).name or "")


def held(address: int, kind: gdb.Type) -> gdb.Value:
    """The value at an address; it is read when it is shown."""
    return gdb.Value(address % (1 << 64)).cast(kind.pointer()).dereference()


def found(value: gdb.Value, *names: str) -> gdb.Value:
    """A member by the first of its names that is there, in base classes, unions and other members, too.

    A compressed pair of libc++ before LLVM 20 stands for its first.

    Raises:
        NotLaidOut: where none is there.
    """
    for name in names:
        place = place_of(kind_of(value), name)
        if place is not None:
            member = held(address_of(value) + place[0], place[1])
            bare = kind_of(member)
            if "__compressed_pair<" in (bare.name or ""):
                first = place_of(bare, "__value_")
                if first is None:
                    break
                return held(address_of(member) + first[0], first[1])
            return member
    raise NotLaidOut(f"not laid out as a library that is known here: no {names[0]}")


def word(value: gdb.Value, *names: str, size: int = 0, default: int | None = None) -> int:
    """A member as a number without sign, as `found`; its first bytes where a size is given.

    Raises:
        NotLaidOut: where none is there, and no default is given.
    """
    try:
        member = found(value, *names)
    except NotLaidOut:
        if default is None:
            raise
        return default
    bare = kind_of(member)
    if bare.code == gdb.TYPE_CODE_STRUCT:  # of some versions the number is a class's only member
        bare = gdb.lookup_type("unsigned long")
        member = held(address_of(member), bare)
    return int(member) % (1 << 8 * (size or bare.sizeof))


def place_of(kind: gdb.Type, name: str) -> tuple[int, gdb.Type] | None:
    """The offset in bytes and the type of a member; what only unions have comes last: they hold other objects."""
    return _place(kind, name, (gdb.TYPE_CODE_STRUCT,)) or _place(
        kind, name, (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
    )


def _place(kind: gdb.Type, name: str, inside: tuple[int, ...], depth: int = 0) -> tuple[int, gdb.Type] | None:
    fields = [one for one in kind.fields() if hasattr(one, "bitpos") and one.type is not None]
    for field in fields:
        if field.name == name and not field.is_base_class and not field.bitsize:
            return field.bitpos // 8, field.type
    for field in fields:
        inner = field.type.strip_typedefs()
        if inner.code in inside and depth < DEEPEST:
            place = _place(inner, name, inside, depth + 1)
            if place:
                return field.bitpos // 8 + place[0], place[1]
    return None


def address_of(value: gdb.Value) -> int:
    """Where a value is; the objects that are looked into all are in memory."""
    assert value.address is not None
    return int(value.address)


def text_of(value: gdb.Value) -> Any:
    """The characters of a string or a view, lazily: GDB reads as many as it shows."""
    address, length, kind = characters(value)
    return gdb.Value(address).cast(kind.pointer()).lazy_string(length=length)


def characters(value: gdb.Value) -> tuple[int, int, gdb.Type]:
    """Where a string's characters are, how many they are, and their type.

    Raises:
        NotLaidOut: where that is not known, or cannot be.
    """
    address, length, kind = _characters(value)
    if length >> 47:
        raise NotLaidOut(f"not a valid std::string: a length of {length}")
    return address, length, kind


def _characters(value: gdb.Value) -> tuple[int, int, gdb.Type]:
    kind = kind_of(value).template_argument(0)
    if place_of(kind_of(value), "_M_p") or "basic_string_view<" in (kind_of(value).name or ""):
        address = word(value, "_M_p", "_M_str", "__data_", "__data")
        length = word(value, "_M_string_length", "_M_len", "__size_", "__size", default=-1)
        if length < 0:  # the old ABI's is before the characters (libstdc++, cow_string.h, _Rep_base)
            number = gdb.lookup_type("unsigned long")
            length = int(held(address - 3 * number.sizeof, number))
        return address, length, kind
    # libc++'s string: short ones lie in the object; a bit of the byte with their length says which it is.
    try:
        whole = found(value, "__rep_", "__r_")
        short, long = found(whole, "__s"), found(whole, "__l")
    except gdb.error:
        raise NotLaidOut("not laid out as a library that is known here") from None
    data = place_of(kind_of(short), "__data_")
    if data is None or "little" not in gdb.execute("show endian", to_string=True):
        raise NotLaidOut("not laid out as a library that is known here")
    byte = gdb.lookup_type("unsigned char")
    if data[0]:  # the usual layout: the lowest bit of the first byte
        first = int(held(address_of(short), byte))
        is_long, length = first & 1, first >> 1
    else:  # _LIBCPP_ABI_ALTERNATE_STRING_LAYOUT: the highest bit of the last
        last = int(held(address_of(short) + kind_of(short).sizeof - 1, byte))
        is_long, length = last >> 7, last & 0x7F
    if is_long:
        return word(long, "__data_"), word(long, "__size_"), kind
    return address_of(short) + data[0], length, kind


def cut(value: gdb.Value) -> NoReturn:
    """Ends with what is said of a class that is not known.

    Raises:
        NotLaidOut: always.
    """
    raise NotLaidOut(f"{kind_of(value)} is not known")
