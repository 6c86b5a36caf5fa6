"""Arrays that a descriptor tells of: where their elements are, and how many (DWARF 5, 5.18: dynamic properties)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gdb_tls.hosts.direct.expressions import signed_word
from gdb_tls.hosts.native.dwarf_arrays import AT_ALLOCATED, AT_ASSOCIATED, AT_DATA_LOCATION, Bound
from gdb_tls.hosts.native.dwarf_types import DwarfType
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.walk import no_element
from gdb_tls.target.model import Absence, Place, State
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.tuples import NamedTuple

# What is longer is no array, but a descriptor with garbage.
MOST_ELEMENTS = 1 << 40


class Extent(NamedTuple):
    """One dimension as it is in the running program.

    Attributes:
        lower: the first index.
        number: of elements.
        stride: bytes from one to the next.
    """

    lower: int
    number: int
    stride: int


class Spread(NamedTuple):
    """Where an array's elements are.

    Attributes:
        address: of the first; 0 where there are none.
        extents: the dimensions, the outermost first.
        absence: "not allocated" or "not associated"; empty where it has elements.
    """

    address: int
    extents: tuple[Extent, ...]
    absence: str = ""


def spread(array: DwarfType, address: int, compute: Callable[[bytes, int], int]) -> Spread:
    """Reads the descriptor at an address.

    Args:
        array: its type.
        address: of the variable.
        compute: makes a word of an expression and the variable's address; see `expressions.value_of`.

    Raises:
        NotLaidOut: where it says nothing that makes sense.
    """
    entry = array.entry
    assert entry is not None

    def of(value: Bound) -> int | None:
        return signed_word(compute(value, address), word) if isinstance(value, bytes) else value

    def attribute(number: int) -> Bound:
        value = entry.attributes.get(number)
        return array.dwarf.block(entry, value) if isinstance(value, tuple) else value

    word = array.dwarf.address_size(entry.offset)
    for number, absence in ((AT_ALLOCATED, "not allocated"), (AT_ASSOCIATED, "not associated")):
        if of(attribute(number)) == 0:
            return Spread(0, (), absence)
    place = attribute(AT_DATA_LOCATION)
    if not isinstance(place, bytes):
        raise NotLaidOut("where its elements are is not said")
    stride, extents = array.target.size, []
    for one in reversed(array.dimensions):
        lower, upper, count, step = of(one.lower), of(one.upper), of(one.number), of(one.stride)
        if lower is None or (upper is None and count is None) or not array.target.size:
            raise NotLaidOut("how many elements it has is not known")
        number = max(upper - lower + 1, 0) if count is None and upper is not None else count or 0
        if number > MOST_ELEMENTS:
            raise NotLaidOut(f"not a valid array: it would have {number} elements")
        extents.append(Extent(lower, number, stride if step is None else step))
        stride = extents[-1].stride * number
    return Spread(compute(place, address), tuple(reversed(extents)))


def element(array: DwarfType, address: int, index: int, name: str, compute: Callable[[bytes, int], int]) -> Place:
    """The address of an element, or why there is none.

    Args:
        array: its type, which has one dimension.
        address: of the variable.
        index: as the language counts.
        name: of the array, for the reason.
        compute: see `spread`.
    """
    try:
        found = spread(array, address, compute)
    except NotLaidOut as error:
        return Absence(State.UNREADABLE, f"{name}: {error}")
    except UnreadableMemory as error:
        return Absence(State.UNREADABLE, f"{name} at 0x{error.args[0]:x} cannot be read")
    if found.absence:
        return Absence(State.NULL, f"{name} is {found.absence}")
    (extent,) = found.extents
    if not 0 <= index - extent.lower < extent.number:
        return no_element(name, extent.number, index, extent.lower)
    return found.address + (index - extent.lower) * extent.stride


def places(start: int, extent: Extent) -> Iterator[int]:
    """The addresses along one dimension."""
    return (start + index * extent.stride for index in range(extent.number))
