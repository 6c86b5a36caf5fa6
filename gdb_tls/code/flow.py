"""Data flow through one function: what every register holds at every point, forwards from its beginning."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

from gdb_tls.code.accesses import Recorder
from gdb_tls.code.execute import Execution
from gdb_tls.code.instructions import Instruction
from gdb_tls.code.state import Point, State
from gdb_tls.code.values import Value

# A function with more blocks than this is not followed to the end; what was not reached has no records.
MOST_STEPS = 400_000


class Block:
    """Instructions that always follow each other.

    Attributes:
        number: its place among the function's blocks.
        instructions: at least one.
        successors: the blocks that may come next.
        leaves: whether its last instruction jumps out of the function.
        target: the successor to which its last instruction jumps or branches; None for none in the function.
        anywhere: whether it jumps to a place that the code does not say (a table of a switch).
        point: what is known at its beginning.
    """

    __slots__ = ("anywhere", "instructions", "leaves", "number", "point", "successors", "target")

    def __init__(self, number: int, instructions: list[Instruction]) -> None:
        """Begins without successors."""
        self.number = number
        self.instructions = instructions
        self.successors: list[Block] = []
        self.target: Block | None = None
        self.leaves = self.anywhere = False
        self.point = Point()


class FunctionFlow:
    """The data flow of one function; it is computed when the object is made."""

    def __init__(
        self, instructions: Sequence[Instruction], start: int | None, execution: Execution, entry: State | None = None
    ) -> None:
        """Follows the function from its start.

        Args:
            instructions: all of its parts, in the order of addresses.
            start: its first address; None where that is not known, then the first instruction may be in its middle.
            execution: the architecture's.
            entry: what is known at its beginning; None for what holds of every function.
        """
        self._execution = execution
        self._blocks = _blocks(instructions)
        self._starts = [block.instructions[0].address for block in self._blocks]
        first = self._block_at(start if start is not None else instructions[0].address)
        if first is None:
            return
        recording, execution.recorder = execution.recorder, None  # this may be the getter that another function calls
        first.point.join(entry or (execution.entry() if start is not None else State()))
        self._spread([first])
        self._spread_to_the_rest()
        execution.recorder = recording

    def record(self, recorder: Recorder) -> None:
        """Gives what the instructions do to the recorder."""
        execution = self._execution
        execution.recorder = recorder
        try:
            for block in self._blocks:
                if block.point.state is not None:
                    state = block.point.state.copy()
                    for instruction in block.instructions:
                        execution.run(instruction, state)
                    last = block.instructions[-1]
                    if block.leaves or (block.anywhere and execution.jumps_to_function(last, state)):
                        execution.leave(last, state)
        finally:
            execution.recorder = None

    def before(self, address: int) -> State | None:
        """What is known when the instruction at an address begins; None where the flow does not come there."""
        index = bisect_left(self._starts, address + 1) - 1
        block = self._blocks[index] if index >= 0 else None
        if block is None or block.point.state is None:
            return None
        state = block.point.state.copy()
        for instruction in block.instructions:
            if instruction.address >= address:
                return state if instruction.address == address else None
            self._execution.run(instruction, state)
        return None

    def arguments(self, call: int) -> list[Value | None]:
        """What the registers of arguments hold at a call, in the order of arguments.

        How many the called function takes is not known: those behind its last one are what was left there.

        Args:
            call: the address of the call, or of the jump that is the function's last.
        """
        state = self.before(call)
        registers = self._execution.argument_registers
        return [None if state is None else state.registers.get(name) for name in registers]

    def at_returns(self) -> Iterator[State]:
        """What is known where the function returns, for each place where it does."""
        for block in self._blocks:
            if block.instructions[-1].template.flow == "return" and block.point.state is not None:
                state = block.point.state.copy()
                for instruction in block.instructions[:-1]:
                    self._execution.run(instruction, state)
                yield state

    @property
    def instructions(self) -> Iterator[Instruction]:
        """All instructions, in the order of addresses."""
        for block in self._blocks:
            yield from block.instructions

    def _block_at(self, address: int) -> Block | None:
        index = bisect_left(self._starts, address)
        return self._blocks[index] if index < len(self._starts) and self._starts[index] == address else None

    def _spread(self, changed: Iterable[Block]) -> None:
        """Goes on from blocks, in the order of addresses, in which most ways come together before they go on."""
        execution = self._execution
        steps = 0
        waiting = [block.number for block in changed]
        queued = set(waiting)
        heapify(waiting)
        while waiting and steps < MOST_STEPS:
            number = heappop(waiting)
            queued.discard(number)
            block = self._blocks[number]
            assert block.point.state is not None
            state = block.point.state.copy()
            for instruction in block.instructions:
                execution.run(instruction, state)
            steps += len(block.instructions)
            taken, on = execution.branches(block.instructions[-1], state)
            for successor in block.successors:
                if successor.point.join(taken if successor is block.target else on) and successor.number not in queued:
                    heappush(waiting, successor.number)
                    queued.add(successor.number)

    def _spread_to_the_rest(self) -> None:
        """Goes on where no jump was seen to lead: the cases of a switch, and what an exception comes to.

        The former are reached from a jump that does not say where it goes, the latter from any call.
        """
        rest = [block for block in self._blocks if block.point.state is None and not _is_padding(block)]
        if not rest:
            return
        known = Point()
        jumps = any(block.anywhere and block.point.state is not None for block in self._blocks)
        for block in self._blocks:
            if block.point.state is None or (jumps and not block.anywhere):
                continue
            state = block.point.state.copy()
            for instruction in block.instructions:
                self._execution.run(instruction, state)
                if instruction.template.flow == "call" and not jumps:
                    known.join(state)
            if jumps:
                known.join(state)
        followed = {successor.number for block in self._blocks for successor in block.successors}
        beginnings = [block for block in rest if block.number not in followed]
        for blocks in (beginnings, *([block] for block in rest)):
            blocks = [block for block in blocks if block.point.state is None]
            for block in blocks:
                block.point.join(known.state or State())
            self._spread(blocks)


def _is_padding(block: Block) -> bool:
    """Whether it does nothing and is there for the alignment of what follows."""
    return all(not one.template.steps and not one.template.flow for one in block.instructions)


def _blocks(instructions: Sequence[Instruction]) -> list[Block]:
    places = {one.address for one in instructions}
    leaders = {instructions[0].address}
    for one in instructions:
        flow = one.template.flow
        if flow in ("jump", "branch", "return", "stop"):
            leaders.add(one.end)
            if flow in ("jump", "branch") and one.goes_to is not None and one.goes_to in places:
                leaders.add(one.goes_to)
    blocks: list[Block] = []
    for one in instructions:
        if one.address in leaders or (blocks and blocks[-1].instructions[-1].end != one.address):
            blocks.append(Block(len(blocks), [one]))
        else:
            blocks[-1].instructions.append(one)
    by_start = {block.instructions[0].address: block for block in blocks}
    for block in blocks:
        last = block.instructions[-1]
        flow = last.template.flow
        if flow in ("jump", "branch"):
            target = by_start.get(last.goes_to) if last.goes_to is not None else None
            if target is not None:
                block.successors.append(target)
                block.target = target
            elif last.goes_to is not None:
                block.leaves = flow == "jump"
            else:
                block.anywhere = True
        if flow in ("", "branch", "call") and last.end in by_start:
            block.successors.append(by_start[last.end])
    return blocks
