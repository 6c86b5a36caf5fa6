"""The thread-local variables of which a value was made."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.evidence.sources import (
    Computed,
    Emulated,
    Fixed,
    Held,
    Moved,
    OneOf,
    Source,
    Specific,
    ThreadLocal,
    Word,
)
from gdb_tls.tuples import NamedTuple


class Leaf(NamedTuple):
    """One variable's share in a value.

    Attributes:
        place: the variable; None for anything that is not thread-local.
        at: the instruction that read it, in the process.
        width: how many bytes of it were read; of what is not known, how many the value has.
        path: the displacement at each pointer that was followed from there.
        added: what was added to what was read last.
        computed: whether more was done with it than following and adding constants: an index, a scaled number.
        fixed: of a variable that is not thread-local, its address; None where it is not known.
        number: of what is not known, the number that it is; None where that is not known either.
        instead: whether the variable was null, and the bad value is the constant with which the code went on instead.
    """

    place: ThreadLocal | Emulated | Specific | None
    at: int = 0
    width: int = 8
    path: tuple[int, ...] = ()
    added: int = 0
    computed: bool = False
    fixed: int | None = None
    number: int | None = None
    instead: bool = False


def leaves(
    source: Source | None, path: tuple[int, ...] = (), added: int = 0, computed: bool = False, width: int = 8
) -> Iterator[Leaf]:
    """Yields one leaf for each variable, and one without a place for what could not be followed.

    Args:
        source: the value.
        path: see `Leaf`, of the value.
        added: the same.
        computed: the same.
        width: how many bytes the value has.
    """
    if isinstance(source, Word):
        width = width if path else source.width
        moved = source.address if isinstance(source.address, Moved) else None
        address, displacement = (moved.source, moved.offset) if moved else (source.address, 0)
        if isinstance(address, (ThreadLocal, Emulated)):
            yield Leaf(address, source.at, source.width, path, added, computed)
        elif isinstance(address, Fixed):
            yield Leaf(None, source.at, source.width, path, added, computed, address.address)
        else:
            yield from leaves(address, (displacement, *path), added, computed, width)
    elif isinstance(source, Specific):
        yield Leaf(source, source.at, 8, path, added, computed)
    elif isinstance(source, Moved):
        yield from leaves(source.source, path, added + source.offset, computed, width)
    elif isinstance(source, Computed):
        for one in source.sources:
            yield from leaves(one, path, added, True, width)
    elif isinstance(source, OneOf):
        # It is one variable of the code, whichever way its value came.
        narrow = width if path else min((one.width for one in source.sources if isinstance(one, Word)), default=width)
        for alternative in source.sources:
            yield from leaves(alternative, path, added, computed, narrow)
    elif isinstance(source, Fixed):
        yield Leaf(None, computed=computed, fixed=source.address)
    elif isinstance(source, Held) and not path:
        yield Leaf(None, width=width, computed=computed, number=(source.number + added) % (1 << 64))
    else:
        yield Leaf(None, width=width, computed=computed)
