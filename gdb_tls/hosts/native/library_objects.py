"""Objects of the C++ library's classes: members by whichever of their names a library has; nothing else is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NoReturn, Protocol, TypeVar, Union

from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.type_names import short_type
from gdb_tls.tuples import NamedTuple

Kind = TypeVar("Kind")
DEEPEST = 16


class Field(NamedTuple, Generic[Kind]):
    """A data member or a base class of a class.

    Attributes:
        name: empty for what has none.
        offset: in bytes.
        type: its type.
        is_base: whether it is a base class.
    """

    name: str
    offset: int
    type: Kind
    is_base: bool


class Reader(Protocol[Kind]):
    """What a host says of types, and reads.  Typedefs and qualifiers are looked through."""

    @property
    def word(self) -> int:
        """The size of a pointer, in bytes."""
        ...

    @property
    def is_little(self) -> bool:
        """Whether the lowest byte of a number comes first."""
        ...

    def name(self, kind: Kind) -> str:
        """A type's whole name; empty for what has none."""
        ...

    def is_class(self, kind: Kind) -> bool:
        """Whether it is a class or structure; a union is none."""
        ...

    def is_union(self, kind: Kind) -> bool:
        """Whether it is a union."""
        ...

    def fields(self, kind: Kind) -> Sequence[Field[Kind]]:
        """The members of a class or union that have places of their own, bit-fields not; of other types none."""
        ...

    def argument(self, kind: Kind, index: int) -> Kind:
        """A template argument that is a type.

        Raises:
            NotLaidOut: where there is none.
        """
        ...

    def size(self, kind: Kind) -> int:
        """In bytes."""
        ...

    def alignment(self, kind: Kind) -> int:
        """In bytes."""
        ...

    def array(self, kind: Kind) -> tuple[Kind, int] | None:
        """Of an array what its elements are, and how many; None for other types."""
        ...

    def target(self, kind: Kind) -> Kind:
        """What a pointer points to."""
        ...

    def symbol(self, address: int) -> str:
        """The name of the function or object at an address; empty where no symbol tells."""
        ...

    def named(self, name: str) -> Kind | None:
        """The type of a whole name; None where it is not found."""
        ...

    def number(self, address: int, size: int) -> int:
        """So many bytes as a number without sign; raises what the host raises for memory that cannot be read."""
        ...


class Object(NamedTuple, Generic[Kind]):
    """An object in memory; it is read when it is asked for."""

    reader: Reader[Kind]
    kind: Kind
    address: int

    @property
    def full_name(self) -> str:
        """The name of its class."""
        return self.reader.name(self.kind)

    @property
    def name(self) -> str:
        """Its class, as people write it."""
        return short_type(self.full_name)

    def other(self, address: int, kind: Kind) -> Object[Kind]:
        """Another one of the same program."""
        return Object(self.reader, kind, address)

    def argument(self, index: int = 0) -> Kind:
        """A template argument of its class."""
        return self.reader.argument(self.kind, index)

    def has(self, name: str) -> bool:
        """Whether it has a member, as in `found`."""
        return place_of(self.reader, self.kind, name) is not None

    def found(self, *names: str) -> Object[Kind]:
        """A member by the first of its names that is there, in base classes, unions and other members, too.

        A compressed pair of libc++ before LLVM 20 stands for its first.

        Raises:
            NotLaidOut: where none is there.
        """
        for name in names:
            place = place_of(self.reader, self.kind, name)
            if place is not None:
                member = self.other(self.address + place[0], place[1])
                if "__compressed_pair<" in member.full_name:
                    first = place_of(self.reader, member.kind, "__value_")
                    if first is None:
                        break
                    return self.other(member.address + first[0], first[1])
                return member
        raise NotLaidOut(f"not laid out as a library that is known here: no {names[0]}")

    def word(self, *names: str, size: int = 0, default: int | None = None) -> int:
        """A member as a number without sign, as `found`; its lowest bytes where a size is given.

        Raises:
            NotLaidOut: where none is there, and no default is given.
        """
        try:
            member = self.found(*names)
        except NotLaidOut:
            if default is None:
                raise
            return default
        return member.value() % (1 << 8 * size) if size else member.value()

    def value(self) -> int:
        """Itself as a number; of some versions that is a class's only member."""
        size = self.reader.word if self.reader.is_class(self.kind) else self.reader.size(self.kind)
        return self.reader.number(self.address, size)

    def word_at(self, address: int) -> int:
        """A word of the program's memory."""
        return self.reader.number(address, self.reader.word)


