"""Tracing a value of a thread that crashed: through the frames on its stack, from callee to caller."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.code.values import Value
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.follow import DEEPEST, Follower
from gdb_tls.evidence.numbers import Numbers
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import Source, one_of
from gdb_tls.target.facts import CallFrame

# Functions that end with a jump to the next one.
MOST_JUMPS = 4


class Tracer:
    """Follows values of one thread.

    Attributes:
        frames: the thread's, from the one on in which a value is asked for.
    """

    def __init__(self, code: Code, bindings: Bindings, frames: Sequence[CallFrame]) -> None:
        """Follows nothing yet.

        Args:
            code: the program's.
            bindings: which variable a place in a file's code means.
            frames: see the class.
        """
        self.frames = frames
        self._code = code
        self._follower = Follower(code, bindings, Numbers(code, frames))
        self._by_frame: dict[int, Scope | None] = {}

    def frame(self, number: int) -> Scope | None:
        """The scope of a frame; its state is that before the instruction, or before the call that it waits for."""
        if number not in self._by_frame:
            self._by_frame[number] = None
            self._by_frame[number] = self._frame(number)
        return self._by_frame[number]

    def _frame(self, number: int) -> Scope | None:
        frame = self.frames[number] if number < len(self.frames) else None
        # A return address may lie behind the function, where the call never returns.
        waits = number > 0 and not self.frames[number - 1].is_trampoline
        spot = self._code.at(frame.pc - waits) if frame else None
        if spot is None or frame is None:
            return None
        flow = spot.flow
        if flow is None:
            return None
        if waits:
            call = flow.call_before(spot.address + 1)
            if call is None:
                return None
            spot = spot.moved(call.address)

        def argument(register: str, depth: int) -> Source | None:
            return self._argument_of_frame(number, register, depth)

        scope = self._follower.scope(spot, argument)
        scope.state = flow.before(spot.address)
        scope.frame = number
        return scope

    def _argument_of_frame(self, number: int, register: str, depth: int) -> Source | None:
        """What the caller of a frame's function put into a register."""
        own, caller = self.frame(number), self.frame(number + 1)
        if own is None or caller is None or caller.state is None or self.frames[number].is_trampoline:
            return None
        own_function = own.spot.function
        called = self._follower.callee(caller, depth)
        if called is None or own_function is None or called == own_function:
            return self.source(caller.state.registers.get(register), caller, depth)
        return self._through_jump(called, own_function, caller, register, depth)

    def _through_jump(
        self, called: int, reached: int, caller: Scope, register: str, depth: int, most: int = MOST_JUMPS
    ) -> Source | None:
        """The same where the called function jumped to the one whose frame it is, at its end, or to one that did so."""
        between = self._code.at(called)
        flow = between.flow if between else None
        if between is None or flow is None or not most or depth > DEEPEST:
            return None
        found = []
        for instruction, state in flow.at_jumps_out(by_pointer=True):
            scope = self._follower.called(between.moved(instruction.address), caller)
            scope.state = state
            there = self._follower.callee(scope, depth + 1)
            if there == reached:
                found.append(self.source(state.registers.get(register), scope, depth))
            elif there is not None and there != called:
                found.append(self._through_jump(there, reached, scope, register, depth + 1, most - 1))
        known = [one for one in found if one is not None]
        return one_of(*known) if known else None

    def source(self, value: Value | None, scope: Scope, depth: int = 0) -> Source | None:
        """Where a value of a scope came from; None where that cannot be told."""
        return self._follower.source(value, scope, depth)
