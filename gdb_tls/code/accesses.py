"""One place in the code that touches thread-local storage, and what it does there."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.code.state import CHECKED, PERHAPS, WRITTEN
from gdb_tls.code.values import Loaded, TlsAddress, TlsTarget
from gdb_tls.tuples import NamedTuple

WRITE = "write"
READ_CHECKED = "read-checked"
READ_DEREFERENCED = "read-dereferenced"
READ_PASSED = "read-passed"
ADDRESS_TAKEN = "address-taken"
READ = "read"
KINDS = (WRITE, READ_CHECKED, READ_DEREFERENCED, READ_PASSED, ADDRESS_TAKEN, READ)


class Access(NamedTuple):
    """One place.

    Attributes:
        address: of the instruction, as the file is linked.
        function: where its function begins; None where no table knows that.
        target: whose block.
        offset: in the block, if the target is the file's own or defined there; from the symbol else.
        width: in bytes; 0 for an address that is taken.
        kind: one of `KINDS`:
            "write": a value is stored, perhaps after reading the old one in the same instruction;
            "read-checked": the value is compared with a constant or tested before it is used as an address, on every
            way that the scan sees; a check of an earlier reading of the variable in the same function counts;
            "read-dereferenced": it is used as an address (or as an index) without that;
            "read-passed": it is given to a call or stored;
            "address-taken": the address of the variable is given to a call, stored or returned;
            "read": none of these could be told.
        exact: false for an element of an array whose index is not known.
        after_write: a "read-dereferenced" for which the function itself wrote the variable, and no null that the code
            shows, on every way to each use as an address: `p = make(); p->x`.  What was written may still be null,
            but no other function's omission is.  Never set with another kind.
        of_null: a write of zero.
        passed_to: of an "address-taken": the functions that the code names to which the address is given (what is
            called, a stub, or the GOT entry that leads there), and the argument's number, from 0; nothing where it
            may go anywhere else.
    """

    address: int
    function: int | None
    target: TlsTarget
    offset: int
    width: int
    kind: str
    exact: bool = True
    after_write: bool = False
    of_null: bool = False
    passed_to: frozenset[tuple[int, int]] = frozenset()


class Uses:
    """What happens to one loaded value."""

    __slots__ = ("checked", "dereferenced", "passed", "perhaps", "written")

    def __init__(self) -> None:
        """Begins without any."""
        self.checked = self.dereferenced = self.passed = self.perhaps = self.written = False

    def kind(self) -> str:
        """The kind of the access that loaded it."""
        if self.dereferenced:
            return READ_DEREFERENCED
        if self.perhaps:
            return READ
        if self.passed:
            return READ_PASSED
        if self.written:
            return READ_DEREFERENCED
        return READ_CHECKED if self.checked else READ


class Recorder:
    """Collects what the instructions of a function do.

    Attributes:
        loads: what happens to each value that is read from thread-local storage.
        misses_offset: whether something was added to the thread pointer of which nothing is known.
    """

    def __init__(self) -> None:
        """Begins empty."""
        self.misses_offset = False
        self.loads: dict[Loaded, Uses] = {}
        self._writes: dict[tuple[int, TlsAddress], tuple[int, bool]] = {}
        self._taken: dict[tuple[int, TlsAddress], frozenset[tuple[int, int]]] = {}

    def _uses(self, load: Loaded) -> Uses:
        known = self.loads.get(load)
        if known is None:
            known = self.loads[load] = Uses()
        return known

    def load(self, load: Loaded) -> None:
        """A value is read from thread-local storage."""
        self._uses(load)

    def write(self, at: int, address: TlsAddress, width: int, of_null: bool) -> None:
        """A value is stored there."""
        self._writes[at, address] = (width, of_null)

    def take(self, at: int, address: TlsAddress) -> None:
        """The address of a variable leaves the function."""
        self._taken[at, address] = frozenset()

    def give(self, at: int, address: TlsAddress, function: int, argument: int) -> None:
        """The address of a variable is an argument of a function."""
        known = self._taken.get((at, address))
        if known is None or known:
            self._taken[at, address] = (known or frozenset()) | {(function, argument)}

    def dereference(self, load: Loaded, status: int) -> None:
        """A loaded value is used as an address."""
        uses = self._uses(load)
        if status == CHECKED:
            uses.checked = True
        elif status == WRITTEN:
            uses.written = True
        elif status == PERHAPS:
            uses.perhaps = True
        else:
            uses.dereferenced = True

    def check(self, load: Loaded) -> None:
        """A loaded value is compared with a constant, or tested."""
        self._uses(load).checked = True

    def hand_over(self, load: Loaded, status: int) -> None:
        """A loaded value is given to a call, or stored."""
        uses = self._uses(load)
        if status == CHECKED:
            uses.checked = True
        else:
            uses.passed = True

    def may_depend_on_earlier_checks(self) -> bool:
        """Whether a variable is used unchecked in one place, and checked or written in another.

        Then it matters which of the places comes before the other, on every way through the function.
        """
        unchecked, known = set(), {place for _, place in self._writes}
        for load, uses in self.loads.items():
            if uses.dereferenced or uses.passed:
                unchecked.add(load.address)
            if uses.checked:
                known.add(load.address)  # type: ignore[arg-type]
        return not unchecked.isdisjoint(known)

    def accesses(self, function: int | None) -> Iterator[Access]:
        """Everything that was collected, as records."""
        for load, uses in self.loads.items():
            place = load.address
            assert isinstance(place, TlsAddress)
            after_write = uses.written and not uses.dereferenced
            yield Access(
                load.at,
                function,
                place.target,
                place.offset,
                load.width,
                uses.kind(),
                place.exact,
                after_write,
            )
        for (at, place), (width, of_null) in self._writes.items():
            yield Access(at, function, place.target, place.offset, width, WRITE, place.exact, False, of_null)
        for (at, place), passed_to in self._taken.items():
            yield Access(at, function, place.target, place.offset, 0, ADDRESS_TAKEN, place.exact, passed_to=passed_to)
