"""Data flow through one function: what every register holds at every point, forwards from its beginning."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from heapq import heapify, heappop, heappush

from gdb_tls.code.accesses import Recorder
from gdb_tls.code.execute import Execution
from gdb_tls.code.instructions import Instruction, Operand
from gdb_tls.code.state import Point, State
from gdb_tls.code.values import Number, Value, loads_in
from gdb_tls.elf.unwind import CallSite

# A function with more blocks than this is not followed to the end; what was not reached has no records.
MOST_STEPS = 400_000
# Handlers that throw themselves come to other handlers; what more rounds would add is left out.
MOST_ROUNDS = 8


class Block:
    """Instructions that always follow each other.

    Attributes:
        number: in reverse postorder: lower than those of the blocks that it leads to, but for loops.
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
        self,
        instructions: Sequence[Instruction],
        start: int | None,
        execution: Execution,
        sites: Sequence[CallSite] = (),
        entry: State | None = None,
    ) -> None:
        """Follows the function from its start.

        Args:
            instructions: all of its parts, in the order of addresses.
            start: its first address; None where that is not known, then the first instruction may be in its middle.
            execution: the architecture's.
            sites: its calls whose exceptions come to a handler.
            entry: what is known at its beginning; None for what holds of every function.
        """
        self._execution = execution
        self._sites = sorted(sites)
        self._blocks = _blocks(instructions, {site.handler for site in sites}, execution.never_returns)
        self._impossible: set[int] = set()
        self._reached_in: Block | None = None
        self._reached = 0, State()
        self._by_number = sorted(self._blocks, key=lambda block: block.number)
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
                    state = self._behind(block)
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
        # A function that constructs a hundred objects is one block, and is asked about each call in turn.
        position, state = self._reached if self._reached_in is block else (0, block.point.state.copy())
        if block.instructions[position].address > address:
            position, state = 0, block.point.state.copy()
        self._reached_in = None  # the state is no longer that of the position
        while block.instructions[position].address < address:
            self._execution.run(block.instructions[position], state)
            position += 1
            if position == len(block.instructions):
                return None
        self._reached_in, self._reached = block, (position, state)
        return state.copy() if block.instructions[position].address == address else None

    def arguments(self, call: int) -> list[Value | None]:
        """What the registers of arguments hold at a call, in the order of arguments.

        How many the called function takes is not known: those behind its last one are what was left there.

        Args:
            call: the address of the call, or of the jump that is the function's last.
        """
        state = self.before(call)
        registers = self._execution.argument_registers
        return [None if state is None else state.registers.get(name) for name in registers]

    @property
    def comes_back(self) -> bool:
        """Whether the function ever returns, or goes on in another one."""
        last = [block for block in self._blocks if block.point.state is not None]
        return any(block.leaves or block.instructions[-1].template.flow == "return" for block in last)

    def call_before(self, address: int) -> Instruction | None:
        """The call that returns to an address; None where there is none."""
        return next((one for one in self.instructions if one.end == address and one.template.flow == "call"), None)

    def at(self, address: int) -> Instruction | None:
        """The instruction at an address; None where none begins there."""
        return next((one for one in self.instructions if one.address == address), None)

    def called(self, address: int) -> Value | None:
        """What the operand of a call, or of a jump, holds: the function's address."""
        instruction = self.at(address)
        target = instruction.template.target if instruction else None
        return self.value(address, target) if target else None

    def value(self, address: int, operand: Operand | int) -> Value | None:
        """What an operand of the instruction at an address holds."""
        state, instruction = self.before(address), self.at(address)
        return self._execution.value(operand, instruction, state) if state and instruction else None

    def conditions(
        self, address: int, was_zero: Callable[[State], bool | None] | None = None
    ) -> list[tuple[State, bool]]:
        """What is known at the branches that decided that control came to an address (`compared`), by address.

        With each comes whether it was the last one on the way.

        A branch decided it where all that follows on one of its sides leads there, and not all that follows on the
        other: control dependence (Ferrante, Ottenstein and Warren, "The Program Dependence Graph", 1987).

        Args:
            address: where control came.
            was_zero: whether what a branch compared was zero, None where that is not known: branches to which control
                cannot have come are left out. None to leave out none.
        """
        index = bisect_left(self._starts, address + 1) - 1
        if index < 0:
            return []
        there = self._blocks[index]
        before: dict[int, list[Block]] = {}
        for block in self._blocks:
            for successor in block.successors:
                before.setdefault(id(successor), []).append(block)
        ends = [one for one in self._blocks if one is not there and (not one.successors or one.leaves or one.anywhere)]
        escaping = _backwards(ends, before, there)
        coming = _backwards([there], before)
        last = {id(there)}
        waiting = [there]
        while waiting:
            for block in before.get(id(waiting.pop()), ()):
                if len(block.successors) == 1 and id(block) not in last:
                    last.add(id(block))
                    waiting.append(block)
        found = []
        for block in self._blocks if was_zero is None else self._taken(was_zero):
            if block.instructions[-1].template.flow != "branch" or block.point.state is None:
                continue
            decided = [id(one) in coming and id(one) not in escaping for one in block.successors]
            if any(decided) and (not all(decided) or len(decided) < 2):
                found.append((self._behind(block), any(id(one) in last for one in block.successors)))
        return found

    def _taken(self, was_zero: Callable[[State], bool | None]) -> list[Block]:
        """The blocks to which control can have come, where some branches are known to have gone one way."""
        found: set[int] = set()
        handlers = {site.handler for site in self._sites}
        waiting = [self._by_number[0], *(one for one in self._blocks if one.instructions[0].address in handlers)]
        while waiting:
            block = waiting.pop()
            if id(block) in found:
                continue
            if block.anywhere:
                return self._blocks
            found.add(id(block))
            way, target = block.instructions[-1].template.if_zero, block.target
            zero = was_zero(self._behind(block)) if way and target is not None and block.point.state else None
            if zero is None or len(block.successors) != 2:
                waiting += block.successors
            else:
                waiting += [one for one in block.successors if (one is target) == ((way == "target") == zero)]
        return [block for block in self._blocks if id(block) in found]

    def at_branches(self) -> Iterator[State]:
        """What is known at each branch (`compared`)."""
        for block in self._blocks:
            if block.instructions[-1].template.flow == "branch" and block.point.state is not None:
                yield self._behind(block)

    def at_jumps_out(self, by_pointer: bool = False) -> Iterator[tuple[Instruction, State]]:
        """What is known where the function goes on in another one, instead of calling it.

        Args:
            by_pointer: whether jumps count of which the code does not say where they go; some stay in the function.
        """
        for block in self._blocks:
            if (block.leaves or (by_pointer and block.anywhere)) and block.point.state is not None:
                yield block.instructions[-1], self._behind(block)

    def at_returns(self) -> Iterator[State]:
        """What is known where the function returns, for each place where it does."""
        for block in self._blocks:
            if block.instructions[-1].template.flow == "return" and block.point.state is not None:
                state = block.point.state.copy()
                for instruction in block.instructions[:-1]:
                    self._execution.run(instruction, state)
                yield state

    def fixed_loads(self) -> Iterator[int]:
        """The fixed addresses, as the file is linked, from which the function reads."""
        for one in self.instructions:
            state = self.before(one.address)
            for value in state.registers.values() if state else ():
                for load, _ in loads_in(value):
                    if isinstance(load.address, Number):
                        yield load.address.number

    @property
    def instructions(self) -> Iterator[Instruction]:
        """All instructions, in the order of addresses."""
        for block in self._blocks:
            yield from block.instructions

    def _block_at(self, address: int) -> Block | None:
        index = bisect_left(self._starts, address)
        return self._blocks[index] if index < len(self._starts) and self._starts[index] == address else None

    def _spread(self, changed: Iterable[Block]) -> None:
        """Goes on from blocks, by their numbers: so most ways come together before they go on."""
        execution = self._execution
        steps = 0
        by_number = self._by_number
        waiting = [block.number for block in changed]
        queued = set(waiting)
        heapify(waiting)
        while waiting and steps < MOST_STEPS:
            number = heappop(waiting)
            queued.discard(number)
            block = by_number[number]
            state = self._behind(block)
            steps += len(block.instructions)
            taken, on = execution.branches(block.instructions[-1], state)
            for successor in block.successors:
                known = taken if successor is block.target else on
                if known is None:
                    self._impossible.add(successor.number)
                elif successor.point.join(known) and successor.number not in queued:
                    heappush(waiting, successor.number)
                    queued.add(successor.number)

    def _behind(self, block: Block) -> State:
        """What is known behind the last instruction of a block that is reached."""
        assert block.point.state is not None
        state = block.point.state.copy()
        for instruction in block.instructions:
            self._execution.run(instruction, state)
        return state

    def _spread_to_the_rest(self) -> None:
        """Goes on where no jump was seen to lead: the cases of a switch, and what an exception comes to.

        The former are reached from a jump that does not say where it goes, the latter from the calls that the tables of
        exceptions name or, without them, from any call.
        """
        self._spread_to_handlers()
        handlers = {site.handler for site in self._sites}
        impossible = self._behind_impossible()
        rest = [
            block
            for block in self._blocks
            if block.point.state is None and block.number not in impossible and not _is_padding(block)
        ]
        if not rest:
            return
        known = Point()
        common: State | None = None
        jumps = any(block.anywhere and block.point.state is not None for block in self._blocks)
        for block in self._blocks:
            if block.point.state is None or (jumps and not block.anywhere):
                continue
            state = block.point.state.copy()
            for instruction in block.instructions:
                self._execution.run(instruction, state)
                if instruction.template.flow == "call" and not jumps:
                    thrown = self._thrown(state)
                    known.join(thrown)
                    common = common or thrown.copy()
                    common.keep_common(thrown)
            if jumps:
                known.join(state)
        if known.state is not None and common is not None:
            known.state.registers, known.state.stack = common.registers, common.stack
        followed = {successor.number for block in self._blocks for successor in block.successors}
        for of_handlers in (False, True):
            those = [block for block in rest if (block.instructions[0].address in handlers) is of_handlers]
            beginnings = [block for block in those if block.number not in followed]
            for blocks in (beginnings, *([block] for block in those)):
                unreached = [block for block in blocks if block.point.state is None]
                for block in unreached:
                    block.point.join(known.state or State())
                self._spread(unreached)
            self._spread_to_handlers()

    def _behind_impossible(self) -> set[int]:
        """The numbers of the blocks to which only a branch leads that is never taken so."""
        waiting = [self._by_number[number] for number in self._impossible]
        found: set[int] = set()
        while waiting:
            block = waiting.pop()
            if block.point.state is None and block.number not in found:
                found.add(block.number)
                waiting += block.successors
        return found

    def _spread_to_handlers(self) -> None:
        """Goes on in the handlers of all calls that are reached, and of those that are reached by that."""
        throwing = [block for block in self._blocks if any(self._handler(one) for one in block.instructions)]
        for _ in range(MOST_ROUNDS):
            if not any([block.point.state is not None and self._throw(block) for block in throwing]):
                return

    def _handler(self, instruction: Instruction) -> Block | None:
        """Where an exception of a call goes on; None where that is not in the function."""
        if instruction.template.flow != "call" or not self._sites:
            return None
        index = bisect_left(self._sites, (instruction.address + 1,)) - 1
        if index < 0 or instruction.address >= self._sites[index].end:
            return None
        return self._block_at(self._sites[index].handler)

    def _throw(self, block: Block) -> bool:
        """Goes on in the handlers of a block's calls; returns whether that changed anything."""
        assert block.point.state is not None
        state = block.point.state.copy()
        changed: dict[int, Block] = {}
        for instruction in block.instructions:
            self._execution.run(instruction, state)
            handler = self._handler(instruction)
            if handler is not None and handler.point.join(self._thrown(state)):
                changed[id(handler)] = handler
        if changed:
            self._spread(list(changed.values()))
        return bool(changed)

    def _thrown(self, state: State) -> State:
        """What is known where a call's exception goes on: what the call keeps, but no result."""
        thrown = state.copy()
        thrown.set(self._execution.result, None)
        return thrown


