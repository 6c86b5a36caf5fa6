"""Where a value came from, without regard to which function had it: what tracing through the frames gives.

`Word(at, Moved(Word(at, ThreadLocal(2, 0x10)), 8))` is the member at +8 of what a thread-local pointer points to.
None is a value of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional, Union

from gdb_tls.tuples import NamedTuple


class ThreadLocal(NamedTuple):
    """The address of an offset in a module's block, in the thread that ran the code.

    Attributes:
        module: its id.
        offset: in the block.
        exact: false for an element of an array whose index is not known.
    """

    module: int
    offset: int
    exact: bool = True


class Emulated(NamedTuple):
    """The address of a variable of emulated TLS (`__emutls_v.NAME`).

    Attributes:
        control: the address of its control variable.
        offset: in the variable.
    """

    control: int
    offset: int = 0


class Fixed(NamedTuple):
    """An address in the process that all threads have, or a number."""

    address: int


class Held(NamedTuple):
    """A number that a register holds, of which nothing else is known."""

    number: int


class Local(NamedTuple):
    """An address in the frame of a function, or in memory that it got from an allocator.

    Attributes:
        scope: which run of which function.
        base: what it is counted from, as `State.stack` has it.
        offset: in bytes.
    """

    scope: int
    base: str
    offset: int


class Specific(NamedTuple):
    """The value of a pthread key.

    Attributes:
        at: the call of pthread_getspecific, in the process.
        key: its number; None where it is not known.
    """

    at: int
    key: int | None


class Word(NamedTuple):
    """A value that was read from memory.

    Attributes:
        at: the instruction that read it, in the process.
        address: from where.
        width: in bytes.
    """

    at: int
    address: Source
    width: int


class Moved(NamedTuple):
    """A value plus a constant."""

    source: Source
    offset: int


class Computed(NamedTuple):
    """Something made from values: an element's address, a scaled number."""

    sources: frozenset[Source]


class OneOf(NamedTuple):
    """One of several, by the way that was taken; None among them is something unknown."""

    sources: frozenset[Optional[Source]]  # noqa: UP045 - evaluated by Python 3.9


Source = Union[ThreadLocal, Emulated, Fixed, Held, Local, Specific, Word, Moved, Computed, OneOf]


def moved(source: Source | None, offset: int) -> Source | None:
    """The source, moved by a constant."""
    if not offset or source is None:
        return source
    if isinstance(source, ThreadLocal):
        return source._replace(offset=source.offset + offset)
    if isinstance(source, Emulated):
        return source._replace(offset=source.offset + offset)
    if isinstance(source, Fixed):
        return Fixed((source.address + offset) % (1 << 64))
    if isinstance(source, Held):
        return Held((source.number + offset) % (1 << 64))
    if isinstance(source, Local):
        return source._replace(offset=source.offset + offset)
    if isinstance(source, Moved):
        return Moved(source.source, source.offset + offset)
    if isinstance(source, OneOf):
        return one_of(*(moved(one, offset) for one in source.sources))
    return source if isinstance(source, Computed) else Moved(source, offset)


def one_of(*sources: Source | None) -> Source | None:
    """One of the sources."""
    found: set[Source | None] = set()
    for source in sources:
        found.update(source.sources if isinstance(source, OneOf) else (source,))
    return next(iter(found)) if len(found) == 1 else OneOf(frozenset(found)) if found else None


def alternatives(source: Source | None) -> Iterator[Source | None]:
    """What it may be."""
    if isinstance(source, OneOf):
        yield from source.sources
    else:
        yield source