class Characters(NamedTuple, Generic[Kind]):
    """A string: where its characters are, how many they are, and their type."""

    address: int
    length: int
    kind: Kind


class Bit(NamedTuple, Generic[Kind]):
    """An element that is no object of its own: its type and value."""

    kind: Kind
    value: int


class Pointer(NamedTuple, Generic[Kind]):
    """A pointer that a class owns something by: what it points to, and where that is."""

    target: Kind
    value: int


Child = Union[Object[Kind], Bit[Kind], Pointer[Kind]]
Children = Iterator[tuple[str, Child[Kind]]]
# What is before an object's elements, and the elements: of a map, the keys and values in turn.
Contents = tuple[Union[str, Characters[Kind]], Children[Kind]]


def place_of(reader: Reader[Kind], kind: Kind, name: str) -> tuple[int, Kind] | None:
    """The offset in bytes and the type of a member; what only unions have comes last: they hold other objects."""
    return _place(reader, kind, name, with_unions=False) or _place(reader, kind, name, with_unions=True)


def _place(reader: Reader[Kind], kind: Kind, name: str, with_unions: bool, depth: int = 0) -> tuple[int, Kind] | None:
    fields = reader.fields(kind)
    for field in fields:
        if field.name == name and not field.is_base:
            return field.offset, field.type
    for field in fields:
        inside = reader.is_class(field.type) or (with_unions and reader.is_union(field.type))
        if inside and depth < DEEPEST:
            place = _place(reader, field.type, name, with_unions, depth + 1)
            if place:
                return field.offset + place[0], place[1]
    return None


def characters(one: Object[Kind]) -> Characters[Kind]:
    """The characters of a string or a view.

    Raises:
        NotLaidOut: where that is not known, or cannot be.
    """
    found = _characters(one)
    if found.length >> 47:
        raise NotLaidOut(f"not a valid std::string: a length of {found.length}")
    return found


def _characters(one: Object[Kind]) -> Characters[Kind]:
    kind, reader = one.argument(), one.reader
    if one.has("_M_p") or "basic_string_view<" in one.full_name:
        address = one.word("_M_p", "_M_str", "__data_", "__data")
        length = one.word("_M_string_length", "_M_len", "__size_", "__size", default=-1)
        if length < 0:  # the old ABI's is before the characters (libstdc++, cow_string.h, _Rep_base)
            length = one.word_at(address - 3 * reader.word)
        return Characters(address, length, kind)
    # libc++'s string: short ones lie in the object; a bit of the byte with their length says which it is.
    whole = one.found("__rep_", "__r_")
    short, long = whole.found("__s"), whole.found("__l")
    data = place_of(reader, short.kind, "__data_")
    if data is None or not reader.is_little:
        raise NotLaidOut("not laid out as a library that is known here")
    if data[0]:  # the usual layout: the lowest bit of the first byte
        first = reader.number(short.address, 1)
        is_long, length = first & 1, first >> 1
    else:  # _LIBCPP_ABI_ALTERNATE_STRING_LAYOUT: the highest bit of the last
        last = reader.number(short.address + reader.size(short.kind) - 1, 1)
        is_long, length = last >> 7, last & 0x7F
    if is_long:
        return Characters(long.word("__data_"), long.word("__size_"), kind)
    return Characters(short.address + data[0], length, kind)


def unknown(one: Object[Kind]) -> NoReturn:
    """Ends with what is said of a class that is not known.

    Raises:
        NotLaidOut: always.
    """
    raise NotLaidOut(f"{one.full_name} is not known")
