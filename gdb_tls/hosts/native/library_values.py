"""Classes of the C++ library that hold one thing, or say one: what people want to know of them, in a line.

Members are named as libstdc++ and libc++ name them, those of locks as glibc does (sysdeps/nptl/bits/struct_mutex.h,
struct_rwlock.h, thread-shared-types.h); an object that is not laid out so is shown as it is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gdb_tls.hosts.native.library_objects import Characters, Children, Contents, Kind, Object, characters
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.type_names import first_arguments, short_type

INNER = r"std::(?:(?:__(?!debug|parallel|profile)|_V)\w+::)?"
TEMPLATE = re.compile(
    rf"{INNER}(?:chrono::)?(function|bitset|span|initializer_list|pair|expected|duration|time_point)<"
)
CLASS = re.compile(
    rf"{INNER}(?:(any|(?:recursive_|timed_|recursive_timed_|shared_|shared_timed_)?mutex|once_flag|condition_variable)"
    r"|(?:experimental::)?(?:__fs::|fundamentals_v\d::|v\d::)?filesystem::(?:__cxx11::|v1::)?(?:__cxx11::)?(path)"
    r"|chrono::(year_month_day))$"
)
# One of the members by which a class is known to be laid out as it is read here.
MEMBERS = {
    "function": ("_M_invoker", "__f_"),
    "any": ("_M_manager", "__h_", "__h"),
    "bitset": ("_M_w", "__first_"),
    "span": ("_M_ptr", "__data_", "__data"),
    "initializer_list": ("_M_array", "__begin_"),
    "pair": ("second",),
    "expected": ("_M_has_value", "__has_val_"),
    "duration": ("__r", "__rep_"),
    "time_point": ("__d", "__d_"),
    "year_month_day": ("_M_y", "__y_"),
    "path": ("_M_pathname", "__pn_"),
    "once_flag": ("_M_once", "__state_"),
    "condition_variable": ("__wrefs",),
    "shared_mutex": ("__readers",),
    "shared_timed_mutex": ("__readers",),
}
OF_MUTEX = ("__owner",)
MOST_BITS = 64
# libstdc++'s and libc++'s code that knows what is held has its type among its template arguments.
HELD = re.compile(
    r"_Manager(?:_internal|_external)|_SmallHandler|_LargeHandler|_Function_handler|__func|__policy_invoker"
)

# In the demangler's words; debuggers write 8 for 8ul.
LITERALS = re.compile(r"(?<=\d)u?l{0,2}(?=[>,])")


def class_of(one: Object[Kind]) -> str:
    """The class's name, without namespaces and arguments; empty for what is not shown here."""
    match = TEMPLATE.match(one.full_name) or CLASS.match(one.full_name)
    name = next((group for group in match.groups() if group), "") if match else ""
    return name if name and any(map(one.has, MEMBERS.get(name, OF_MUTEX))) else ""


def _any(one: Object[Kind]) -> Contents[Kind]:
    """What it holds is told by the name of the function that manages it."""
    manager = one.word("_M_manager", "__h_", "__h")
    if not manager:
        return f"{one.name} [no contained value]", iter(())
    held = _held(one, manager, 0)
    if not held:
        return f"{one.name} with a value of a type that is not known", iter(())
    kind = one.reader.named(held)
    text = f"{one.name} containing {short_type(held)}"
    if kind is None:
        return text, iter(())
    inside = re.search(r"_internal|_SmallHandler", one.reader.symbol(manager))
    place = one.found("_M_buffer", "__buf_", "__buf") if inside else one.found("_M_ptr", "__ptr_", "__ptr")
    address = place.address if inside else one.word_at(place.address)
    return text, iter([("[contained value]", one.other(address, kind))])


def _function(one: Object[Kind]) -> Contents[Kind]:
    """The function or the object that it calls."""
    if one.has("_M_invoker"):
        code, place = one.word("_M_invoker"), one.found("_M_functor").address
        if not one.word("_M_manager"):
            return f"{one.name} [no target]", iter(())
        held = _held(one, code, 1)
    else:  # libc++'s holder has a table of its functions; behind the pointer to that is the target
        outer = one.found("__f_")
        holder = outer.other(outer.address, outer.kind).found("__f_").value() if outer.has("__f_") else outer.value()
        if not holder:
            return f"{one.name} [no target]", iter(())
        held, place = _held(one, one.word_at(holder), 0), holder + one.reader.word
    if "(*)" in held:
        called = one.reader.symbol(one.word_at(place))
        return f"{one.name} calling {called or hex(one.word_at(place))}", iter(())
    return f"{one.name} calling {short_type(held) if held else 'what is not known'}", iter(())


def _held(one: Object[Kind], address: int, index: int) -> str:
    """The type among the template arguments of what is at an address; empty where no symbol tells."""
    name = one.reader.symbol(address)
    match = HELD.search(name)
    arguments = first_arguments(name[match.start() :]) if match else []
    return LITERALS.sub("", f"{arguments[index]}>")[:-1] if index < len(arguments) else ""


