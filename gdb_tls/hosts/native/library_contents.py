"""Classes of the C++ library as people expect them: what is before their elements, and the elements.

Texts are worded as libstdc++'s own printers for GDB word them.  Members are found by name in the debug information;
what is not laid out as one of the two libraries has it is left to the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from gdb_tls.hosts.native import library_values
from gdb_tls.hosts.native.library_nodes import deque, hashed, linked, tree
from gdb_tls.hosts.native.library_objects import Bit, Children, Contents, Kind, Object, Pointer, characters, unknown
from gdb_tls.hosts.native.not_laid_out import NotLaidOut

NAME = re.compile(
    r"std::(?:__(?!debug|parallel|profile)\w+::)?(basic_string(?:_view)?|vector|unique_ptr|shared_ptr|weak_ptr|optional|array"
    r"|(?:unordered_)?(?:multi)?(?:map|set)|(?:forward_)?list|deque|variant|tuple|atomic|stack|queue|priority_queue)<"
)
BOOLEAN = "bool"
# What is before their members in `{}` says what these are.
PLAIN = ("unique_ptr", "shared_ptr", "weak_ptr", "optional", "tuple", "atomic", "any", "pair", "expected")
# libstdc++'s own printers write the numbers of these elements, and some member by which it is told.
GNU_NUMBERED = re.compile(r"(?:forward_)?list$|(?:unordered_)?(?:multi)?set$")
GNU_MEMBERS = ("_M_header", "_M_before_begin", "_M_next")


def class_of(one: Object[Kind]) -> str:
    """The class's name, without namespaces and arguments; empty for what is none of the library, or only declared."""
    if not one.full_name.startswith("std::") or not one.reader.is_class(one.kind) or not one.reader.fields(one.kind):
        return ""
    match = NAME.match(one.full_name)
    return match[1] if match else library_values.class_of(one)


def is_known(name: str) -> bool:
    """Whether a class of this whole name is shown as people expect it."""
    return any(pattern.match(name) for pattern in (NAME, library_values.TEMPLATE, library_values.CLASS))


def is_text(name: str) -> bool:
    """Whether a class is a string, which has no elements to be shown."""
    return name.startswith("basic_string") or name == "path"


def hint_of(one: Object[Kind], name: str) -> str | None:
    """How it is put together, as GDB calls it: "map", "array", "string", or None for elements with names."""
    if is_text(name):
        return "string"
    inside = INSIDE[name](one) if name in INSIDE else None
    if inside and (inner := _shown_as(one, inside)):
        return hint_of(inside, inner)
    if name.endswith("map"):
        return "map"
    if name in PLAIN or (GNU_NUMBERED.match(name) and any(map(one.has, GNU_MEMBERS))):
        return None
    return "array"


def contents_of(one: Object[Kind], name: str) -> Contents[Kind]:
    """What is before the elements, and the elements: of a map, the keys and values in turn.

    Raises:
        NotLaidOut: where it is not valid, or laid out in no way that is known; the elements may raise it, too.
    """
    return CONTENTS[name](one)


def _elements(values: Iterator[Object[Kind] | Bit[Kind]]) -> Children[Kind]:
    return ((f"[{index}]", one) for index, one in enumerate(values))


def _string(one: Object[Kind]) -> Contents[Kind]:
    return characters(one), iter(())


def _vector(one: Object[Kind]) -> Contents[Kind]:
    element = one.argument()
    if one.reader.name(element) == BOOLEAN:
        return _bits(one)
    start, end = one.word("_M_start", "__begin_"), one.word("_M_finish", "__end_")
    room = one.word("_M_end_of_storage", "__end_cap_", "__cap_")
    size = one.reader.size(element)
    if not size or not start <= end <= room or (end - start) % size:
        raise NotLaidOut(f"not a valid std::vector: its elements would be from 0x{start:x} to 0x{end:x}")
    length = (end - start) // size
    items = (one.other(start + index * size, element) for index in range(length))
    return f"std::vector of length {length}, capacity {(room - start) // size}", _elements(items)


