"""All accesses to thread-local storage in one file's code."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from gdb_tls.code.accesses import Access, Recorder
from gdb_tls.code.candidates import Candidate, aarch64_candidates, x86_64_candidates
from gdb_tls.code.execute import Execution, Surroundings
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import Decoder, Instruction
from gdb_tls.code.slots import Slot, slots
from gdb_tls.code.values import TlsAddress, Value
from gdb_tls.elf.file import ElfFile, open_elf, version
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64, PF_W, PT_INTERP, PT_LOAD
from gdb_tls.errors import UnsupportedTarget

PT_GNU_RELRO = 0x6474E552
# A function that does no more than find a variable (`_ZTW...`, a getter) is not longer than this.
LONGEST_GETTER = 128
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
        self._flows: dict[int, FunctionFlow | None] = {}
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

    def flow(self, address: int) -> FunctionFlow | None:
        """The data flow of the function in which an address lies; None where there is no code.

        Raises:
            MissingPackage: where there is no capstone.
        """
        return self._flow(self.functions.at(address))

    def function_of(self, address: int) -> int | None:
        """Where the function begins in which an address lies; None where no table knows."""
        piece = self.functions.at(address)
        return (self._owner_of(piece.start) if piece.continues else piece.start) if piece.known else None

    # ------------------------------------------------------------------ which functions

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every place that may touch thread-local storage."""
        search = x86_64_candidates if self.file.machine == EM_X86_64 else aarch64_candidates
        local = self._block is not None
        return [one for address, code in self.functions.executable for one in search(code, address, self.slots, local)]

    def _starts(self, first: int, last: int | None, symbol: str | None) -> Iterable[int]:
        wanted = {
            slot.address for slot in self.slots.values() if last is None or _may_lead_to(slot, first, last, symbol)
        }
        block = self._block
        pieces: set[int] = set()
        for one in self.candidates:
            if one.slot is not None and one.slot not in wanted:
                continue
            if one.thread_offset is not None and block and last is not None and symbol is None:
                offset = one.thread_offset + block[2]
                if not first - 64 <= offset < last:
                    continue
            pieces.add(one.address)
        starts = {}
        for address in sorted(pieces):
            piece = self.functions.at(address)
            if piece.start not in starts:
                starts[piece.start] = piece
        found = {self._owner_of(start) if piece.continues else start for start, piece in starts.items()}
        return sorted(found | self._callers_of_getters(starts.values()))

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
        found = []
        for address, code in self.functions.executable:
            if self.file.machine == EM_X86_64:
                at = code.find(b"\xe8")
                while 0 <= at < len(code) - 4:
                    found.append((address + at, address + at + 5 + struct.unpack_from("<i", code, at + 1)[0]))
                    at = code.find(b"\xe8", at + 1)
            else:
                for number, word in enumerate(struct.unpack_from(f"<{len(code) // 4}I", code)):
                    if word >> 26 in (0x25, 0x05):
                        distance = (word & 0x3FFFFFF) << 2
                        at = address + number * 4
                        found.append((at, at + (distance - (1 << 28) if distance >> 27 else distance)))
        return found

    # ------------------------------------------------------------------ one function

    def _of_function(self, start: int) -> list[Access]:
        if start not in self._accesses:
            piece = self.functions.at(start)
            flow = self._flow(piece)
            recorder = Recorder()
            if flow:
                flow.record(recorder)
            self._accesses[start] = list(recorder.accesses(piece.start if piece.known else None))
        return self._accesses[start]

    def _flow(self, piece: CodeRange) -> FunctionFlow | None:
        if piece.start not in self._flows:
            self._flows[piece.start] = None  # for a function that calls itself
            instructions = self._parts(piece)
            start = piece.start if piece.known and not piece.continues else None
            if instructions:
                self._flows[piece.start] = FunctionFlow(instructions, start, self._execution)
        return self._flows[piece.start]

    def _parts(self, piece: CodeRange) -> list[Instruction]:
        """The instructions of a piece and of the pieces that were moved away from it."""
        found: dict[int, list[Instruction]] = {}
        waiting = [piece]
        while waiting:
            part = waiting.pop()
            instructions = self._decoder.decode(self.functions.code(part.start, part.end), part.start)
            found[part.start] = instructions
            for one in instructions:
                target = one.goes_to if one.template.flow in ("jump", "branch") else None
                if target is None or part.start <= target < part.end:
                    continue
                other = self.functions.at(target)
                if other.continues and other.start not in found and other not in waiting:
                    waiting.append(other)
        return [one for _, part in sorted(found.items()) for one in part]

    def _owner_of(self, part: int) -> int:
        """The function from which a part was moved away: the one that jumps to it."""
        return self._owners.get(part, part)

    @cached_property
    def _owners(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for at, target in self._far_jumps():
            piece = self.functions.at(target)
            if piece.continues and piece.start not in found:
                owner = self.functions.at(at)
                if owner.known and not owner.continues:
                    found[piece.start] = owner.start
        return found

    def _far_jumps(self) -> Iterator[tuple[int, int]]:
        """(place, target) of jumps that may lead to a part that was moved away."""
        for address, code in self.functions.executable:
            if self.file.machine == EM_X86_64:
                parts = self.functions.moved_away
                at = 0
                for opcode, size in ((b"\x0f", 6), (b"\xe9", 5)):
                    at = code.find(opcode)
                    while 0 <= at <= len(code) - size:
                        if size == 5 or 0x80 <= code[at + 1] <= 0x8F:
                            target = address + at + size + struct.unpack_from("<i", code, at + size - 4)[0]
                            if target in parts:
                                yield address + at, target
                        at = code.find(opcode, at + 1)
            else:
                parts = self.functions.moved_away
                for number, word in enumerate(struct.unpack_from(f"<{len(code) // 4}I", code)):
                    at = address + number * 4
                    if word >> 26 == 0x05:
                        distance, bits = (word & 0x3FFFFFF) << 2, 28
                    elif word >> 24 in (0x54, 0x34, 0x35, 0xB4, 0xB5):
                        distance, bits = (word >> 5 & 0x7FFFF) << 2, 21
                    else:
                        continue
                    target = at + (distance - (1 << bits) if distance >> bits - 1 else distance)
                    if target in parts:
                        yield at, target

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
    def _execution(self) -> Execution:
        around = Surroundings(self.slots, self._block, self._word, self._returned)
        return Execution(self._decoder.convention, around)

    @cached_property
    def _block(self) -> tuple[int, int, int] | None:
        """(first, behind the last) offset from the thread pointer of an executable's block, and what to add.

        Drepper, "ELF Handling For Thread-Local Storage", section 3: the executable's block is next to the thread
        pointer, below it (variant II, x86-64) or above it (variant I, AArch64).
        """
        segment = self.file.tls_segment
        is_program = not self.file.is_relocatable or any(one.type == PT_INTERP for one in self.file.segments)
        if segment is None or not (is_program or self.file.is_position_independent_program):
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


def _may_lead_to(slot: Slot, first: int, last: int, symbol: str | None) -> bool:
    if symbol is not None and slot.target.symbol is not None:
        return slot.target.symbol == symbol
    if symbol is not None or not slot.target.defined:
        return False
    # One call for the block, or for one of its sections, serves many variables; a compiler may also use the address
    # of one variable for its neighbours.
    return slot.is_base or slot.target.symbol is None or first - 4096 <= slot.offset < last


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


Progress = Callable[[int, int], None]
