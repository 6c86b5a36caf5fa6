"""The quick way to a function's accesses: from each candidate on, only as far as a thread-local value is still held.

Most functions load a variable and use it at once.  What happens before that, and what follows after the last use, need
not be decoded.  Where the answer depends on more than that, the whole function is followed instead (`flow`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gdb_tls.code.accesses import Recorder
from gdb_tls.code.candidates import Candidate
from gdb_tls.code.execute import STACK, Execution
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.instructions import Decoder, Instruction
from gdb_tls.code.state import CHECKED, Point, State
from gdb_tls.code.values import (
    Derived,
    Displaced,
    Either,
    Loaded,
    Number,
    StackAddress,
    ThreadPointer,
    TlsAddress,
    TlsOffset,
    Value,
)

# Beyond these, the whole function is followed.
MOST_INSTRUCTIONS = 600
MOST_WAYS = 60
# How many bytes are decoded at a time.
PIECE = 32


class Undecided(Exception):
    """The whole function has to be followed."""


class Regions:
    """Follows candidates of one file."""

    def __init__(
        self,
        functions: Functions,
        decoder: Decoder,
        execution: Execution,
        offsets_in: Callable[[CodeRange], list[int]],
        leads_there: Callable[[int], bool],
    ) -> None:
        """Takes what the file's index has.

        Args:
            functions: the file's.
            decoder: the architecture's.
            execution: the same that whole functions are followed with.
            offsets_in: the instructions in a piece of code that begin with an offset from the thread pointer, with
                which others may reach the file's own block.
            leads_there: whether a number is the address of a GOT entry for thread-local storage, or leads to one, or
                is such an offset.
        """
        self._functions = functions
        self._decoder = decoder
        self._execution = execution
        self._offsets_in = offsets_in
        self._leads_there = leads_there
        self._split: dict[int, bytes] = {}
        self._decoded: dict[int, Instruction] = {}

    def record(self, piece: CodeRange, candidates: Sequence[Candidate], recorder: Recorder) -> None:
        """Gives what follows from the candidates of one function to a recorder.

        Raises:
            Undecided: where that is not enough; the recorder has to be thrown away then.
        """
        execution = self._execution
        execution.recorder = recorder
        frame = self._decoder.frame_pointer(self._functions.code(piece.start, min(piece.start + 64, piece.end)))
        beginnings = [one.address for one in candidates if one.begins]
        rest = {one.address for one in candidates if not one.begins}
        if rest:
            parts = {self._functions.at(one) for one in (piece.start, *rest)}
            beginnings += [at for part in parts for at in self._offsets_in(part)]
        visited: set[int] = set()
        try:
            for address in beginnings:
                state = State()
                state.registers[STACK] = StackAddress("region", 0)
                if frame:
                    state.registers[frame] = StackAddress("frame", 0)
                self._follow(piece, address, state, recorder, visited)
        finally:
            execution.recorder = None
        if recorder.may_depend_on_earlier_checks() or recorder.misses_offset or not rest <= visited:
            raise Undecided

    def _follow(self, piece: CodeRange, address: int, state: State, recorder: Recorder, visited: set[int]) -> None:
        points: dict[int, Point] = {}
        waiting: list[tuple[int, State]] = [(address, state)]
        instructions = ways = 0
        run = self._execution.run
        while waiting:
            at, state = waiting.pop()
            ways += 1
            if ways > MOST_WAYS:
                raise Undecided
            while True:
                instruction = self._decoded.get(at) or self._decode(at, piece)
                run(instruction, state)
                visited.add(at)
                instructions += 1
                if instructions > MOST_INSTRUCTIONS:
                    raise Undecided
                at = instruction.end
                flow = instruction.template.flow
                if flow in ("return", "stop"):
                    break
                if not self._is_held(state, recorder):
                    break
                if flow in ("", "call"):
                    part = piece if piece.start <= instruction.address < piece.end else self._functions.at(at - 1)
                    if at >= part.end:
                        break  # behind a call that does not return
                    continue
                target = instruction.goes_to
                if target is None:
                    if not self._execution.jumps_to_function(instruction, state):
                        raise Undecided
                    self._execution.leave(instruction, state)
                    break
                if not piece.start <= target < piece.end and not self._functions.at(target).continues:
                    if flow == "jump":
                        self._execution.leave(instruction, state)
                elif self._joins(points, target, state):
                    waiting.append((target, points[target].state.copy()))  # type: ignore[union-attr]
                if flow == "jump":
                    break
                # Where ways may come together again, each goes on with what is known of all of them.
                if not self._joins(points, at, state):
                    break
                state = points[at].state.copy()  # type: ignore[union-attr]

    @staticmethod
    def _joins(points: dict[int, Point], address: int, state: State) -> bool:
        if address not in points:
            points[address] = Point()
        return points[address].join(state)

    def _decode(self, address: int, piece: CodeRange) -> Instruction:
        raw = self._split.get(address)
        if raw is None:
            end = piece.end if piece.start <= address < piece.end else self._functions.at(address).end
            cut = address + PIECE < end
            found = self._decoder.split(self._functions.code(address, min(address + PIECE, end)), address)
            # The last one may be cut off, and then be another.
            self._split.update(found[:-1] if cut else found)
            raw = self._split.get(address)
            if raw is None:
                raise Undecided
        instruction = self._decoded[address] = Instruction(address, self._decoder.template(raw))
        return instruction

    def _is_held(self, state: State, recorder: Recorder) -> bool:
        """Whether anything of thread-local storage is still in a register or in the frame."""
        loads = state.loads
        for value in (*state.registers.values(), *(value for value, _ in state.stack.values())):
            if value is not None and type(value) is not StackAddress and self._is_of_interest(value, recorder, loads):
                return True
        return False

    def _is_of_interest(self, value: Value, recorder: Recorder, loads: Mapping[Loaded, int]) -> bool:
        kind = type(value)
        if kind is Loaded:
            assert isinstance(value, Loaded)
            if isinstance(value.address, TlsAddress):
                uses = recorder.loads.get(value)
                if uses is not None and uses.checked and loads.get(value) == CHECKED:
                    return False  # whatever is done with it now is known to be done with care
                return uses is None or not uses.dereferenced  # nothing worse can be found
            return False
        if kind is Number:
            assert isinstance(value, Number)
            return self._leads_there(value.number)
        if kind in (TlsAddress, TlsOffset, ThreadPointer):
            return True
        if isinstance(value, Displaced):
            return self._is_of_interest(value.value, recorder, loads)
        if isinstance(value, (Derived, Either)):
            alternatives = value.sources if isinstance(value, Derived) else value.values
            return any(one is not None and self._is_of_interest(one, recorder, loads) for one in alternatives)
        return False
