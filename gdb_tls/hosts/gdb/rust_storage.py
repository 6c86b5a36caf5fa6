"""Where Rust's std::thread_local! keeps a value, and what says whether it is there, by GDB's types."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

from gdb_tls.hosts.gdb.fields import is_placed
from gdb_tls.hosts.native.rust_types import (
    ALIVE,
    BORROW,
    BORROWED_CELL,
    CELL,
    DEEPEST,
    EAGER,
    IN_CELL,
    IN_OPEN_CELL,
    INNER,
    KEY,
    KNOWN,
    LAZY,
    OPEN_CELL,
    OPTION,
    STATES,
    borrowed,
    has_value,
    meaning,
)
from gdb_tls.target.model import Presence, Storage


def storage_of(bare: gdb.Type) -> tuple[Storage, gdb.Type] | None:
    """How a type of std keeps a value, and the value's type; None for all other types."""
    name = bare.name or ""
    if bare.code != gdb.TYPE_CODE_STRUCT or not name.startswith("std::"):
        return None
    if LAZY.match(name):
        whole = _field(bare, "value")
        state = _field(bare, "state")
        if state is None:
            return None
        place = (whole[0], _content(whole[1])) if whole else _alive(state[0], state[1])
        return (Storage(place[0], "lazy", bare), place[1]) if place else None
    if EAGER.match(name):
        whole = _field(bare, "val") or _field(bare, "value")
        return (Storage(whole[0], "eager", bare), _content(whole[1])) if whole and _field(bare, "state") else None
    if KEY.match(name):
        inner = _field(bare, "inner")
        place = _alive(inner[0], inner[1]) if inner and _field(bare, "dtor_state") else None
        return (Storage(place[0], "lazy", bare), place[1]) if place else None
    return None


def state_of(storage: Storage, address: int) -> str:
    """What the state at an address says; see `meaning`."""
    value = gdb.Value(address).cast(storage.debugger_type.pointer()).dereference()
    there = {field.name for field in storage.debugger_type.fields()}
    return meaning([_state_in(value[name]) for name in STATES if name in there], storage.kind)


def option_in(bare: gdb.Type) -> Presence | None:
    """Where a type has its Option, in whatever cells; None for other types."""
    at = 0
    for _ in range(DEEPEST):
        if OPTION.match(bare.name or ""):
            return Presence(at, bare.sizeof, bare)
        inner = _inside(bare)
        if inner is None:
            return None
        at, bare = at + inner.bitpos // 8, inner.type.strip_typedefs()
    return None


def has_value_at(option: gdb.Type, address: int) -> bool | None:
    """See `Target.has_value`."""
    # GDB gives a value of an enum the one variant that it is.
    value = gdb.Value(address).cast(option.pointer()).dereference()
    variants = [one.name or "" for one in value.type.strip_typedefs().fields() if not one.artificial]
    return has_value(variants[0]) if len(variants) == 1 else None


def contents_of(value: gdb.Value) -> tuple[gdb.Value, str]:
    """What is in the cells that a value is, and who borrows it; the value itself where it is none."""
    said = ""
    for _ in range(DEEPEST):
        bare = value.type.strip_typedefs()
        inner = _inside(bare)
        if inner is None or gdb.default_visualizer(value) is not None:  # rust-gdb's own
            break
        if BORROWED_CELL.match(bare.name or "") and not said:
            said = borrowed(int(contents_of(value[BORROW])[0]))
        value = value[inner]
    return value, said


def _inside(bare: gdb.Type) -> gdb.Field | None:
    """The member that is a cell's contents; None for what is no cell."""
    if bare.code != gdb.TYPE_CODE_STRUCT or not OPEN_CELL.match(bare.name or ""):
        return None
    return next((one for one in bare.fields() if one.name in IN_OPEN_CELL and is_placed(one)), None)


def _state_in(value: gdb.Value) -> str:
    """The name of the variant that an enum inside of cells has."""
    for _ in range(DEEPEST):
        kind = value.type.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_ENUM:
            number = int(value)
            return next((str(one.name) for one in kind.fields() if one.enumval == number), "").rpartition("::")[2]
        if kind.code != gdb.TYPE_CODE_STRUCT:
            return ""
        fields = [one for one in kind.fields() if is_placed(one)]
        if any(one.artificial for one in fields) or getattr(kind, "dynamic", False):  # since GDB 10
            # A value of an enum has only the variant that it is.
            variants = [one.name or "" for one in fields if not one.artificial]
            if len(variants) == 1 and variants[0] in KNOWN:
                return variants[0]
        inner = [one for one in fields if one.name in INNER]
        if len(inner) != 1:
            return ""
        value = value[inner[0]]
    return ""


def _field(holder: gdb.Type, name: str) -> tuple[int, gdb.Type] | None:
    return next(((one.bitpos // 8, one.type.strip_typedefs()) for one in holder.fields() if one.name == name), None)


def _content(kind: gdb.Type) -> gdb.Type:
    """What is in a cell, however many other cells of std are around it; they begin with their contents."""
    for _ in range(DEEPEST):
        if not CELL.match(kind.name or ""):
            break
        inner = next((one for one in kind.fields() if one.name in IN_CELL and one.bitpos == 0), None)
        if inner is None:
            break
        kind = inner.type.strip_typedefs()
    return kind


def _alive(offset: int, kind: gdb.Type) -> tuple[int, gdb.Type] | None:
    """Where the value is in an enum that holds it in one of its variants."""
    for at, inner in _enums(offset, kind, 0):
        variant = next((one for one in inner.fields() if one.name in ALIVE), None)
        content = next(iter(variant.type.fields()), None) if variant else None
        if variant is not None and content is not None:
            return at + (variant.bitpos + content.bitpos) // 8, content.type.strip_typedefs()
    return None


def _enums(offset: int, kind: gdb.Type, depth: int) -> Iterator[tuple[int, gdb.Type]]:
    if kind.code != gdb.TYPE_CODE_STRUCT or depth > DEEPEST:
        return
    fields = list(kind.fields())
    if any(one.name in ALIVE for one in fields):
        yield offset, kind
    for one in fields:
        if one.name in INNER:
            yield from _enums(offset + one.bitpos // 8, one.type.strip_typedefs(), depth + 1)