def _bits(one: Object[Kind]) -> Contents[Kind]:
    start, length = one.word("_M_start", "__begin_"), one.word("__size_", default=-1)
    size = one.reader.word
    bits = 8 * size
    capacity = ""
    if length < 0:  # libstdc++ has an iterator at the end: a word's address, and the bit's number in it
        finish = one.found("_M_finish")
        capacity = f", capacity {(one.word('_M_end_of_storage') - start) * 8}"
        length = (finish.word("_M_p") - start) * 8 + finish.word("_M_offset")
    if not 0 <= length < 1 << 40:
        raise NotLaidOut(f"not a valid std::vector<bool>: {length} bits")
    element = one.argument()
    items = (Bit(element, one.word_at(start + index // bits * size) >> index % bits & 1) for index in range(length))
    return f"std::vector<bool> of length {length}{capacity}", _elements(items)


def _array(one: Object[Kind]) -> Contents[Kind]:
    elements = one.found("_M_elems", "__elems_")
    element, count = one.reader.array(elements.kind) or (elements.kind, 0)
    size = one.reader.size(element)
    return one.name, _elements(one.other(elements.address + index * size, element) for index in range(count))


def _pointer(one: Object[Kind]) -> Contents[Kind]:
    target = one.argument()
    of_array = one.reader.array(target)
    is_unique = "unique_ptr<" in one.full_name
    names = ("_M_head_impl", "__ptr_") if is_unique else ("_M_ptr", "__ptr_")
    at = one.word(*names)
    name = one.name if is_unique else one.name + _counts(one, at)
    return name, iter([("get()", Pointer(of_array[0] if of_array else target, at))])


def _counts(one: Object[Kind], at: int) -> str:
    counters = one.found("_M_pi", "__cntrl_")
    pointer = counters.value()
    if not pointer:
        return " (empty)" if not at else ""
    block = one.other(pointer, one.reader.target(counters.kind))
    if any(field.name == "_M_use_count" for field in one.reader.fields(block.kind)):
        uses, weak = block.word("_M_use_count", size=4), block.word("_M_weak_count", size=4)
        weak -= bool(uses)
    elif not block.has("__shared_owners_"):  # Clang describes libc++'s counters only where they are defined
        return ""
    else:  # libc++ counts from -1, and weak pointers by themselves
        mask = (1 << 8 * one.reader.word) - 1
        uses = (block.word("__shared_owners_") + 1) & mask
        weak = block.word("__shared_weak_owners_") + (0 if uses else 1)
    return f" (use count {uses}, weak count {weak})" if uses else f" (expired, weak count {weak})"


def _optional(one: Object[Kind]) -> Contents[Kind]:
    inside = _inside_optional(one)
    return (
        _holding(one, one.name, inside, "[contained value]")
        if inside
        else (f"{one.name} [no contained value]", iter(()))
    )


def _inside_optional(one: Object[Kind]) -> Object[Kind] | None:
    if not one.word("_M_engaged", "__engaged_", size=1):
        return None
    return one.other(one.found("_M_payload", "__val_").address, one.argument())


def _variant(one: Object[Kind]) -> Contents[Kind]:
    inside = _inside_variant(one)
    if not inside:
        return f"{one.name} [no contained value]", iter(())
    return _holding(one, f"{one.name} [index {one.word('_M_index', '__index')}]", inside, "")


def _inside_variant(one: Object[Kind]) -> Object[Kind] | None:
    index = one.found("_M_index", "__index")
    number = index.value()
    if number >> (8 * one.reader.size(index.kind) - 1) & 1:
        return None
    try:
        chosen = one.argument(number)
    except NotLaidOut:
        raise NotLaidOut(f"not a valid std::variant: index {number}") from None
    return one.other(one.found("_M_u", "__data").address, chosen)


INSIDE: dict[str, Callable[[Object[Any]], Object[Any] | None]] = {
    "optional": _inside_optional,
    "variant": _inside_variant,
}


def _holding(one: Object[Kind], text: str, inside: Object[Kind], label: str) -> Contents[Kind]:
    name = _shown_as(one, inside)
    if not name:
        return text, iter([(label, inside)])
    before, children = contents_of(inside, name)
    return f"{text} containing {before}", children


def _shown_as(one: Object[Kind], inside: Object[Kind]) -> str:
    """The class of what is held, where its elements are shown as the holder's own, as libstdc++'s printers do."""
    name = class_of(inside) if one.has("_M_u") or one.has("_M_payload") else ""
    return "" if is_text(name) else name


def _tuple(one: Object[Kind]) -> Contents[Kind]:
    parts: list[tuple[int, Object[Kind]]] = []
    _leaves(one, parts, 0)
    parts.sort(key=lambda part: part[0])
    return "std::tuple containing", iter([(f"[{index + 1}]", part) for index, part in parts])


def _leaves(one: Object[Kind], parts: list[tuple[int, Object[Kind]]], depth: int) -> None:
    """The elements are members of base classes that have their numbers as first template arguments."""
    for field in one.reader.fields(one.kind) if depth <= 64 else ():
        part = one.other(one.address + field.offset, field.type)
        leaf = re.match(r"std::(?:__\w+::)?(?:_Head_base|__tuple_leaf)<(\d+)", part.full_name)
        if leaf:
            inner = one.reader.fields(field.type)
            member = next((place for place in inner if place.name in ("_M_head_impl", "__value_")), None)
            # An empty class is a base of its leaf, and has no bytes.
            offset, kind = (member.offset, member.type) if member else (0, part.argument(1))
            parts.append((int(leaf[1]), one.other(part.address + offset, kind)))
        elif field.is_base or field.name == "__base_":
            _leaves(part, parts, depth + 1)


def _atomic(one: Object[Kind]) -> Contents[Kind]:
    return one.name, iter([("load()", one.found("__a_value", "_M_i", "_M_p"))])


def _adapter(one: Object[Kind]) -> Contents[Kind]:
    inside = one.found("c")
    text, children = contents_of(inside, (NAME.match(inside.full_name) or ["", ""])[1])
    return f"{re.sub(r'<.*', '', one.name)} wrapping: {text}", children


CONTENTS: dict[str, Callable[[Object[Any]], Contents[Any]]] = {
    "": unknown,
    **library_values.CONTENTS,
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