def _backwards(start: Iterable[Block], before: Mapping[int, Sequence[Block]], but: Block | None = None) -> set[int]:
    """The blocks (their `id`) from which control may come to some, and these; not on a way through `but`."""
    waiting = list(start)
    found = set(map(id, waiting))
    while waiting:
        for block in before.get(id(waiting.pop()), ()):
            if id(block) not in found and block is not but:
                found.add(id(block))
                waiting.append(block)
    return found


def _is_padding(block: Block) -> bool:
    """Whether it does nothing and is there for the alignment of what follows."""
    return all(not one.template.steps and not one.template.flow for one in block.instructions)


def _blocks(
    instructions: Sequence[Instruction], handlers: Set[int], never_returns: Callable[[Instruction], bool]
) -> list[Block]:
    places = {one.address for one in instructions}
    leaders = {instructions[0].address, *handlers}
    last_calls = {one.address for one in instructions if one.template.flow == "call" and never_returns(one)}
    for one in instructions:
        flow = one.template.flow
        if flow in ("jump", "branch", "return", "stop") or one.address in last_calls:
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
        if flow in ("", "branch", "call") and last.end in by_start and last.address not in last_calls:
            block.successors.append(by_start[last.end])
    _number(blocks)
    return blocks


def _number(blocks: Sequence[Block]) -> None:
    """Numbers blocks in reverse postorder: each after those from which control comes to it, but for loops."""
    postorder: list[Block] = []
    seen: set[int] = set()
    for root in blocks:
        if root.number in seen:
            continue
        seen.add(root.number)
        on_the_way = [(root, iter(root.successors))]
        while on_the_way:
            block, rest = on_the_way[-1]
            for successor in rest:
                if successor.number not in seen:
                    seen.add(successor.number)
                    on_the_way.append((successor, iter(successor.successors)))
                    break
            else:
                postorder.append(block)
                on_the_way.pop()
    for number, block in enumerate(reversed(postorder)):
        block.number = number
