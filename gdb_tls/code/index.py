"""All accesses to thread-local storage in one file's code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from gdb_tls.code.accesses import ADDRESS_TAKEN, Access, Recorder
from gdb_tls.code.arguments import ArgumentUses, dereferenced_arguments, uses_of_arguments
from gdb_tls.code.branches import aarch64_calls, x86_64_calls
from gdb_tls.code.candidates import Candidate, x86_64_offsets
from gdb_tls.code.emulated import GET_ADDRESS as EMULATED
from gdb_tls.code.emulated import address_of
from gdb_tls.code.execute import Execution, Surroundings
from gdb_tls.code.first_use import FirstUse, first_uses
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import Convention, Decoder, Instruction, Memory
from gdb_tls.code.own_block import OwnBlock
from gdb_tls.code.places import Places
from gdb_tls.code.regions import Regions, Undecided
from gdb_tls.code.slots import Slot, slots
from gdb_tls.code.stubs import Stubs
from gdb_tls.code.values import TlsAddress, TlsTarget, Value, signed
from gdb_tls.elf.file import ElfFile, open_elf, version
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64
from gdb_tls.elf.unwind import CallSite
from gdb_tls.errors import UnsupportedTarget

# A function that does no more than find a variable (`_ZTW...`, a getter) is not longer than this.
LONGEST_GETTER = 128
# Through so many calls the address of a variable is followed, into functions that are not longer.
MOST_CALLS, LONGEST_CALLEE = 6, 4096


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
        self._flows: dict[tuple[int, bool], FunctionFlow | None] = {}
        self._accesses: dict[int, list[Access]] = {}
        self._own = OwnBlock(file)
        local = self._own.place is not None
        self.places = Places(file.machine, self.functions, self.slots, local, lambda: self._decoder.split)
        self.stubs = Stubs(file, self.functions)
        self._resolver: Callable[[str], tuple[CodeIndex, int] | None] | None = None
        self._arguments: dict[int, frozenset[int]] = {}
        self._own_functions: dict[str, int | None] = {}
        self._argument_uses: dict[int, ArgumentUses | None] = {}
        self._getters: dict[int, Value | None] = {}
        self._emulated: list[Access] | None = None

    def accesses(
        self, first: int = 0, last: int | None = None, symbol: str | None = None, of: str | None = None
    ) -> list[Access]:
        """Finds the accesses to a range of a block, by code address.

        Args:
            first: the first offset in the block.
            last: the first offset behind the range; None for the whole block, and for every variable of other files.
            symbol: the name, for a variable that this file does not define.
            of: the path of another file, in whose block the range is, to which its functions lead (see `resolve`).

        Raises:
            MissingPackage: where there is no capstone.
        """
        found: set[Access] = set()
        for start in self._callers_of_imported if of else self._starts(first, last, symbol):
            found.update(self._of_function(start))
        wanted = (one for one in found if last is None or _is_of(one, first, last, symbol, of))
        return sorted(wanted, key=lambda one: (one.address, one.offset, one.kind))

    def emulated(self) -> list[Access]:
        """The accesses to variables of emulated TLS; their targets are those of `code.emulated`.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if self._emulated is None:
            getters = {target for target in {target for _, target in self.places.calls} if self._is_emulated(target)}
            found: set[Access] = set()
            for start in sorted(self._callers(getters)):
                flow = self._flow(self.functions.at(start), True)
                recorder = Recorder()
                if flow:
                    flow.record(recorder)
                found.update(one for one in recorder.accesses(start) if (one.target.symbol or "").startswith(EMULATED))
            self._emulated = sorted(found, key=lambda one: (one.address, one.offset, one.kind))
        return self._emulated

    def _is_emulated(self, callee: int) -> bool:
        """Whether what is called is the runtime of emulated TLS."""
        name = self.stubs.name(callee)
        if name is None:
            own = self.file.symbols([EMULATED]).get(EMULATED)
            return own is not None and own.value == callee
        return name == EMULATED

    def _emulated_address(self, callee: int, control: Value | None) -> Value | None:
        return address_of(control) if self._is_emulated(callee) else None

    def accesses_in(self, function: int) -> list[Access]:
        """The accesses of the function that begins at an address.

        Raises:
            MissingPackage: where there is no capstone.
        """
        return sorted(self._of_function(function), key=lambda one: (one.address, one.offset, one.kind))

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
                    found.add(UsedOffset(one.thread_offset + self._own.place[2], self._width_at(one.address)))
                elif not one.helps:
                    to_follow.add(start)
        followed = 0
        for piece in sorted(map(self.functions.at, to_follow), key=lambda one: (one.end - one.start, one.start)):
            start = piece.start
            followed += piece.end - start
            if most is not None and followed > most:
                break
            for access in self._of_function(start):
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
            self.accesses(first, last, symbol), self._of_function, lambda at: self._flow(self.functions.at(at))
        )

    def dereferenced_arguments(self, function: int) -> frozenset[int]:
        """The numbers, from 0, of the arguments that a function uses as an address without a check.

        Args:
            function: its beginning.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if function not in self._arguments:
            piece = self.functions.at(function)
            whole = piece.known and piece.start == function and not piece.continues
            instructions, sites = self._parts(piece) if whole else ([], [])
            self._arguments[function] = (
                dereferenced_arguments(instructions, function, self._execution, sites) if instructions else frozenset()
            )
        return self._arguments[function]

    def used_by_callee(self, access: Access) -> tuple[CodeIndex, int] | None:
        """The file and the function that uses a value unchecked as an address to which an access passes it.

        None where there is none, or it is not known.

        Raises:
            MissingPackage: where there is no capstone.
        """
        for target, argument in sorted(access.passed_to):
            called = self.called(target)
            if called and argument in called[0].dereferenced_arguments(called[1]):
                return called
        return None

    def through(self, access: Access, most: int = MOST_CALLS) -> list[Access] | None:
        """What the functions do with a variable to which an "address-taken" gives its address; None for anything.

        Args:
            access: the place.
            most: through how many calls the address is followed.

        Returns:
            accesses to the same block by the same function and instruction, which are those of what it calls.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if not access.passed_to or not most:
            return None
        found: list[Access] = []
        for target, argument in access.passed_to:
            called = self.called(target)
            uses = called[0].argument_uses(called[1]) if called else None
            if called is None or uses is None:
                return None
            for one in uses.accesses.get(argument, ()):
                inner = called[0].through(one, most - 1) if one.kind == ADDRESS_TAKEN else [one]
                if inner is None:
                    return None
                found += inner
        return [
            access._replace(
                offset=access.offset + one.offset,
                width=one.width,
                kind=one.kind,
                exact=access.exact and one.exact,
                after_write=one.after_write,
                of_null=one.of_null,
                passed_to=frozenset(),
            )
            for one in found
        ]

    def argument_uses(self, function: int) -> ArgumentUses | None:
        """What a function does with what its arguments point to; None where its code is not known, or too long.

        Args:
            function: its beginning.
        """
        if function not in self._argument_uses:
            piece = self.functions.at(function)
            whole = piece.known and piece.start == function and not piece.continues
            self._argument_uses[function] = None  # for a function that calls itself
            if whole and piece.end - piece.start <= LONGEST_CALLEE:
                instructions, sites = self._parts(piece)
                # One of its own: the index's may be at work on a caller.
                execution = Execution(self._decoder.convention, self._around, chains=False)
                self._argument_uses[function] = uses_of_arguments(instructions, function, execution, sites)
        return self._argument_uses[function]

    def _given_back(self, target: int) -> tuple[int, int] | None:
        """Which argument the function that is called returns, and what it adds to it; None for none."""
        called = self.called(target)
        uses = called[0].argument_uses(called[1]) if called else None
        return uses.gives_back if uses else None

    def _is_anchor(self, slot: Slot) -> bool:
        """Whether GCC may reach other variables from there, too: on AArch64 all local ones (-fsection-anchors)."""
        return self.file.machine == EM_AARCH64 and slot.target.symbol is None

    def _width_at(self, address: int) -> int | None:
        pieces = self._decoder.split(self.functions.code(address, address + 15), address)
        steps = self._decoder.template(pieces[0][1]).steps if pieces else ()
        operands = (one for step in steps for one in (step.to, *step.of) if isinstance(one, Memory) and one.thread)
        return max((one.width for one in operands), default=0) or None

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
        return self._flow(self.functions.at(owners.get(piece.start, piece.start)), True)

    def settled(self, value: Value | None) -> Value | None:
        """A distance from the thread pointer as a place in the file's own block, where it lies there."""
        return self._execution.settled(value)

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
        return self._decoder.convention

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
        return sorted(found | callers | (self._callers_of_imported if last is None else set()))

    def _callers_of_getters(self, pieces: Iterable[CodeRange]) -> set[int]:
        getters = {
            piece.start for piece in pieces if self._may_be_getter(piece) and self._returned(piece.start) is not None
        }
        if not getters:
            return set()
        stubs = {
            target
            for target in self._stubs_called
            for found in [self.called(target)]
            if found and found[0] is self and found[1] in getters
        }
        return self._callers(getters | stubs)

    @cached_property
    def _callers_of_imported(self) -> set[int]:
        """The functions that call other files' getters, as far as those are known."""
        return self._callers(
            {
                target
                for target in (self._stubs_called if self._resolver else ())
                for found in [self.called(target)]
                if found and found[0] is not self and self._returned(target) is not None
            }
        )

    def _callers(self, targets: set[int]) -> set[int]:
        found = {self.function_of(at) for at, target in self.places.calls if target in targets} if targets else set()
        return {one for one in found if one is not None}

    @cached_property
    def _stubs_called(self) -> set[int]:
        return {target for target in {target for _, target in self.places.calls} if self.stubs.name(target)}

    # ------------------------------------------------------------------ one function

    def _of_function(self, start: int) -> list[Access]:
        if start not in self._accesses:
            piece = self.functions.at(start)
            recorder = self._quickly(piece)
            if recorder is None:
                flow = self._flow(piece)
                recorder = Recorder()
                if flow:
                    flow.record(recorder)
            self._accesses[start] = list(recorder.accesses(piece.start if piece.known else None))
        return self._accesses[start]

    def _quickly(self, piece: CodeRange) -> Recorder | None:
        """What follows from a function's candidates; None where the whole function has to be followed."""
        candidates = self.places.by_function.get(piece.start, ())
        if not piece.known or not candidates:
            return None
        recorder = Recorder()
        try:
            self._regions.record(piece, candidates, recorder)
        except Undecided:
            return None
        return recorder

    @cached_property
    def _regions(self) -> Regions:
        slots, block = set(self.slots), self._own.place
        if self.file.machine == EM_AARCH64:
            slots |= {address >> 12 << 12 for address in self.slots}  # an adrp comes to the page first

        def leads_there(number: int) -> bool:
            return number in slots or (block is not None and block[0] <= signed(number) < block[1])

        def offsets_in(part: CodeRange) -> list[int]:
            if block is None or self.file.machine != EM_X86_64:
                return []
            return x86_64_offsets(self.functions.code(part.start, part.end), part.start, block[0], block[1])

        return Regions(self.functions, self._decoder, self._execution, offsets_in, leads_there)

    def _flow(self, piece: CodeRange, chains: bool = False) -> FunctionFlow | None:
        key = (piece.start, chains)
        if key not in self._flows:
            self._flows[key] = None  # for a function that calls itself
            instructions, sites = self._parts(piece, chains)
            start = piece.start if piece.known and not piece.continues else None
            if instructions:
                execution = self._execution_with_chains if chains else self._execution
                self._flows[key] = FunctionFlow(instructions, start, execution, sites)
        return self._flows[key]

    def _parts(self, piece: CodeRange, chains: bool = False) -> tuple[list[Instruction], list[CallSite]]:
        """The instructions of a piece and of the pieces that were moved away from it, and its exceptions' ways.

        That a frameless part is one makes no difference for accesses to thread-local storage, and costs a search.
        """
        found: dict[int, list[Instruction]] = {}
        waiting = [piece]
        sites: list[CallSite] = []
        while waiting:
            part = waiting.pop()
            sites += self.functions.call_sites(part.start)
            instructions = self._decoder.decode(self.functions.code(part.start, part.end), part.start)
            found[part.start] = instructions
            for one in instructions:
                target = one.goes_to if one.template.flow in ("jump", "branch") else None
                if target is None or part.start <= target < part.end:
                    continue
                other = self.functions.at(target)
                is_part = other.continues or (chains and other.start in self.places.frameless_parts)
                if is_part and other.start not in found and other not in waiting:
                    waiting.append(other)
        return [one for _, part in sorted(found.items()) for one in part], sites

    def _returned(self, target: int) -> Value | None:
        """What a short function returns on every way, where that is an address in thread-local storage."""
        if target not in self._getters:
            self._getters[target] = None
            called = self.called(target)
            if called and called[0] is self:
                self._getters[target] = self._returned_by(called[1])
            elif called:
                self._getters[target] = _from_outside(called[0]._returned(called[1]), called[0].file.path)
        return self._getters[target]

    def _returned_by(self, function: int) -> TlsAddress | None:
        piece = self.functions.at(function)
        if piece.start != function or not self._may_be_getter(piece):
            return None
        flow = self._flow(piece)
        result = self._decoder.convention.result
        # What was read since it came into the register may be no more than left there.
        values = {
            None if result in state.used else state.registers.get(result)
            for state in (flow.at_returns() if flow else ())
        }
        value = self._execution.settled(values.pop()) if len(values) == 1 else None
        return value if isinstance(value, TlsAddress) else None

    def called(self, address: int) -> tuple[CodeIndex, int] | None:
        """The file and the function that a call leads to; None where it is not known.

        Args:
            address: what the code calls: a function of this file, a stub, or a GOT entry.
        """
        name = self.stubs.name(address)
        if name is None:
            return self, address
        found = self._resolver(name) if self._resolver else None
        own = self._own_function(name) if found is None else None
        return (self, own) if own is not None else found

    def _own_function(self, name: str) -> int | None:
        """Where this file defines what a stub of its own is called after; None where it does not."""
        if name not in self._own_functions:
            symbol = self.file.symbols([name]).get(name)
            self._own_functions[name] = symbol.value if symbol else None
        return self._own_functions[name]

    def resolve(self, resolver: Callable[[str], tuple[CodeIndex, int] | None] | None) -> None:
        """Tells where the functions are that this file takes from others, so that what they return is known, too.

        Without it, a function that the file itself defines is taken to be the one that is called.

        Args:
            resolver: gives the index and the address of the function that a name is bound to; None where it cannot.
        """
        self._resolver = resolver
        for kept in (self._accesses, self._getters, self._flows, self._argument_uses):
            kept.clear()
        self.__dict__.pop("_callers_of_imported", None)
        self.__dict__.pop("_regions", None)

    def _may_be_getter(self, piece: CodeRange, through: int = 3) -> bool:
        """Whether a function is short, and touches thread-local storage or calls one that does."""
        if not piece.known or piece.end - piece.start > LONGEST_GETTER:
            return False
        if any(map(self._may_give_address, self.places.by_function.get(piece.start, ()))):
            return True
        search = x86_64_calls if self.file.machine == EM_X86_64 else aarch64_calls
        return through > 0 and any(
            self._may_be_getter(called, through - 1)
            for _, target in search(self.functions.code(piece.start, piece.end), piece.start)
            for called in [self.functions.at(target)]
            if called.start == target != piece.start
        )

    def _may_give_address(self, one: Candidate) -> bool:
        """Whether the address of a variable may come from a candidate, and not only what lies there."""
        if self.file.machine != EM_X86_64 or one.helps:
            return True
        slot = self.slots.get(one.slot) if one.slot is not None else None
        return slot.kind != "offset" if slot else one.thread_offset is None

    # ------------------------------------------------------------------ what the file stands on

    @cached_property
    def _decoder(self) -> Decoder:
        if self.file.machine == EM_X86_64:
            from gdb_tls.code.x86_64 import X86Decoder

            return X86Decoder()
        from gdb_tls.code.aarch64 import AArch64Decoder

        return AArch64Decoder()

    @cached_property
    def _around(self) -> Surroundings:
        return Surroundings(self.slots, self._own.place, self._own.word, self._returned, self._given_back)

    @cached_property
    def _execution(self) -> Execution:
        return Execution(self._decoder.convention, self._around, chains=False)

    @cached_property
    def _execution_with_chains(self) -> Execution:
        # The others need not know: they keep no arguments of calls.
        around = self._around._replace(emulated=self._emulated_address)
        return Execution(self._decoder.convention, around)


def _leading_to(slots: Iterable[Slot], first: int, last: int, symbol: str | None) -> set[int]:
    """The GOT entries by which code can come to a variable."""
    if symbol is not None:
        return {slot.address for slot in slots if slot.target.symbol == symbol}
    own = [slot for slot in slots if slot.target.defined]
    # A variable is one piece: what lies in its middle is reached from the last entry before, and one call for the
    # whole block serves all variables.
    before = max((slot.offset for slot in own if slot.offset <= first), default=first)
    return {slot.address for slot in own if slot.is_base or before <= slot.offset < last}


def _is_of(access: Access, first: int, last: int, symbol: str | None, of: str | None) -> bool:
    if symbol is not None:
        return access.target.symbol == symbol
    if access.target.file != of or not (of or access.target.defined):
        return False
    return access.offset < last and access.offset + max(access.width, 1) > first


def _from_outside(value: Value | None, path: str) -> Value | None:
    """An address that another file's function returned, as this file sees it."""
    if not isinstance(value, TlsAddress) or not value.target.defined:
        return value
    return value._replace(target=TlsTarget(value.target.symbol, False, None, path))


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
