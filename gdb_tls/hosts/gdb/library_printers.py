"""Pretty printers for classes of the C++ library, for where none is loaded.

GDB has none for libc++, and finds libstdc++'s only beside the library that is loaded: not for a core of another
distribution, a static executable or a copy of the library.  These are asked last, so whatever is loaded comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gdb

from gdb_tls.hosts.gdb.library_objects import object_of, value_of
from gdb_tls.hosts.native.library_contents import class_of, contents_of, hint_of, is_text
from gdb_tls.hosts.native.library_objects import Characters, Contents, Object
from gdb_tls.hosts.native.not_laid_out import NotLaidOut

ANY = re.compile(r"std::(?:__\w+::)?any$")


class Text:
    """What GDB asks of a pretty printer; that of a string must not offer elements.

    Args:
        one: the object.
        name: its class, without namespaces and arguments.
    """

    def __init__(self, one: Object[gdb.Type], name: str) -> None:
        """Reads nothing: GDB also asks whether there is a printer at all."""
        self._object = one
        self._name = name
        self._contents: Contents[gdb.Type] | None = None

    def _all(self) -> Contents[gdb.Type]:
        if self._contents is None:
            self._contents = contents_of(self._object, self._name)
        return self._contents

    def to_string(self) -> Any:
        """What is before the elements; of a string the characters, of which GDB reads as many as it shows."""
        try:
            self._all()
        except NotLaidOut as error:
            self._contents = f"<{error}>", iter(())
        except gdb.MemoryError as error:
            self._contents = f"<error: {error}>", iter(())
        text = self._all()[0]
        if isinstance(text, Characters):
            return gdb.Value(text.address).cast(text.kind.pointer()).lazy_string(length=text.length)
        return text or None

    def display_hint(self) -> str | None:
        """How GDB puts it together."""
        try:
            return hint_of(self._object, self._name)
        except (NotLaidOut, gdb.MemoryError):  # what is before the elements says it
            return None


class Elements(Text):
    """Of a class that has elements, or members that are shown."""

    def children(self) -> Iterator[tuple[str, Any]]:
        """The elements; of a map, the keys and values in turn."""
        for name, child in self._all()[1]:
            yield name, value_of(child)


def printer(value: gdb.Value) -> Text | None:
    """The printer of a value; None for what is no class of the library, or is only declared."""
    if value.type.strip_typedefs().code != gdb.TYPE_CODE_STRUCT or value.address is None:
        return None
    one = object_of(value)
    name = class_of(one)
    if not name:
        return None
    return (Text if is_text(name) else Elements)(one, name)


def of_any(value: gdb.Value) -> Text | None:
    """The printer of a std::any: libstdc++'s fails, and GDB says so, where what is held has another name to GDB."""
    bare = value.type.strip_typedefs()
    return printer(value) if bare.code == gdb.TYPE_CODE_STRUCT and ANY.match(bare.name or "") else None


@contextmanager
def own_printers() -> Iterator[None]:
    """Has GDB use these printers after all others, for the time inside."""
    gdb.pretty_printers.append(printer)
    gdb.pretty_printers.insert(0, of_any)
    hidden = [one for one in gdb.objfiles() if one.pretty_printers]
    for one in hidden:  # an objfile's are asked first
        one.pretty_printers.insert(0, of_any)
    try:
        yield
    finally:
        gdb.pretty_printers.remove(printer)
        gdb.pretty_printers.remove(of_any)
        for one in hidden:
            one.pretty_printers.remove(of_any)
