"""Classes of the C++ library as people expect them, where no pretty printer for them is loaded.

GDB has none for libc++, and finds libstdc++'s only beside the library that is loaded: not for a core of another
distribution, a static executable or a copy of the library.  These are asked last, so whatever is loaded comes first.
Texts are worded as libstdc++'s own printers word them.  Members are found by name in the debug information; what is
not laid out as one of the two libraries has it is left to GDB.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gdb

from gdb_tls.hosts.gdb.library_members import (
    Children,
    NotLaidOut,
    address_of,
    cut,
    found,
    held,
    kind_of,
    name_of,
    text_of,
    word,
)
from gdb_tls.hosts.gdb.library_nodes import deque, hashed, linked, tree

NAME = re.compile(
    r"std::(?:__(?!debug|parallel|profile)\w+::)?(basic_string(?:_view)?|vector|unique_ptr|shared_ptr|weak_ptr|optional|array"
    r"|(?:unordered_)?(?:multi)?(?:map|set)|(?:forward_)?list|deque|variant|tuple|atomic|stack|queue|priority_queue)<"
)
BOOLEAN = "bool"
# What is before their members in `{}` says what these are.
PLAIN = ("unique_ptr", "shared_ptr", "weak_ptr", "optional", "tuple", "atomic")


class Text:
    """What GDB asks of a pretty printer; that of a string must not offer elements.

    Args:
        value: the object.
        name: its class, without namespaces and arguments.
    """

    def __init__(self, value: gdb.Value, name: str) -> None:
        """Reads nothing: GDB also asks whether there is a printer at all."""
        self._value = value
        self._name = name
        self._contents: tuple[str | Any, Children] | None = None

    def _all(self) -> tuple[str | Any, Children]:
        if self._contents is None:
            self._contents = CONTENTS[self._name](self._value)
        return self._contents

    def to_string(self) -> Any:
        """What is before the elements."""
        try:
            return self._all()[0]
        except NotLaidOut as error:
            return f"<{error}>"

    def display_hint(self) -> str | None:
        """How GDB puts it together."""
        return "string"


class Elements(Text):
    """Of a class that has elements, or members that are shown."""

    def children(self) -> Iterator[tuple[str, Any]]:
        """The elements; of a map, the keys and values in turn."""
        try:
            yield from self._all()[1]
        except NotLaidOut as error:
            yield "", f"<{error}>"

    def display_hint(self) -> str | None:
        """How GDB puts it together."""
        if self._name.endswith("map"):
            return "map"
        return None if self._name in PLAIN else "array"


def printer(value: gdb.Value) -> Text | None:
    """The printer of a value; None for what is no class of the library, or is laid out in no way that is known."""
    kind = kind_of(value)
    match = NAME.match(kind.name or "") if kind.code == gdb.TYPE_CODE_STRUCT else None
    if not match or value.address is None or not list(kind.fields()):
        return None
    return (Text if match[1].startswith("basic_string") else Elements)(value, match[1])


@contextmanager
def own_printers() -> Iterator[None]:
    """Has GDB use these printers after all others, for the time inside."""
    gdb.pretty_printers.append(printer)
    try:
        yield
    finally:
        gdb.pretty_printers.remove(printer)


def _elements(values: Iterator[gdb.Value]) -> Children:
    return ((f"[{index}]", one) for index, one in enumerate(values))


def _string(value: gdb.Value) -> tuple[Any, Children]:
    return text_of(value), iter(())


def _vector(value: gdb.Value) -> tuple[str, Children]:
    element = kind_of(value).template_argument(0)
    if element.strip_typedefs().name == BOOLEAN:
        return _bits(value)
    start, end = word(value, "_M_start", "__begin_"), word(value, "_M_finish", "__end_")
    room = word(value, "_M_end_of_storage", "__end_cap_", "__cap_")
    size = element.strip_typedefs().sizeof
    if not start <= end <= room or (end - start) % size:
        raise NotLaidOut(f"not a valid std::vector: its elements would be from 0x{start:x} to 0x{end:x}")
    length = (end - start) // size
    items = (held(start + index * size, element) for index in range(length))
    return f"std::vector of length {length}, capacity {(room - start) // size}", _elements(items)


def _bits(value: gdb.Value) -> tuple[str, Children]:
    start, length = word(value, "_M_start", "__begin_"), word(value, "__size_", default=-1)
    bits = 8 * gdb.lookup_type("long").sizeof
    if length < 0:  # libstdc++ has an iterator at the end: a word's address, and the bit's number in it
        finish = found(value, "_M_finish")
        length = (word(finish, "_M_p") - start) * 8 + word(finish, "_M_offset")
    if not 0 <= length < 1 << 40:
        raise NotLaidOut(f"not a valid std::vector<bool>: {length} bits")
    number, element = gdb.lookup_type("unsigned long"), kind_of(value).template_argument(0)
    items = (
        gdb.Value(int(held(start + index // bits * (bits // 8), number)) >> index % bits & 1).cast(element)
        for index in range(length)
    )
    return f"std::vector<bool> of length {length}", _elements(items)


def _array(value: gdb.Value) -> tuple[str, Children]:
    elements = found(value, "_M_elems", "__elems_")
    bare = kind_of(elements)
    low, high = bare.range() if bare.code == gdb.TYPE_CODE_ARRAY else (0, -1)
    return name_of(value), _elements(elements[index] for index in range(low, high + 1))


def _pointer(value: gdb.Value) -> tuple[str, Children]:
    kind = kind_of(value)
    target = kind.template_argument(0)
    bare = target.strip_typedefs()
    if bare.code == gdb.TYPE_CODE_ARRAY:
        target = bare.target()
    unique = (kind.name or "").find("unique_ptr<") >= 0
    names = ("_M_head_impl", "__ptr_") if unique else ("_M_ptr", "__ptr_")
    at = word(value, *names)
    name = name_of(value)
    if not unique:
        name += _counts(value, at)
    return name, iter([("get()", gdb.Value(at).cast(target.pointer()))])


def _counts(value: gdb.Value, at: int) -> str:
    counters = found(value, "_M_pi", "__cntrl_")
    if not int(counters):
        return " (empty)" if not at else ""
    block = counters.dereference()
    own = "_M_use_count" in {field.name for field in kind_of(block).fields()}
    if own:
        uses, weak = word(block, "_M_use_count", size=4), word(block, "_M_weak_count", size=4)
        weak -= bool(uses)
    else:  # libc++ counts from -1, and weak pointers by themselves
        mask = (1 << 8 * gdb.lookup_type("long").sizeof) - 1
        uses = (word(block, "__shared_owners_") + 1) & mask
        weak = word(block, "__shared_weak_owners_") + (0 if uses else 1)
    return f" (use count {uses}, weak count {weak})" if uses else f" (expired, weak count {weak})"


def _optional(value: gdb.Value) -> tuple[str, Children]:
    name = name_of(value)
    if not word(value, "_M_engaged", "__engaged_", size=1):
        return f"{name} [no contained value]", iter(())
    inside = found(value, "_M_payload", "__val_")
    return name, iter([("[contained value]", held(address_of(inside), kind_of(value).template_argument(0)))])


def _variant(value: gdb.Value) -> tuple[str, Children]:
    kind = kind_of(value)
    index = found(value, "_M_index", "__index")
    number, name = int(index), name_of(value)
    if number < 0 or number >> (8 * index.type.strip_typedefs().sizeof - 1) & 1:
        return f"{name} [no contained value]", iter(())
    try:
        chosen = kind.template_argument(number)
    except (RuntimeError, gdb.error):
        raise NotLaidOut(f"not a valid std::variant: index {number}") from None
    data = found(value, "_M_u", "__data")
    return f"{name} [index {number}]", iter([("", held(address_of(data), chosen))])


def _tuple(value: gdb.Value) -> tuple[str, Children]:
    parts: list[tuple[int, gdb.Value]] = []
    _leaves(value, parts, 0)
    parts.sort(key=lambda one: one[0])
    return "std::tuple containing", iter([(f"[{index + 1}]", one) for index, one in parts])


def _leaves(value: gdb.Value, parts: list[tuple[int, gdb.Value]], depth: int) -> None:
    """The elements are members of base classes that have their numbers as first template arguments."""
    for field in kind_of(value).fields():
        if not hasattr(field, "bitpos") or depth > 64:
            continue
        inner = field.type.strip_typedefs()
        part = held(address_of(value) + field.bitpos // 8, field.type)
        leaf = re.match(r"std::(?:__\w+::)?(?:_Head_base|__tuple_leaf)<(\d+)", inner.name or "")
        if leaf:
            member = next((one for one in inner.fields() if one.name in ("_M_head_impl", "__value_")), None)
            # An empty class is a base of its leaf, and has no bytes.
            shown = (
                held(address_of(part) + member.bitpos // 8, member.type)
                if member
                else part.cast(inner.template_argument(1))
            )
            parts.append((int(leaf[1]), shown))
        elif field.is_base_class or field.name == "__base_":
            _leaves(part, parts, depth + 1)


def _atomic(value: gdb.Value) -> tuple[str, Children]:
    inside = found(value, "__a_value", "_M_i", "_M_p")
    return name_of(value), iter([("load()", inside)])


def _adapter(value: gdb.Value) -> tuple[str, Children]:
    inside = found(value, "c")
    text, children = CONTENTS[(NAME.match(kind_of(inside).name or "") or ["", ""])[1]](inside)
    what = re.sub(r"<.*", "", name_of(value))
    return f"{what} wrapping: {text}", children


CONTENTS: dict[str, Callable[[gdb.Value], tuple[Any, Children]]] = {
    "": lambda value: cut(value),
    "basic_string": _string,
    "basic_string_view": _string,
    "vector": _vector,
    "array": _array,
    **dict.fromkeys(("unique_ptr", "shared_ptr", "weak_ptr"), _pointer),
    "optional": _optional,
    "variant": _variant,
    "tuple": _tuple,
    "atomic": _atomic,
    "deque": deque,
    **dict.fromkeys(("list", "forward_list"), linked),
    **dict.fromkeys(("map", "set", "multimap", "multiset"), tree),
    **{f"unordered_{name}": hashed for name in ("map", "set", "multimap", "multiset")},
    **dict.fromkeys(("stack", "queue", "priority_queue"), _adapter),
}
