"""Objects of the C++ library as GDB has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gdb

from gdb_tls.hosts.gdb.fields import is_placed
from gdb_tls.hosts.native.library_objects import Child, Field, Object, Pointer, place_of
from gdb_tls.hosts.native.not_laid_out import NotLaidOut


class GdbReader:
    """Implements `native.library_objects.Reader` by the selected inferior."""

    @property
    def word(self) -> int:
        """See `Reader.word`."""
        return gdb.lookup_type("long").sizeof

    @property
    def is_little(self) -> bool:
        """See `Reader.is_little`."""
        return "little" in gdb.execute("show endian", to_string=True)

    def name(self, kind: gdb.Type) -> str:
        """See `Reader.name`."""
        return bare(kind).name or ""

    def is_class(self, kind: gdb.Type) -> bool:
        """See `Reader.is_class`."""
        return bool(kind.strip_typedefs().code == gdb.TYPE_CODE_STRUCT)

    def is_union(self, kind: gdb.Type) -> bool:
        """See `Reader.is_union`."""
        return bool(kind.strip_typedefs().code == gdb.TYPE_CODE_UNION)

    def fields(self, kind: gdb.Type) -> Sequence[Field[gdb.Type]]:
        """See `Reader.fields`."""
        inner = kind.strip_typedefs()
        if inner.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            return ()
        return [
            Field(one.name or "", one.bitpos // 8, one.type, one.is_base_class)
            for one in inner.fields()
            if is_placed(one) and one.type is not None and not one.bitsize
        ]

    def argument(self, kind: gdb.Type, index: int) -> gdb.Type:
        """See `Reader.argument`."""
        try:
            found = bare(kind).template_argument(index)
        except (RuntimeError, gdb.error) as error:
            raise NotLaidOut(str(error)) from None
        if not isinstance(found, gdb.Type):
            raise NotLaidOut(f"argument {index} of {bare(kind)} is no type")
        return found

    def size(self, kind: gdb.Type) -> int:
        """See `Reader.size`."""
        return kind.strip_typedefs().sizeof

    def alignment(self, kind: gdb.Type) -> int:
        """See `Reader.alignment`."""
        return kind.strip_typedefs().alignof or 1

    def array(self, kind: gdb.Type) -> tuple[gdb.Type, int] | None:
        """See `Reader.array`."""
        inner = kind.strip_typedefs()
        if inner.code != gdb.TYPE_CODE_ARRAY:
            return None
        low, high = inner.range()
        return inner.target(), high - low + 1

    def target(self, kind: gdb.Type) -> gdb.Type:
        """See `Reader.target`."""
        return kind.strip_typedefs().target()

    def symbol(self, address: int) -> str:
        """See `Reader.symbol`."""
        text = gdb.execute(f"info symbol 0x{address:x}", to_string=True)
        return "" if text.startswith("No symbol") else re.split(r" in section | of ", text, maxsplit=1)[0].strip()

    def named(self, name: str) -> gdb.Type | None:
        """See `Reader.named`."""
        stars = len(name) - len(name.rstrip("*& "))
        try:
            found = gdb.lookup_type(name[: len(name) - stars] if stars else name)
        except gdb.error:
            return None
        for star in name[len(name) - stars :]:
            found = found.pointer() if star == "*" else found
        return found

    def number(self, address: int, size: int) -> int:
        """See `Reader.number`."""
        kind = gdb.lookup_type({1: "unsigned char", 2: "unsigned short", 4: "unsigned int"}.get(size, "unsigned long"))
        return int(held(address, kind))


READER = GdbReader()


def bare(kind: gdb.Type) -> gdb.Type:
    """A type without typedefs and qualifiers."""
    return kind.strip_typedefs().unqualified()


def held(address: int, kind: gdb.Type) -> gdb.Value:
    """The value at an address; it is read when it is shown."""
    return gdb.Value(address % (1 << 64)).cast(kind.pointer()).dereference()


def object_of(value: gdb.Value) -> Object[gdb.Type]:
    """A value that is in memory."""
    assert value.address is not None
    return Object(READER, bare(value.type), int(value.address))


def value_of(child: Child[gdb.Type]) -> gdb.Value:
    """An element as GDB shows it."""
    if isinstance(child, Object):
        return held(child.address, child.kind)
    if isinstance(child, Pointer):
        return gdb.Value(child.value).cast(child.target.pointer())
    return gdb.Value(child.value).cast(child.kind)


def place_in(kind: gdb.Type, name: str) -> tuple[int, gdb.Type] | None:
    """The offset in bytes and the type of a member, however deep in others it is."""
    return place_of(READER, kind, name)