def _bitset(one: Object[Kind]) -> Contents[Kind]:
    count = int((re.search(r"bitset<(\d+)", one.full_name) or ["", "0"])[1])
    size = one.reader.word
    start = one.found("_M_w", "__first_").address if count else 0
    words = [one.word_at(start + at * size) for at in range((count + 8 * size - 1) // (8 * size))]
    if count <= MOST_BITS:
        value = sum(word << (8 * size * at) for at, word in enumerate(words))
        return f"{one.name} 0b{value:0{count}b}" if count else one.name, iter(())
    bits = [8 * size * at + bit for at, word in enumerate(words) for bit in range(8 * size) if word >> bit & 1]
    return f"{one.name}, {len(bits)} set{': ' if bits else ''}{', '.join(map(str, bits))}", iter(())


def _row(one: Object[Kind]) -> Contents[Kind]:
    """A view of elements that lie one after the other."""
    start = one.word("_M_ptr", "_M_array", "__data_", "__data", "__begin_")
    length = one.word("_M_extent_value", "_M_len", "__size_", "__size", default=-1)
    if length < 0:  # it is part of the type
        extent = re.match(r"\d+", [*first_arguments(one.full_name), "", ""][1])
        if not extent:
            raise NotLaidOut("not laid out as a library that is known here")
        length = int(extent[0])
    element = one.argument()
    size = one.reader.size(element)
    if length >> 40:
        raise NotLaidOut(f"not a valid {one.name}: a length of {length}")
    items = ((f"[{at}]", one.other(start + at * size, element)) for at in range(length))
    return f"{re.sub(r'<.*', '', one.name)} of length {length}", items


def _pair(one: Object[Kind]) -> Contents[Kind]:
    return "", iter([(name, one.found(name)) for name in ("first", "second")])


def _expected(one: Object[Kind]) -> Contents[Kind]:
    if not one.word("_M_has_value", "__has_val_", size=1):
        return one.name, iter([("[unexpected]", one.found("_M_unex", "__unex_"))])
    if not one.has("_M_val") and not one.has("__val_"):  # of void
        return f"{one.name} [as expected]", iter(())
    return one.name, iter([("[contained value]", one.found("_M_val", "__val_"))])


def _duration(one: Object[Kind]) -> Contents[Kind]:
    from gdb_tls.hosts.native.library_times import duration

    return duration(one), iter(())


def _time_point(one: Object[Kind]) -> Contents[Kind]:
    from gdb_tls.hosts.native.library_times import time_point

    return time_point(one), iter(())


def _date(one: Object[Kind]) -> Contents[Kind]:
    parts = [one.found(*names) for names in (("_M_y", "__y_"), ("_M_m", "__m_"), ("_M_d", "__d_"))]
    year, month, day = (one.reader.number(part.address, one.reader.size(part.kind)) for part in parts)
    year -= (year >> 15) << 16
    return f"{year:04}-{month:02}-{day:02}", iter(())


def _path(one: Object[Kind]) -> tuple[Characters[Kind], Children[Kind]]:
    return characters(one.found("_M_pathname", "__pn_")), iter(())


def _mutex(one: Object[Kind]) -> Contents[Kind]:
    owner, depth = one.word("__owner", size=4), one.word("__count", size=4)
    if not one.word("__lock", size=4):
        return f"{one.name}, not locked", iter(())
    times = f" {depth} times" if depth > 1 else ""
    return f"{one.name}, locked{times} by LWP {owner}", iter(())


def _shared_mutex(one: Object[Kind]) -> Contents[Kind]:
    readers, writer = one.word("__readers", size=4) >> 3, one.word("__cur_writer", size=4)
    if writer:
        return f"{one.name}, locked by LWP {writer}", iter(())
    return f"{one.name}, {f'locked by {readers} for reading' if readers else 'not locked'}", iter(())


def _once(one: Object[Kind]) -> Contents[Kind]:
    state = one.word("_M_once", "__state_", size=1)
    known = {0: "not called", 1: "being called", 2: "called", 0xFF: "called"}
    return f"{one.name}, {known.get(state & 3 if state < 0x80 else state, 'being called')}", iter(())


def _condition(one: Object[Kind]) -> Contents[Kind]:
    return f"{one.name}, {one.word('__wrefs', size=4) >> 3} waiting", iter(())


CONTENTS: dict[str, Callable[[Object[Any]], Contents[Any]]] = {
    "any": _any,
    "function": _function,
    "bitset": _bitset,
    **dict.fromkeys(("span", "initializer_list"), _row),
    "pair": _pair,
    "expected": _expected,
    "duration": _duration,
    "time_point": _time_point,
    "year_month_day": _date,
    "path": _path,
    **dict.fromkeys(("mutex", "timed_mutex", "recursive_mutex", "recursive_timed_mutex"), _mutex),
    **dict.fromkeys(("shared_mutex", "shared_timed_mutex"), _shared_mutex),
    "once_flag": _once,
    "condition_variable": _condition,
}
