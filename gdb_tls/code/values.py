"""What a register or a stack slot can hold, as far as thread-local storage is concerned.

A value is one of the records below, or None where nothing is known of it.  Questions about a crash read them
backwards: `Displaced(Loaded(at, TlsAddress(buffer, 0)), 8)` is the member at +8 of what `buffer` points to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional, Union

from gdb_tls.tuples import NamedTuple

# Joins of more alternatives than this, and chains of more loads, are unknown values.
MOST_ALTERNATIVES = 4
LONGEST_CHAIN = 6


class TlsTarget(NamedTuple):
    """What a place in the code refers to.

    Attributes:
        symbol: the name by which the dynamic linker looks for the block; None for the file's own block.
        defined: whether the file itself defines that symbol; the dynamic linker may still have taken another's.
        slot: the address of the GOT entry, as the file is linked, whose memory says what was bound; None for none.
    """

    symbol: str | None = None
    defined: bool = True
    slot: int | None = None


OWN_BLOCK = TlsTarget()


class Number(NamedTuple):
    """A known number: a constant, or an address as the file is linked."""

    number: int


class ThreadPointer(NamedTuple):
    """The thread pointer, plus an offset; `exact` is false where an unknown index was added."""

    offset: int
    exact: bool = True


class TlsOffset(NamedTuple):
    """The distance from the thread pointer to an offset in a block (from an initial-exec slot or a TLS descriptor)."""

    target: TlsTarget
    offset: int
    exact: bool = True


class TlsAddress(NamedTuple):
    """The address of an offset in a block, in the running thread.

    Attributes:
        target: whose block.
        offset: in the block, if the target is the file's own block; from the symbol else.
        exact: false for an element of an array whose index is not known.
        is_base: the block's beginning as local-dynamic code has it, to which the variable's offset is still added.
    """

    target: TlsTarget
    offset: int
    exact: bool = True
    is_base: bool = False


class StackAddress(NamedTuple):
    """An address in the function's frame.

    Attributes:
        base: "entry" (the stack pointer at the function's first instruction) or the register that is counted from.
        offset: in bytes.
    """

    base: str
    offset: int


class Argument(NamedTuple):
    """What a register held when the function began.

    Attributes:
        register: as the decoder names it.
    """

    register: str


class Result(NamedTuple):
    """What a call returned.

    Attributes:
        at: the address of the call.
    """

    at: int


def place_of_result(at: int) -> str:
    """What the memory is called whose address a call returned."""
    return f"@{at:x}"


class Filled(NamedTuple):
    """What is in memory of which functions were given the address, since they were called.

    Attributes:
        calls: the address of each call, and the register that had the memory's address; the latest first.
        offset: in that memory.
        width: in bytes.
        before: what was there before; None where that is not known.
    """

    calls: tuple[tuple[int, str], ...]
    offset: int
    width: int
    before: Optional[Value]  # noqa: UP045 - evaluated by Python 3.9


class Loaded(NamedTuple):
    """A value read from memory.

    Attributes:
        at: the address of the instruction that read it.
        address: where it was read from; None where that is not known.
        width: in bytes.
    """

    at: int
    address: Optional[Value]  # noqa: UP045 - evaluated by Python 3.9
    width: int


class Displaced(NamedTuple):
    """A value plus a constant."""

    value: Value
    offset: int


class Derived(NamedTuple):
    """Something computed from values: an element's address, a masked or scaled number.

    Attributes:
        sources: the loads, arguments and results of calls among them.
        flipped: whether it is a bool, or the contrary of one; None for anything else.
    """

    sources: frozenset[Value]
    flipped: Optional[bool] = None  # noqa: UP045 - evaluated by Python 3.9


class Either(NamedTuple):
    """One of several values, by the way that the function took; None among them is "or something unknown"."""

    values: frozenset[Optional[Value]]  # noqa: UP045 - evaluated by Python 3.9


Value = Union[
    Number,
    ThreadPointer,
    TlsOffset,
    TlsAddress,
    StackAddress,
    Argument,
    Result,
    Filled,
    Loaded,
    Displaced,
    Derived,
    Either,
]


def pointed_place(value: Value | None) -> tuple[str, int] | None:
    """Where an address leads, as `State.stack` has it: into the own frame, or to what was given or returned."""
    if isinstance(value, StackAddress):
        return value.base, value.offset
    offset = value.offset if isinstance(value, Displaced) else 0
    base = value.value if isinstance(value, Displaced) else value
    if isinstance(base, Result):
        return place_of_result(base.at), offset
    return (f"*{base.register}", offset) if isinstance(base, Argument) else None


def plus(value: Value | None, offset: int) -> Value | None:
    """The value, moved by a constant."""
    if offset == 0 or value is None:
        return value
    if isinstance(value, Number):
        return Number(value.number + offset & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, ThreadPointer):
        return ThreadPointer(signed(value.offset + offset), value.exact)
    if isinstance(value, TlsOffset):
        return TlsOffset(value.target, value.offset + offset, value.exact)
    if isinstance(value, TlsAddress):
        # A loop over an array must come to an end: behind an unknown index, more displacement says nothing.
        return TlsAddress(value.target, value.offset + offset) if value.exact else value
    if isinstance(value, StackAddress):
        return StackAddress(value.base, value.offset + offset)
    if isinstance(value, Displaced):
        moved = value.offset + offset
        return Displaced(value.value, moved) if moved else value.value
    if isinstance(value, Derived):
        return value
    if isinstance(value, Either):
        return either(*(plus(one, offset) for one in value.values))
    return Displaced(value, offset)


def add(left: Value | None, right: Value | None) -> Value | None:
    """The sum of two values."""
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Number):
            return plus(one, signed(other.number))
        if isinstance(one, ThreadPointer) and isinstance(other, TlsOffset):
            return TlsAddress(other.target, other.offset + one.offset, one.exact and other.exact)
        if isinstance(one, Either):
            return either(*(add(alternative, other) for alternative in one.values))
    for one in (left, right):
        if isinstance(one, (TlsAddress, ThreadPointer, TlsOffset)):
            return one._replace(exact=False)
    return derived(left, right)


def derived(*values: Value | None) -> Value | None:
    """What was computed from the values, so that nothing but where they came from can be told."""
    found = frozenset(one for value in values for one in _origins(value))
    return Derived(found) if found else None


def _origins(value: Value | None) -> Iterator[Value]:
    """The loads, arguments and results of calls of which a value is made."""
    if isinstance(value, (Loaded, Argument, Result, Filled)):
        yield value
    elif isinstance(value, Displaced):
        yield from _origins(value.value)
    elif isinstance(value, (Derived, Either)):
        for one in value.sources if isinstance(value, Derived) else value.values:
            yield from _origins(one)


def alternatives(value: Value | None) -> Iterable[Value | None]:
    """The values of which it is one."""
    return value.values if isinstance(value, Either) else (value,)


def either(*values: Value | None) -> Value | None:
    """One of the values."""
    if len(values) == 2 and not isinstance(values[0], Either) and not isinstance(values[1], Either):
        same = identity(values[0]) == identity(values[1])  # as in most cases
        return values[0] if same else Either(frozenset(values))
    found: dict[object, Value | None] = {}
    for value in values:
        for one in alternatives(value):
            found.setdefault(identity(one), one)
    if len(found) == 1:
        return next(iter(found.values()))
    if set(found) == {None} or not found:
        return None
    if len(found) > MOST_ALTERNATIVES:
        return widened(*found.values())
    return Either(frozenset(found.values()))


def widened(*values: Value | None) -> Value | None:
    """What still holds of values that are too many to list."""
    blocks = {one.target: one for one in values if isinstance(one, TlsAddress)}
    if len(blocks) == 1:
        first = min(one.offset for one in values if isinstance(one, TlsAddress))
        return next(iter(blocks.values()))._replace(offset=first, exact=False)
    return derived(*values)


def identity(value: Value | None) -> object:
    """What makes two values the same one: a load is its instruction, by whatever way its address was found."""
    return value.at if isinstance(value, Loaded) and not isinstance(value.address, TlsAddress) else value


def loads_in(value: Value | None) -> Iterator[tuple[Loaded, bool]]:
    """Yields the loads of which a value is made, and whether it is just what was loaded."""
    if isinstance(value, Loaded):
        yield value, True
    elif isinstance(value, Displaced):
        for load, _ in loads_in(value.value):
            yield load, False
    elif isinstance(value, Derived):
        for one in value.sources:
            for load, _ in loads_in(one):
                yield load, False
    elif isinstance(value, Either):
        for alternative in value.values:
            yield from loads_in(alternative)


def depth(value: Value | None) -> int:
    """How many loads follow each other."""
    if isinstance(value, Loaded):
        return 1 + depth(value.address)
    if isinstance(value, Displaced):
        return depth(value.value)
    if isinstance(value, (Derived, Either)):
        return max(map(depth, value.sources if isinstance(value, Derived) else value.values), default=0)
    return 0


def signed(number: int, bits: int = 64) -> int:
    """A two's complement number, with its sign."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number
