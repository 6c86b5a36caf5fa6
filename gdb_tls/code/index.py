"""All accesses to thread-local storage in one file's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from gdb_tls.code.accesses import Access, Recorder
from gdb_tls.code.callees import Callees
from gdb_tls.code.candidates import Candidate
from gdb_tls.code.first_use import FirstUse, first_uses
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.followed import FollowedFunctions
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import Convention
from gdb_tls.code.operands import Surroundings
from gdb_tls.code.own_block import OwnBlock
from gdb_tls.code.places import Places
from gdb_tls.code.slots import Slot, slots
from gdb_tls.code.stubs import Stubs
from gdb_tls.code.values import Value
from gdb_tls.elf.file import ElfFile, open_elf, version
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64
from gdb_tls.errors import UnsupportedTarget
from gdb_tls.target.architectures import EMUTLS_GET_ADDRESS as EMULATED
from gdb_tls.tuples import NamedTuple


class UsedOffset(NamedTuple):
    """A place in a file's own block that its code uses.

    Attributes:
        offset: in the block, where an access begins (perhaps in the middle of a variable).
        width: in bytes; None where only following the code would tell it.
    """

    offset: int
    width: int | None


class CodeIndex:
    """The accesses of one file, found when they are asked for and kept.

    Attributes:
        file: the file.
        functions: its functions.
        slots: its GOT entries for thread-local storage, by address.
        stubs: its calls of what the dynamic linker binds.
        places: where it may touch thread-local storage.
        followed: what was found in its functions.
        callees: they, as their callers see them.
    """

    def __init__(self, file: ElfFile) -> None:
        """Reads nothing yet.

        Raises:
            UnsupportedTarget: for an architecture whose code is not read.
        """
        if file.machine not in (EM_X86_64, EM_AARCH64) or file.pointer_size != 8 or file.byte_order != "little":
            raise UnsupportedTarget(
                f"{file.path} has machine code that gdb-tls cannot read: not for this architecture yet",
                "It reads x86-64 and AArch64.",
            )
        self.file = file
        self.functions = Functions(file)
        self.slots: dict[int, Slot] = slots(file)
        self._own = OwnBlock(file)
        local = self._own.place is not None
        self.stubs = Stubs(file, self.functions)
        self.places = Places(file.machine, self.functions, self.slots, local, lambda: self.followed.decoder.split)
        self.followed = FollowedFunctions(file.machine, self.functions, self.places, self._surroundings)
        self.callees = Callees(file, self.functions, self.slots, self.stubs, self.places, self.followed)
        self._emulated: list[Access] | None = None

    def _surroundings(self) -> Surroundings:
        callees, own = self.callees, self._own
        return Surroundings(
            slots=self.slots,
            block=own.place,
            word=own.word,
            returned=callees.returned,
            given_back=callees.given_back,
            emulated=callees.emulated_address,
            ends=callees.never_returns,
        )

    def accesses(self, first: int = 0, last: int | None = None, symbol: str | None = None) -> list[Access]:
        """Finds the accesses to a range of a block, by code address.

        Args:
            first: the first offset in the block.
            last: the first offset behind the range; None for the whole block, and for every variable of other files.
            symbol: the name, for a variable that this file does not define.

        Raises:
            MissingPackage: where there is no capstone.
        """
        found: set[Access] = set()
        for start in self._starts(first, last, symbol):
            found.update(self.followed.accesses(start))
        wanted = (one for one in found if last is None or _is_of(one, first, last, symbol))
        return sorted(wanted, key=lambda one: (one.address, one.offset, one.kind))

    def emulated(self) -> list[Access]:
        """The accesses to variables of emulated TLS; their targets are those of `code.emulated`.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if self._emulated is None:
            getters = {
                target for target in {target for _, target in self.places.calls} if self.callees.is_emulated(target)
            }
            found: set[Access] = set()
            for start in sorted(self._callers(getters)):
                flow = self.followed.flow(self.functions.at(start), True)
                recorder = Recorder()
                if flow:
                    flow.record(recorder)
                found.update(one for one in recorder.accesses(start) if (one.target.symbol or "").startswith(EMULATED))
            self._emulated = sorted(found, key=lambda one: (one.address, one.offset, one.kind))
        return self._emulated

    def accesses_in(self, function: int) -> list[Access]:
        """The accesses of the function that begins at an address.

        Raises:
            MissingPackage: where there is no capstone.
        """
        return sorted(self.followed.accesses(function), key=lambda one: (one.address, one.offset, one.kind))

    def offsets(self, most: int | None = None) -> list[UsedOffset]:
        """The offsets in the file's own block that any code uses, by offset; few functions are followed for it.

        Args:
            most: so many bytes of functions are followed, the shortest ones first; what only others use is missing
                then. None for all.

        Raises:
            MissingPackage: where there is no capstone.
        """
        found: set[UsedOffset] = set()
        to_follow: set[int] = set()
        for start, candidates in self.places.by_function.items():
            for one in candidates:
                slot = self.slots.get(one.slot) if one.slot is not None else None
                if slot and not slot.is_base and not self._is_anchor(slot):
                    if slot.target.defined:
                        found.add(UsedOffset(slot.offset, None))
                elif one.thread_offset and one.begins and self._own.place:
                    found.add(UsedOffset(one.thread_offset + self._own.place[2], self.followed.width_at(one.address)))
                elif not one.helps:
                    to_follow.add(start)
        followed = 0
        for piece in sorted(map(self.functions.at, to_follow), key=lambda one: (one.end - one.start, one.start)):
            start = piece.start
            followed += piece.end - start
            if most is not None and followed > most:
                break
            for access in self.followed.accesses(start):
                if access.target.defined:
                    found.add(UsedOffset(access.offset, access.width or None))
        widths = {one.offset for one in found if one.width is not None}
        return sorted(
            (one for one in found if one.width is not None or one.offset not in widths),
            key=lambda one: (one.offset, one.width or 0),
        )

    def first_uses(self, first: int = 0, last: int | None = None, symbol: str | None = None) -> list[FirstUse]:
        """Finds where variables are made at first use; the arguments are those of `accesses`.

        Raises:
            MissingPackage: where there is no capstone.
        """
        return first_uses(
            self.accesses(first, last, symbol),
            self.followed.accesses,
            lambda at: self.followed.flow(self.functions.at(at)),
        )

    def _is_anchor(self, slot: Slot) -> bool:
        """Whether GCC may reach other variables from there, too: on AArch64 all local ones (-fsection-anchors)."""
        return self.file.machine == EM_AARCH64 and slot.target.symbol is None

    def unexplained(self, first: int, last: int, symbol: str | None = None) -> list[int]:
        """Where the functions begin that refer to just this range of a block, but of which no access was found.

        Of AArch64's code that is not known.  The arguments are those of `accesses`.
        """
        found = {one.function for one in self.accesses(first, last, symbol)}
        block = self._own.place

        def is_exact(one: Candidate) -> bool:
            slot = self.slots.get(one.slot) if one.slot is not None else None
            if slot is not None:
                if self._is_anchor(slot):
                    return False
                own = slot.target.defined and not slot.is_base and first <= slot.offset < last
                return slot.target.symbol == symbol if symbol is not None else own
            offset = one.thread_offset
            return symbol is None and block is not None and offset is not None and first <= offset + block[2] < last

        return sorted(
            start
            for start, candidates in self.places.by_function.items()
            if start not in found and self.functions.at(start).known and any(map(is_exact, candidates))
        )

    def flow(self, address: int) -> FunctionFlow | None:
        """The data flow of the function in which an address lies; None where there is no code.

        Raises:
            MissingPackage: where there is no capstone.
        """
        piece = self.functions.at(address)
        if piece.continues:
            owners = self.places.owners_of(frozenset((piece.start,)))
        else:
            owners = self.places.frameless_parts if piece.known else {}
        return self.followed.flow(self.functions.at(owners.get(piece.start, piece.start)), True)

    def settled(self, value: Value | None) -> Value | None:
        """A distance from the thread pointer as a place in the file's own block, where it lies there."""
        return self.followed.execution.settled(value)

    def function_of(self, address: int) -> int | None:
        """Where the function begins in which an address lies; None where no table knows."""
        piece = self.functions.at(address)
        if not piece.known:
            return None
        owners = self.places.owners_of(frozenset((piece.start,))) if piece.continues else {}
        return owners.get(piece.start, piece.start)

    @property
    def convention(self) -> Convention:
        """How its functions call each other."""
        return self.followed.decoder.convention

    def calls(self) -> Iterator[tuple[int, int, bool]]:
        """(place, target, whether the target is the address of a pointer) of every call or far jump that says where.

        Some are none: the bytes only look like one.
        """
        return self.places.calls_and_jumps()

    def is_stub(self, address: int) -> bool:
        """Whether an address lies in the PLT."""
        return self.stubs.has(address)

    def jump_slot(self, address: int) -> int | None:
        """Where the pointer is through which the stub at an address jumps (an entry of the PLT); None if none."""
        return self.stubs.pointer(address)

    # ------------------------------------------------------------------ which functions

    def _starts(self, first: int, last: int | None, symbol: str | None) -> Iterable[int]:
        wanted = self.slots.keys() if last is None else _leading_to(self.slots.values(), first, last, symbol)
        block = self._own.place

        def leads_there(one: Candidate) -> bool:
            if one.helps or (one.slot is not None and one.slot not in wanted):
                return False
            if one.thread_offset is None or block is None or last is None or symbol is not None:
                return True
            # A compiler may reach a member, or a neighbour, by what it added to the address.
            return first - 64 <= one.thread_offset + block[2] < last

        found = {start for start, candidates in self.places.by_function.items() if any(map(leads_there, candidates))}
        callers = self._callers_of_getters(map(self.functions.at, found))
        return sorted(found | callers)

    def _callers_of_getters(self, pieces: Iterable[CodeRange]) -> set[int]:
        getters = {
            piece.start
            for piece in pieces
            if self.callees.may_be_getter(piece) and self.callees.returned(piece.start) is not None
        }
        if not getters:
            return set()
        return self._callers(getters | {stub for stub in self._stubs_called if self.callees.called(stub) in getters})

    def _callers(self, targets: set[int]) -> set[int]:
        found = {self.function_of(at) for at, target in self.places.calls if target in targets} if targets else set()
        return {one for one in found if one is not None}

    @cached_property
    def _stubs_called(self) -> set[int]:
        return {target for target in {target for _, target in self.places.calls} if self.stubs.name(target)}


def _leading_to(slots: Iterable[Slot], first: int, last: int, symbol: str | None) -> set[int]:
    """The GOT entries by which code can come to a variable."""
    if symbol is not None:
        return {slot.address for slot in slots if slot.target.symbol == symbol}
    own = [slot for slot in slots if slot.target.defined]
    # A variable is one piece: what lies in its middle is reached from the last entry before, and one call for the
    # whole block serves all variables.
    before = max((slot.offset for slot in own if slot.offset <= first), default=first)
    return {slot.address for slot in own if slot.is_base or before <= slot.offset < last}


def _is_of(access: Access, first: int, last: int, symbol: str | None) -> bool:
    if symbol is not None:
        return access.target.symbol == symbol
    if not access.target.defined:
        return False
    return access.offset < last and access.offset + max(access.width, 1) > first


_known: dict[tuple[str, object], CodeIndex] = {}


def code_index(path: str) -> CodeIndex:
    """The index of a file, kept for as long as the file does not change.

    Raises:
        UnsupportedTarget: for an architecture whose code is not read.
        NotElf: where the file cannot be read.
    """
    file = open_elf(path)
    key = (path, file.build_id or version(path))
    if key not in _known:
        _known[key] = CodeIndex(file)
    return _known[key]
