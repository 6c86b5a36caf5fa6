"""Investigating a crash: what a bad address, a division or a program's giving up came from."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.code.instructions import Operand, Register
from gdb_tls.evidence.before import asked_with, last_write
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.blame import Blame, Elsewhere
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.crash import END_OF_USER_SPACE, MOST_FRAMES, Crash, divisor_of, find_crash
from gdb_tls.evidence.full_stack import is_full
from gdb_tls.evidence.giving_up import GivingUp, Reason
from gdb_tls.evidence.jumping import jumped_by, jumps
from gdb_tls.evidence.leaves import Leaf
from gdb_tls.evidence.now import Now
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.published import Published, like_other_threads, published_in
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.signal_frame import refused_before
from gdb_tls.evidence.sources import Specific, ThreadLocal
from gdb_tls.evidence.trace import Tracer
from gdb_tls.program.program import Program
from gdb_tls.target.facts import NEAR_NULL, CallFrame, Fault
from gdb_tls.target.model import Thread

# Of a thread-local variable, so many bytes from its beginning are looked at.
LARGEST_VARIABLE = 1 << 16


class Investigation:
    """Looks for the cause of a crash.

    Attributes:
        code: the program's.
        bindings: which variable a place in it means.
        gave_up: whether the thread was found to have called what ends a program.
        computed: the address near null on which the thread crashed, by its registers; None where it is none, or
            the kernel's word is there.
    """

    def __init__(self, program: Program, thread: Thread, fault: Fault) -> None:
        """Reads nothing yet.

        Args:
            program: the program.
            thread: who crashed.
            fault: the signal.
        """
        self._program = program
        self._thread = thread
        self._fault = fault
        self.code = Code(program)
        self.bindings = Bindings(program, self.code)
        self.gave_up = False
        self.computed: int | None = None
        self._now = Now(program, self.code, thread)
        self._blame = Blame(program, self.code, self._now)
        self._giving_up = GivingUp(program, self.code, self.bindings, self._now)

    def find(self) -> Cause | Elsewhere | None:
        """The cause; None where the thread did not crash on anything, or nothing is known of it.

        Raises:
            MissingPackage: where there is no capstone.
        """
        frames = self._program.call_frames(self._thread, MOST_FRAMES)
        is_trap = self._fault.signal in ("SIGILL", "SIGTRAP") and not self._fault.is_sent
        crash = None if is_trap else find_crash(self._program, self.code, self._fault, frames)
        if self._fault.signal == "SIGFPE" and not self._fault.is_sent and crash is not None:
            return self._of_division(crash)
        jump = self._of_jump(frames, crash)
        if jump is not None:
            return jump
        full = self._of_full_stack(frames)
        if full is not None:
            return full
        if crash is not None:
            told = self._fault.address is not None or self._fault.is_sent or crash.called or crash.after_handler
            if not told and self._fault.signal in ("SIGSEGV", "SIGBUS"):
                near = [one.address for one in crash.operands if one.address is not None and one.address < NEAR_NULL]
                self.computed = near[0] if len(near) == 1 else None
            return self._of_crash(crash)
        if not frames:
            return None
        return self._of_giving_up(frames) or self._unread(frames[0])

    def _unread(self, frame: CallFrame) -> Elsewhere | None:
        """Why nothing is known of a thread whose code cannot be read; None where it can."""
        loaded = self.code.objects.at(frame.pc)
        if loaded is None or self.code.index_of(loaded) is not None or self._fault.is_sent:
            return None
        why = self.code.problem or loaded.problem or "its file is missing"
        return Elsewhere(self._place_of(frame), None, f"the code of {loaded.name} cannot be read ({why})")

    # ------------------------------------------------------------------ a bad address

    def _of_jump(self, frames: Sequence[CallFrame], crash: Crash | None) -> Cause | None:
        """A variable whose buffer was jumped back by to where nothing can go on; None for any other crash."""
        if not frames or self._fault.is_sent or self._program.target.architecture.name != "x86-64":
            return None
        target = crash.target if crash is not None and crash.target is not None else frames[0].pc
        is_code = self._program.region(target) is not None or self.code.objects.at(target) is not None
        buffer = None if is_code else jumped_by(self.code, frames[0], self._thread.thread_pointer, target)
        if buffer is None:
            return None
        found = {}
        for spot, given in jumps(self.code, self.bindings):
            found.update({one.place: (spot, one) for one in given if one.place and self._now.value_of(one) == buffer})
        if len(found) != 1:
            return None
        ((spot, leaf),) = found.values()
        tracer = Tracer(self.code, self.bindings, frames)
        return self._cause(leaf, "jump", tracer, self._place(spot.pc), buffer, buffer, crash)

    def _of_full_stack(self, frames: Sequence[CallFrame]) -> Elsewhere | None:
        """A stack that is full; None where it is not, or where that is not known."""
        is_its_own = self._fault.signal in ("SIGSEGV", "SIGBUS") and not self._fault.is_sent
        if is_full(self._program.region, frames, self._fault.address if is_its_own else None):
            return Elsewhere(self._place_of(frames[0]), None, is_full=True)
        for number, frame in enumerate(frames):
            if frame.is_trampoline:  # the handler has a stack of its own
                interrupted = frames[number + 1 :]
                refused = refused_before(self._program, self.code, frames, number)
                if is_full(self._program.region, interrupted, refused):
                    return Elsewhere(self._place_of(interrupted[0]), None, is_full=True)
        return None

    def _of_crash(self, crash: Crash) -> Cause | Elsewhere:
        if crash.called:
            return self._of_call(crash)
        tracer = Tracer(self.code, self.bindings, crash.frames)
        scope = tracer.frame(0)
        frame = crash.frames[0]
        where = self._place_of(frame)
        if scope is None or scope.state is None:
            return Elsewhere(where, None, "its code could not be followed")
        if crash.target is not None:
            return self._of_target(crash, tracer, scope, where, crash.target)
        address = crash.operands[0].address if crash.operands else self._fault.address
        other: Elsewhere | None = None
        for operand in crash.operands:
            for register in (operand.memory.base, operand.memory.offset):
                held = frame.registers.get(register)
                if not register or held is None or register == "sp":
                    continue
                found = self._blame.of(tracer, scope, scope.state.registers.get(register), held)
                if isinstance(found, Leaf):
                    kind = "index" if found.computed or register == operand.memory.offset else "pointer"
                    kind = "instead" if found.instead else kind
                    value = scope.state.registers.get(register)
                    asked = asked_with(self.code, tracer, scope, value) if isinstance(found.place, Specific) else None
                    return self._cause(found, kind, tracer, where, address, held, crash)._replace(asked=asked)
                other = other or found
        if any(not one.memory.base and not one.memory.offset for one in crash.operands):
            other = Elsewhere(where, None, is_constant=True)  # the compiler has found out that it is always null there
        if other is not None and other.is_constant:
            way = self._blame.of_way(tracer, scope)
            if way is not None:
                return self._cause(way, "instead", tracer, where, address, None, crash)
            flow = scope.spot.flow
            if flow is not None and not flow.comes_back and not flow.conditions(scope.spot.address):
                # A crash on purpose, by a helper.
                return self._of_reason(tracer, self._giving_up.by_conditions(tracer, 1)) or other
        return self._of_ended(other, tracer, where, address, crash) or (
            other or Elsewhere(where, None, "what it used as an address could not be followed")
        )

    def _of_ended(
        self, other: Elsewhere | None, tracer: Tracer, where: Place, address: int | None, crash: Crash
    ) -> Cause | None:
        """A variable of a thread that has ended, whose address something that all threads have still has."""
        if address is None or address < NEAR_NULL or self._program.region(address) is not None:
            return None
        held = [crash.frames[0].registers.get(one.memory.base) for one in crash.operands]
        begins = next((one for one in held if one and one <= address < one + LARGEST_VARIABLE), None)
        if begins is None or begins >= END_OF_USER_SPACE or not self._program.regions:
            return None
        to = other.fixed if other is not None else None
        found = dict(published_in(self.code, self.bindings, to)) if to is not None else {}
        found = {place: at for place, at in found.items() if self._now.may_be_instance(place, begins)}
        if len(found) != 1:
            to = None
            found = dict(like_other_threads(self._program, self.code, self.bindings, begins))
        if len(found) != 1:
            return None
        ((place, at),) = found.items()
        cause = self._cause(Leaf(place, crash.frames[0].pc), "ended", tracer, where, address, None, crash)
        return cause._replace(published=Published(self._place(at), to), value=None, written=None)

    def _of_division(self, crash: Crash) -> Cause | Elsewhere:
        """A division by zero."""
        tracer = Tracer(self.code, self.bindings, crash.frames)
        scope = tracer.frame(0)
        flow = scope.spot.flow if scope else None
        where = self._place_of(crash.frames[0])
        divisor = divisor_of(crash.instruction) if crash.instruction else None
        if scope is None or flow is None or divisor is None:
            return Elsewhere(where, None, "what it divided by could not be followed")
        found = None
        if not self._register(divisor, crash.frames[0]):
            found = self._blame.of(tracer, scope, flow.value(scope.spot.address, divisor), 0, is_address=False)
        if isinstance(found, Leaf):
            held = None if found.computed or found.instead else 0
            return self._cause(found, "divisor", tracer, where, None, held, crash)
        return found or Elsewhere(where, None, "what it divided by could not be followed")

    @staticmethod
    def _register(operand: Operand, frame: CallFrame) -> int:
        """What a register holds; 0 for any other operand."""
        held = frame.registers.get(operand.name) if isinstance(operand, Register) else None
        return held % (1 << 8 * operand.width) if held is not None and isinstance(operand, Register) else 0

    def _of_destructor(self, tracer: Tracer, crash: Crash) -> Cause | None:
        """A destructor of a pthread key that is not there any more: the C library calls it when a thread ends."""
        table = self._program.thread_data.keys()
        pc = crash.frames[0].pc
        key = next((one for one in table.keys if one.in_use and one.destructor == pc and pc), None)
        if key is None:
            return None
        leaf = Leaf(Specific(crash.frames[1].pc, key.number), crash.frames[1].pc)
        return self._cause(leaf, "destructor", tracer, self._place_of(crash.frames[1]), pc, None, crash)

    def _of_call(self, crash: Crash) -> Cause | Elsewhere:
        """A call of a function that is not there."""
        tracer = Tracer(self.code, self.bindings, crash.frames)
        destructor = self._of_destructor(tracer, crash)
        if destructor is not None:
            return destructor
        scope = tracer.frame(1)
        where = self._place_of(crash.frames[1])
        if scope is None or scope.state is None:
            return Elsewhere(where, None, "its code could not be followed")
        return self._of_target(crash, tracer, scope, where, crash.frames[0].pc)

    def _of_target(self, crash: Crash, tracer: Tracer, scope: Scope, where: Place, called: int) -> Cause | Elsewhere:
        """Where the address came from that a scope called, or jumped to."""
        value = scope.spot.flow.called(scope.spot.address) if scope.spot.flow else None
        found = self._blame.of(tracer, scope, value, called)
        if isinstance(found, Leaf):
            return self._cause(found, "call", tracer, where, called, called, crash)
        return found or Elsewhere(where, None, "the function's address could not be followed")

    # ------------------------------------------------------------------ giving up

    def _of_giving_up(self, frames: Sequence[CallFrame]) -> Cause | None:
        """What a function compared before it called abort, failed an assertion or threw."""
        signal = self._fault.signal
        if signal not in ("SIGABRT", "SIGILL", "SIGTRAP", "SIGFPE") and not self._fault.is_sent:
            return None
        tracer = Tracer(self.code, self.bindings, frames)
        is_trap = signal in ("SIGILL", "SIGTRAP") and not self._fault.is_sent
        first = 0 if is_trap else self._giving_up.first(tracer)
        if first is None:
            return None
        self.gave_up = True
        return self._of_reason(tracer, self._giving_up.reason(tracer, first))

    def _of_reason(self, tracer: Tracer, reason: Reason | None) -> Cause | None:
        if reason is None:
            return None
        where = self._place_of(tracer.frames[reason.frame])
        pointer = reason.pointer
        return self._cause(reason.leaf, reason.kind, tracer, where, pointer, pointer, first=reason.frame)

    # ------------------------------------------------------------------ values and places

    def _cause(
        self,
        leaf: Leaf,
        kind: str,
        tracer: Tracer,
        where: Place,
        address: int | None,
        held: int | None,
        crash: Crash | None = None,
        first: int = 0,
    ) -> Cause:
        """Tells all that is known of a cause.

        Args:
            leaf: the variable.
            kind: see `Cause`.
            tracer: of the thread.
            where: the thread crashed.
            address: see `Cause`.
            held: what the thread stumbled over; None where that is not known, or was not the variable's own value.
            crash: how it crashed; None where it gave up.
            first: the number of the frame that crashed or gave up.
        """
        assert leaf.place is not None
        value = self._now.held_by(leaf)
        agrees = held is None or leaf.computed or self._now.value_of(leaf) == held
        frames = tracer.frames[first:]
        written = None
        if isinstance(leaf.place, ThreadLocal):
            written = last_write(tracer, self.bindings, leaf.place, first, self._place)
        return Cause(
            place=leaf.place,
            module=self._now.module(leaf.place) if isinstance(leaf.place, ThreadLocal) else None,
            kind=kind,
            thread=self._thread,
            crashed=where,
            loaded=self._place(leaf.at),
            address=address,
            path=leaf.path,
            width=leaf.width,
            value=value,
            agrees=agrees,
            foreign=None if agrees else self._now.foreign(leaf, frames),
            after_handler=crash is not None and crash.after_handler,
            in_handler=any(frame.is_trampoline for frame in frames),
            written=written,
        )

    def _place(self, pc: int) -> Place:
        name = self._program.symbol_at(pc) or ""
        return Place(pc, name.partition(" + ")[0], *self._program.line(pc), self._start(pc))

    def _place_of(self, frame: CallFrame) -> Place:
        return Place(frame.pc, frame.function, frame.file, frame.line, self._start(frame.pc - 1))

    def _start(self, pc: int) -> int | None:
        spot = self.code.at(pc)
        return spot.function if spot else None
