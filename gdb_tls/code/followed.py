"""The functions of one file, each followed once: its instructions, its data flow, its accesses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from gdb_tls.code.accesses import Access, Recorder
from gdb_tls.code.candidates import x86_64_offsets
from gdb_tls.code.execute import Execution
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import Decoder, Instruction, Memory
from gdb_tls.code.operands import Surroundings
from gdb_tls.code.places import Places
from gdb_tls.code.regions import Regions, Undecided
from gdb_tls.code.values import signed
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64
from gdb_tls.elf.unwind import CallSite


class FollowedFunctions:
    """What was found in the functions of one file."""

    def __init__(
        self, machine: int, functions: Functions, places: Places, surroundings: Callable[[], Surroundings]
    ) -> None:
        """Reads nothing yet.

        Args:
            machine: the file's.
            functions: the file's.
            places: where they may touch thread-local storage.
            surroundings: gives what the file's code stands on; asked for once, when the first function is followed.
        """
        self._machine = machine
        self._functions = functions
        self._places = places
        self._surroundings = surroundings
        self._flows: dict[tuple[int, bool], FunctionFlow | None] = {}
        self._accesses: dict[int, list[Access]] = {}

    def accesses(self, start: int) -> list[Access]:
        """The accesses of the function that begins at an address.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if start not in self._accesses:
            piece = self._functions.at(start)
            recorder = self.quickly(piece)
            if recorder is None:
                flow = self.flow(piece)
                recorder = Recorder()
                if flow:
                    flow.record(recorder)
            self._accesses[start] = list(recorder.accesses(piece.start if piece.known else None))
        return self._accesses[start]

    def quickly(self, piece: CodeRange) -> Recorder | None:
        """What follows from a function's candidates; None where the whole function has to be followed."""
        candidates = self._places.by_function.get(piece.start, ())
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
        slots, block = set(self._around.slots), self._around.block
        if self._machine == EM_AARCH64:
            slots |= {address >> 12 << 12 for address in self._around.slots}  # an adrp comes to the page first

        def leads_there(number: int) -> bool:
            return number in slots or (block is not None and block[0] <= signed(number) < block[1])

        def offsets_in(part: CodeRange) -> list[int]:
            if block is None or self._machine != EM_X86_64:
                return []
            return x86_64_offsets(self._functions.code(part.start, part.end), part.start, block[0], block[1])

        return Regions(self._functions, self.decoder, self.execution, offsets_in, leads_there)

    def flow(self, piece: CodeRange, chains: bool = False) -> FunctionFlow | None:
        """The data flow of a function; None where it has no code.

        Args:
            piece: the function's first piece.
            chains: as `Execution` has it.

        Raises:
            MissingPackage: where there is no capstone.
        """
        key = (piece.start, chains)
        if key not in self._flows:
            self._flows[key] = None  # for a function that calls itself
            instructions, sites = self.parts(piece, chains)
            start = piece.start if piece.known and not piece.continues else None
            if instructions:
                execution = self._with_chains if chains else self.execution
                self._flows[key] = FunctionFlow(instructions, start, execution, sites)
        return self._flows[key]

    def parts(self, piece: CodeRange, chains: bool = False) -> tuple[list[Instruction], list[CallSite]]:
        """The instructions of a piece and of the pieces that were moved away from it, and its exceptions' ways.

        That a frameless part is one makes no difference for accesses to thread-local storage, and costs a search.
        """
        found: dict[int, list[Instruction]] = {}
        waiting = [piece]
        sites: list[CallSite] = []
        while waiting:
            part = waiting.pop()
            sites += self._functions.call_sites(part.start)
            instructions = self.decoder.decode(self._functions.code(part.start, part.end), part.start)
            found[part.start] = instructions
            for one in instructions:
                target = one.goes_to if one.template.flow in ("jump", "branch") else None
                if target is None or part.start <= target < part.end:
                    continue
                other = self._functions.at(target)
                is_part = other.continues or (chains and other.start in self._places.frameless_parts)
                if is_part and other.start not in found and other not in waiting:
                    waiting.append(other)
        return [one for _, part in sorted(found.items()) for one in part], sites

    def width_at(self, address: int) -> int | None:
        """How wide what an instruction reads or writes by the thread pointer is, in bytes; None for no such one."""
        pieces = self.decoder.split(self._functions.code(address, address + 15), address)
        steps = self.decoder.template(pieces[0][1]).steps if pieces else ()
        operands = (one for step in steps for one in (step.to, *step.of) if isinstance(one, Memory) and one.thread)
        return max((one.width for one in operands), default=0) or None

    @cached_property
    def decoder(self) -> Decoder:
        """The architecture's.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if self._machine == EM_X86_64:
            from gdb_tls.code.x86_64 import X86Decoder

            return X86Decoder()
        from gdb_tls.code.aarch64 import AArch64Decoder

        return AArch64Decoder()

    @cached_property
    def _around(self) -> Surroundings:
        return self._surroundings()

    @cached_property
    def execution(self) -> Execution:
        """Executes its instructions."""
        return self.another_execution()

    def another_execution(self) -> Execution:
        """One for a function that is looked into while another one is at work on its caller."""
        return Execution(self.decoder.convention, self._around, chains=False)

    @cached_property
    def _with_chains(self) -> Execution:
        return Execution(self.decoder.convention, self._around)
