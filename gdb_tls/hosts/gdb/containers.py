"""Elements that only the debugger finds: those of lists, deques, sets and maps, and of arrays behind a descriptor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import gdb

from gdb_tls.hosts.gdb.library_objects import object_of
from gdb_tls.hosts.gdb.library_printers import own_printers
from gdb_tls.hosts.native.library_objects import characters
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.walk import no_element
from gdb_tls.target.model import Absence, Lookup, Place, State

# A container that was overwritten may say that it has any number of elements.
MOST_ELEMENTS = 100_000
STRING = re.compile(r"std::(__\w+::)?basic_string<")


def element(lookup: Lookup, address: int, name: str) -> Place:
    """The address of a container's element, or why there is none."""
    value = gdb.Value(address).cast(lookup.holder.pointer()).dereference()
    if lookup.holder.code == gdb.TYPE_CODE_ARRAY:
        return _of_array(value, int(lookup.key), name)
    if STRING.match(lookup.holder.name or ""):
        try:
            text = characters(object_of(value))
        except NotLaidOut as error:
            return Absence(State.UNREADABLE, str(error))
        wanted = int(lookup.key)
        inside = 0 <= wanted < text.length
        return text.address + wanted * text.kind.sizeof if inside else no_element(name, text.length, wanted)
    with own_printers():
        printer = gdb.default_visualizer(value)
    if printer is None or not hasattr(printer, "children"):
        return Absence(
            State.UNREADABLE, f"where {name} has its elements is not known: GDB has no pretty printer for it"
        )
    children = (child for _, child in islice(printer.children(), MOST_ELEMENTS))
    is_map = getattr(printer, "display_hint", lambda: None)() == "map"
    try:
        return _of_map(children, lookup.key, name) if is_map else _at(children, int(lookup.key), name)
    except NotLaidOut as error:
        return Absence(State.UNREADABLE, str(error))


def _of_array(value: gdb.Value, wanted: int, name: str) -> Place:
    """The address of an element of an array that a descriptor tells of."""
    text = "" if value.type.sizeof else value.format_string()
    if text.startswith("<not "):  # allocated, or associated
        return Absence(State.NULL, f"{name} is {text.strip('<>')}")
    low, high = value.type.range()
    if not low <= wanted <= high:
        return no_element(name, high - low + 1, wanted, low)
    return _address(value[wanted], f"{name}[{wanted}]")


def _at(children: Iterator[Any], wanted: int, name: str) -> Place:
    seen = 0
    for child in children:
        if seen == wanted:
            return _address(child, f"{name}[{wanted}]")
        seen += 1
    if seen >= MOST_ELEMENTS:
        return Absence(State.UNREADABLE, f"only the first {seen:,} elements of {name} are looked at")
    return no_element(name, seen, wanted)


def _of_map(children: Iterator[Any], key: str, name: str) -> Place:
    seen = 0
    for known, child in zip(children, children):
        seen += 1
        if _text(known) == key:
            return _address(child, f"{name}[{key}]")
    if 2 * seen >= MOST_ELEMENTS:
        of = f"it is not among its first {seen:,} keys, and the others were not looked at"
    else:
        of = f"none of its {seen:,} keys is it" if seen > 1 else "its one key is another" if seen else "it is empty"
    return Absence(State.UNREADABLE, f"{name} has no [{key}]: {of}")


def _text(key: Any) -> str:
    """A key as a user types it: without quotes, a character by its number or itself, an enumerator by its name."""
    if not isinstance(key, gdb.Value):
        return str(key)
    if STRING.match(key.type.strip_typedefs().name or "") and key.address is not None:
        with suppress(NotLaidOut, UnicodeDecodeError):  # all of it, without what GDB writes for quotes and repeats
            whole = characters(object_of(key))
            if whole.kind.sizeof == 1:
                return gdb.selected_inferior().read_memory(whole.address, whole.length).tobytes().decode()
    with own_printers():
        text = key.format_string()
    return text.strip('"') if text.startswith('"') else text


def _address(child: Any, name: str) -> Place:
    if isinstance(child, gdb.Value) and child.address is not None:
        return int(child.address)
    return Absence(State.UNREADABLE, f"{name} is not in memory as an object of its own")
