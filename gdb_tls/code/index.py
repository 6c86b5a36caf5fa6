"""All accesses to thread-local storage in one file's code."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from gdb_tls.code.accesses import Access, Recorder
from gdb_tls.code.branches import (
    aarch64_calls,
    aarch64_far_jumps,
    x86_64_calls,
    x86_64_calls_by_slot,
    x86_64_far_jumps,
)
from gdb_tls.code.candidates import Candidate, aarch64_candidates, x86_64_candidates
from gdb_tls.code.execute import Execution, Surroundings
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import PROGRAM_COUNTER, Convention, Decoder, Instruction, Memory, Register
from gdb_tls.code.regions import Regions, Undecided
from gdb_tls.code.slots import Slot, slots
from gdb_tls.code.state import State
from gdb_tls.code.values import Loaded, Number, TlsAddress, Value
from gdb_tls.elf.file import ElfFile, open_elf, version
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64, PF_W, PT_LOAD
from gdb_tls.elf.unwind import CallSite
from gdb_tls.errors import UnsupportedTarget

PT_GNU_RELRO = 0x6474E552
# A function that does no more than find a variable (`_ZTW...`, a getter) is not longer than this.
LONGEST_GETTER = 128
# An entry of the PLT, with what protects branches.
LONGEST_STUB = 24
# The size of what lies between the thread pointer and the executable's block (AArch64: two words).
AARCH64_TCB = 16


class CodeIndex:
    """The accesses of one file, found when they are asked for and kept.

    Attributes:
        file: the file.
        functions: its functions.
        slots: its GOT entries for thread-local storage, by address.
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
        self._getters: dict[int, Value | None] = {}

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
            found.update(self._of_function(start))
        wanted = (one for one in found if last is None or _is_of(one, first, last, symbol))
        return sorted(wanted, key=lambda one: (one.address, one.offset, one.kind))

    def unexplained(self, first: int, last: int, symbol: str | None = None) -> list[int]:
        """Where the functions begin that refer to just this range of a block, but of which no access was found.

        Of AArch64's code that is not known.  The arguments are those of `accesses`.
        """
        found = {one.function for one in self.accesses(first, last, symbol)}
        block = self._block

        def is_exact(one: Candidate) -> bool:
            slot = self.slots.get(one.slot) if one.slot is not None else None
            if slot is not None:
                own = slot.target.defined and not slot.is_base and first <= slot.offset < last
                return slot.target.symbol == symbol if symbol is not None else own
            offset = one.thread_offset
            return symbol is None and block is not None and offset is not None and first <= offset + block[2] < last

        return sorted(
            start
            for start, candidates in self._by_function.items()
            if start not in found and self.functions.at(start).known and any(map(is_exact, candidates))
        )

    def flow(self, address: int) -> FunctionFlow | None:
        """The data flow of the function in which an address lies; None where there is no code.

        Raises:
            MissingPackage: where there is no capstone.
        """
        return self._flow(self.functions.at(address), True)

    def function_of(self, address: int) -> int | None:
        """Where the function begins in which an address lies; None where no table knows."""
        piece = self.functions.at(address)
        if not piece.known:
            return None
        owners = self._owners_of(frozenset((piece.start,))) if piece.continues else {}
        return owners.get(piece.start, piece.start)

    @property
    def convention(self) -> Convention:
        """How its functions call each other."""
        return self._decoder.convention

    def calls(self) -> Iterator[tuple[int, int, bool]]:
        """(place, target, whether the target is the address of a pointer) of every call or far jump that says where.

        Some are none: the bytes only look like one.
        """
        is_x86 = self.file.machine == EM_X86_64
        for address, code in self.functions.executable:
            yield from ((*one, False) for one in (x86_64_calls if is_x86 else aarch64_calls)(code, address))
            if is_x86:
                yield from ((*one, False) for one in x86_64_far_jumps(code, address))
                yield from ((*one, True) for one in x86_64_calls_by_slot(code, address))

    def is_stub(self, address: int) -> bool:
        """Whether an address lies in the PLT."""
        return any(start <= address < end for start, end in self._stubs)

    @cached_property
    def _stubs(self) -> list[tuple[int, int]]:
        found = [self.file.section_contents(name) for name in (".plt", ".plt.sec", ".plt.got", ".plt.bnd")]
        return [(one[0], one[0] + len(one[1])) for one in found if one]

    def jump_slot(self, address: int) -> int | None:
        """Where the pointer is through which the stub at an address jumps (an entry of the PLT); None for other code.

        x86-64 psABI and AAELF64, "Procedure Linkage Table".
        """
        state = State()
        for instruction in self._decoder.decode(self.functions.code(address, address + LONGEST_STUB), address):
            template = instruction.template
            if template.flow == "jump":
                target = template.target
                if isinstance(target, Memory) and target.base == PROGRAM_COUNTER:
                    return instruction.address + target.displacement
                value = state.registers.get(target.name) if isinstance(target, Register) else None
                return value.address.number if isinstance(value, Loaded) and isinstance(value.address, Number) else None
            if template.flow:
                return None
            self._execution.run(instruction, state)
        return None

    # ------------------------------------------------------------------ which functions

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every place that may touch thread-local storage."""
        search = x86_64_candidates if self.file.machine == EM_X86_64 else aarch64_candidates
        local = self._block is not None
        return [one for address, code in self.functions.executable for one in search(code, address, self.slots, local)]

    @cached_property
    def _by_function(self) -> dict[int, list[Candidate]]:
        """The candidates by the beginning of the function to which they belong."""
        found: dict[int, list[Candidate]] = {}
        pieces: dict[int, CodeRange] = {}
        for one in self.candidates:
            piece = self.functions.at(one.address)
            pieces[piece.start] = piece
            found.setdefault(piece.start, []).append(one)
        owners = self._owners_of(frozenset(start for start, piece in pieces.items() if piece.continues))
        for part, owner in owners.items():
            found.setdefault(owner, []).extend(found.pop(part))
        return found

    def _starts(self, first: int, last: int | None, symbol: str | None) -> Iterable[int]:
        wanted = self.slots.keys() if last is None else _leading_to(self.slots.values(), first, last, symbol)
        block = self._block

        def leads_there(one: Candidate) -> bool:
            if one.helps or (one.slot is not None and one.slot not in wanted):
                return False
            if one.thread_offset is None or block is None or last is None or symbol is not None:
                return True
            # A compiler may reach a member, or a neighbour, by what it added to the address.
            return first - 64 <= one.thread_offset + block[2] < last

        found = {start for start, candidates in self._by_function.items() if any(map(leads_there, candidates))}
        return sorted(found | self._callers_of_getters(map(self.functions.at, found)))

    def _callers_of_getters(self, pieces: Iterable[CodeRange]) -> set[int]:
        getters = {
            piece.start
            for piece in pieces
            if piece.known and piece.end - piece.start <= LONGEST_GETTER and self._returned(piece.start) is not None
        }
        if not getters:
            return set()
        return {
            function
            for at, target in self._calls
            if target in getters
            for function in [self.function_of(at)]
            if function is not None
        }

    @cached_property
    def _calls(self) -> list[tuple[int, int]]:
        """(place, target) of everything that looks like a direct call or a jump of the same form."""
        search = x86_64_calls if self.file.machine == EM_X86_64 else aarch64_calls
        return [one for address, code in self.functions.executable for one in search(code, address)]

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
        candidates = self._by_function.get(piece.start, ())
        if not piece.known or not candidates or not all(one.begins for one in candidates):
            return None
        recorder = Recorder()
        try:
            self._regions.record(piece, [one.address for one in candidates], recorder)
        except Undecided:
            return None
        return recorder

    @cached_property
    def _regions(self) -> Regions:
        return Regions(self.functions, self._decoder, self._execution, self.slots.__contains__)

    def _flow(self, piece: CodeRange, chains: bool = False) -> FunctionFlow | None:
        key = (piece.start, chains)
        if key not in self._flows:
            self._flows[key] = None  # for a function that calls itself
            instructions, sites = self._parts(piece)
            start = piece.start if piece.known and not piece.continues else None
            if instructions:
                execution = self._execution_with_chains if chains else self._execution
                self._flows[key] = FunctionFlow(instructions, start, execution, sites)
        return self._flows[key]

    def _parts(self, piece: CodeRange) -> tuple[list[Instruction], list[CallSite]]:
        """The instructions of a piece and of the pieces that were moved away from it, and its exceptions' ways."""
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
                if other.continues and other.start not in found and other not in waiting:
                    waiting.append(other)
        return [one for _, part in sorted(found.items()) for one in part], sites

    def _owners_of(self, parts: frozenset[int]) -> dict[int, int]:
        """The functions from which parts were moved away: those that jump there."""
        found: dict[int, int] = {}
        starts = sorted(parts)
        ends = [self.functions.at(start).end for start in starts]
        if not starts:
            return found
        search = x86_64_far_jumps if self.file.machine == EM_X86_64 else aarch64_far_jumps
        for address, code in self.functions.executable:
            for at, target in search(code, address):
                index = bisect_right(starts, target) - 1
                if index >= 0 and target < ends[index] and starts[index] not in found:
                    owner = self.functions.at(at)
                    if owner.known and not owner.continues:
                        found[starts[index]] = owner.start
        return found

    def _returned(self, target: int) -> Value | None:
        """What a short function returns on every way, where that is an address in thread-local storage."""
        if target not in self._getters:
            self._getters[target] = None
            piece = self.functions.at(target)
            if piece.known and piece.start == target and piece.end - piece.start <= LONGEST_GETTER:
                flow = self._flow(piece)
                result = self._decoder.convention.result
                # What was read since it came into the register may be no more than left there.
                values = {
                    None if result in state.used else state.registers.get(result)
                    for state in (flow.at_returns() if flow else ())
                }
                if len(values) == 1:
                    value = self._execution._settled(values.pop())
                    self._getters[target] = value if isinstance(value, TlsAddress) else None
        return self._getters[target]

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
        return Surroundings(self.slots, self._block, self._word, self._returned)

    @cached_property
    def _execution(self) -> Execution:
        return Execution(self._decoder.convention, self._around, chains=False)

    @cached_property
    def _execution_with_chains(self) -> Execution:
        return Execution(self._decoder.convention, self._around)

    @cached_property
    def _block(self) -> tuple[int, int, int] | None:
        """(first, behind the last) offset from the thread pointer of an executable's block, and what to add.

        Drepper, "ELF Handling For Thread-Local Storage", section 3: the executable's block is next to the thread
        pointer, below it (variant II, x86-64) or above it (variant I, AArch64).
        """
        segment = self.file.tls_segment
        if segment is None or not self.file.is_program:
            return None
        if self.file.machine == EM_X86_64:
            below = segment.size + (-segment.address - segment.size) % segment.alignment
            return -below, segment.size - below, below
        above = AARCH64_TCB + (segment.address - AARCH64_TCB) % segment.alignment
        return above, above + segment.size, -above

    def _word(self, address: int) -> int | None:
        """The offset from the thread pointer that the linker itself put into a fixed place; None for other words.

        In an executable an initial-exec slot needs no relocation, and in a static one there are none.
        """
        block = self._block
        if block is None or not any(start <= address <= end - 8 for start, end in self._fixed):
            return None
        data = self.file.at_address(address, 8)
        word = struct.unpack("<q", data)[0] if data else 0
        return word if block[0] <= word < block[1] else None

    @cached_property
    def _fixed(self) -> list[tuple[int, int]]:
        """Where the file's own bytes stay what they are, at the latest after relocation."""
        return [
            (header.address, header.address + header.size)
            for header in self.file.segments
            if header.type == PT_GNU_RELRO or (header.type == PT_LOAD and not header.flags & PF_W)
        ]


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
