"""What a crash is to be blamed on: the thread-local variable, or key, from which the bad value came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gdb_tls.code.instructions import Operand, Register
from gdb_tls.code.state import State
from gdb_tls.code.values import Displaced, Loaded, Number, Value
from gdb_tls.evidence.before import Asked, Written, asked_with, last_write
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.blame import Blame, Elsewhere
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.crash import MOST_FRAMES, NEAR_NULL, Crash, divisor_of, find_crash
from gdb_tls.evidence.leaves import Leaf, leaves
from gdb_tls.evidence.now import Foreign, Now
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.sources import Emulated, Specific, ThreadLocal
from gdb_tls.evidence.trace import Scope, Tracer
from gdb_tls.libc.heap import KnowsFreed
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module, Thread
from gdb_tls.target.protocol import CallFrame, Fault

# What is called by a program that gives up: C11 7.22.4, POSIX, the Itanium C++ ABI, libstdc++, glibc's assert.h.
GIVING_UP = frozenset(
    (
        "abort",
        "__assert_fail",
        "__assert",
        "__assert_perror_fail",
        "__assert_rtn",
        "raise",
        "pthread_kill",
        "kill",
        "tgkill",
        "_ZSt9terminatev",
        "__cxa_throw",
        "__cxa_rethrow",
        "_ZSt10unexpectedv",
        "__cxa_pure_virtual",
        "__libc_fatal",
        "err",
        "errx",
        "error",
    )
)
# What gives memory back (C11 7.22.3, the Itanium C++ ABI's names of operator delete).
FREEING = frozenset(("free", "cfree", "realloc", "reallocarray", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm"))
# What libstdc++'s classes call where the object itself has not what it was asked for.
MISSING = ("out_of_range", "bad_optional_access", "bad_variant_access", "bad_function_call", "bad_weak_ptr")
OF_THE_LIBRARY = ("_ZNSt", "_ZNKSt")
THROWING = ("_ZSt", "_ZNSt", "_ZN9__gnu_cxx")
# Functions that never return (a program's own fatal(), the machinery of panics) are looked through up to here.
MOST_HELPERS = 12
# From the signal to the program's own function: raise, abort, terminate, the unwinder, throw.
MOST_GIVING_UP = 12


class Cause(NamedTuple):
    """The variable to blame, and how the bad value came from it.

    Attributes:
        place: the variable (the module's id and an offset), or a key.
        module: the variable's module; None for a key.
        kind: "pointer" (it was followed), "index" (an address was computed from it), "call" (it was called),
            "condition" (the program gave up after it had compared it), "destructor" (a key's, which is not there),
            "instead" (it was null, and the code went on with a constant), "divisor" (something was divided by it),
            "freed" (its memory was given back a second time), "missing" (it has not what it was asked for).
        thread: who crashed.
        crashed: where.
        loaded: where the variable was read.
        address: what the thread stumbled over; None where it did not, or that is not known.
        path: the displacement at each pointer that was followed from the variable's value; empty where its own value
            was bad.
        width: how many bytes of it were read.
        value: what the variable holds in the thread now; None where it cannot be read.
        agrees: whether that is what the thread stumbled over.
        foreign: where the thread has the address of another thread's instance; None where it has none.
        after_handler: whether a signal handler ran after the crash.
        in_handler: whether it crashed in a signal handler.
        written: the last write of it by a function on the stack; None where none is sure.
        asked: of a key's value that another function gave: with which address it was asked; None where none is known.
    """

    place: ThreadLocal | Emulated | Specific
    module: Module | None
    kind: str
    thread: Thread
    crashed: Place
    loaded: Place
    address: int | None
    path: tuple[int, ...]
    width: int
    value: int | None
    agrees: bool
    foreign: Foreign | None = None
    after_handler: bool = False
    in_handler: bool = False
    written: Written | None = None
    asked: Asked | None = None


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

    def _of_crash(self, crash: Crash) -> Cause | Elsewhere:
        if crash.called:
            return self._of_call(crash)
        tracer = Tracer(self.code, self.bindings, crash.frames)
        scope = tracer.frame(0)
        frame = crash.frames[0]
        where = self._place_of(frame)
        if scope is None or scope.state is None:
            return Elsewhere(where, None, "its code could not be followed")
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
                    return self._cause(found, kind, crash, where, address, held)._replace(asked=asked)
                other = other or found
        if any(not one.memory.base and not one.memory.offset for one in crash.operands):
            other = Elsewhere(where, None, is_constant=True)  # the compiler has found out that it is always null there
        if other is not None and other.is_constant:
            way = self._blame.of_way(tracer, scope)
            if way is not None:
                return self._cause(way, "instead", crash, where, address, None)
            flow = scope.spot.flow
            if flow is not None and not flow.comes_back and not flow.conditions(scope.spot.address):
                return self._by_conditions(tracer, crash.frames, 1) or other  # a crash on purpose, by a helper
        return other or Elsewhere(where, None, "what it used as an address could not be followed")

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
            return self._cause(found, "divisor", crash, where, None, None if found.computed or found.instead else 0)
        return found or Elsewhere(where, None, "what it divided by could not be followed")

    @staticmethod
    def _register(operand: Operand, frame: CallFrame) -> int:
        """What a register holds; 0 for any other operand."""
        held = frame.registers.get(operand.name) if isinstance(operand, Register) else None
        return held % (1 << 8 * operand.width) if held is not None and isinstance(operand, Register) else 0

    def _of_destructor(self, crash: Crash) -> Cause | None:
        """A destructor of a pthread key that is not there any more: the C library calls it when a thread ends."""
        table = self._program.thread_data.keys()
        pc = crash.frames[0].pc
        key = next((one for one in table.keys if one.in_use and one.destructor == pc and pc), None)
        if key is None:
            return None
        leaf = Leaf(Specific(crash.frames[1].pc, key.number), crash.frames[1].pc)
        return self._cause(leaf, "destructor", crash, self._place_of(crash.frames[1]), pc, None)

    def _of_call(self, crash: Crash) -> Cause | Elsewhere:
        """A call of a function that is not there."""
        destructor = self._of_destructor(crash)
        if destructor is not None:
            return destructor
        tracer = Tracer(self.code, self.bindings, crash.frames)
        scope = tracer.frame(1)
        where = self._place_of(crash.frames[1])
        if scope is None or scope.state is None:
            return Elsewhere(where, None, "its code could not be followed")
        value = scope.spot.flow.called(scope.spot.address) if scope.spot.flow else None
        found = self._blame.of(tracer, scope, value, crash.frames[0].pc)
        if isinstance(found, Leaf):
            return self._cause(found, "call", crash, where, crash.frames[0].pc, crash.frames[0].pc)
        return found or Elsewhere(where, None, "the function's address could not be followed")

    # ------------------------------------------------------------------ giving up

    def _of_giving_up(self, frames: Sequence[CallFrame]) -> Cause | None:
        """What a function compared before it called abort, failed an assertion or threw."""
        if self._fault.signal not in ("SIGABRT", "SIGILL", "SIGTRAP", "SIGFPE") and not self._fault.is_sent:
            return None
        tracer = Tracer(self.code, self.bindings, frames)
        first = self._gave_up(tracer, frames)
        if first is None:
            return None
        self.gave_up = True
        return self._of_free(tracer, frames) or self._by_conditions(tracer, frames, first)

    def _by_conditions(self, tracer: Tracer, frames: Sequence[CallFrame], first: int) -> Cause | None:
        """What was compared before a function gave up, by one of the frames from the first one on."""
        for number in range(first, min(first + MOST_HELPERS, len(frames))):
            scope = tracer.frame(number)
            flow = scope.spot.flow if scope else None
            if scope is None or flow is None:
                return None
            conditions = flow.conditions(scope.spot.address)
            leaf, kind = self._decisive(tracer, scope, conditions), "condition"
            if number == first and (leaf is None or leaf.path):
                asked = self._asked(scope)
                leaf, kind = (asked, "missing") if asked is not None else (leaf, kind)
            if leaf is not None:
                crash = Crash(frames[number:], None, [])
                return self._cause(leaf, kind, crash, self._place_of(frames[number]), None, None)
            if conditions and flow.comes_back:
                return None  # what it compared was something else
        return None

    def _asked(self, scope: Scope) -> Leaf | None:
        """The object of which the C++ library said, by an exception, that it has not what it was asked for."""
        flow = scope.spot.flow
        call = flow.at(scope.spot.address) if flow else None
        called = self.code.callee(scope.spot, call, scope.state) if call else None
        if called is None or not any(one in self.code.name_at(called) for one in MISSING):
            return None
        if not self.code.name_at(scope.spot.function or 0).startswith(OF_THE_LIBRARY):
            return None
        own = scope.argument(scope.spot.file_index.convention.arguments[0], 0)
        return Leaf(own, scope.spot.pc) if isinstance(own, ThreadLocal) and own.exact else None

    def _of_free(self, tracer: Tracer, frames: Sequence[CallFrame]) -> Cause | None:
        """The variable whose memory was given back a second time; None where that is not what happened."""
        library = self._program.libc
        for number in range(min(len(frames) - 1, MOST_GIVING_UP) - 1, 0, -1):
            scope = tracer.frame(number)
            function = scope.spot.function if scope else None
            if scope is None or function is None or not self.code.is_one_of(function, FREEING):
                continue
            found = set(leaves(scope.argument(scope.spot.file_index.convention.arguments[0], 0)))
            leaf = found.pop() if len(found) == 1 else None
            if leaf is None or leaf.place is None or leaf.computed or not isinstance(library, KnowsFreed):
                return None
            pointer = self._now.value_of(leaf)
            if not pointer or pointer not in library.freed([pointer], self._program.regions):
                return None
            crash = Crash(frames[number + 1 :], None, [])
            return self._cause(leaf, "freed", crash, self._place_of(frames[number + 1]), pointer, pointer)
        return None

    def _decisive(self, tracer: Tracer, scope: Scope, conditions: Sequence[tuple[State, bool]]) -> Leaf | None:
        """The variable on which it depended that the function gave up; None where it may have been anything else."""
        found: list[Leaf] = []
        last: dict[Leaf, None] = {}
        for state, is_last in conditions:
            for value in state.compared:
                if value is not None and not isinstance(value, Number):
                    here = [*leaves(tracer.source(value, scope)), *self._kept(value, state, scope)]
                    found += here
                    last.update(dict.fromkeys(one for one in here if is_last and one.place is not None))
        if len({one.place for one in last}) == 1:
            return next(iter(last))
        local = [one for one in dict.fromkeys(found) if one.place is not None]
        if len(conditions) > 1 and len({one.place for one in local}) + any(one.place is None for one in found) > 1:
            # Of several conditions one that is null is likely the one that was not met.
            local = [one for one in local if self._now.value_of(one) == 0]
        return local[0] if local else None

    def _kept(self, value: Value | None, state: State, scope: Scope) -> Iterator[Leaf]:
        """The variables in which the function itself has put the value, or the pointer to it."""
        if value is None:
            return
        for place, (stored, at) in state.kept.items():
            path = _way_from(stored, value) if stored is not None else None
            bound = self.bindings.bound(scope.spot, place.target, place.offset) if path is not None else None
            if path is not None and bound is not None:
                yield Leaf(ThreadLocal(*bound), scope.spot.base + at, path=path)

    def _gave_up(self, tracer: Tracer, frames: Sequence[CallFrame]) -> int | None:
        """The outermost of the innermost frames that called one of the functions by which a program gives up."""
        if self._fault.signal in ("SIGILL", "SIGTRAP") and not self._fault.is_sent:
            return 0
        found = None
        for number in range(1, min(len(frames), MOST_GIVING_UP)):
            scope = tracer.frame(number)
            flow = scope.spot.flow if scope else None
            call = flow.at(scope.spot.address) if flow and scope else None
            if scope is None or call is None:
                continue
            called = self.code.callee(scope.spot, call, scope.state)
            if called is not None and self._gives_up(called):
                found = number
        return found

    # ------------------------------------------------------------------ values and places

    def _cause(self, leaf: Leaf, kind: str, crash: Crash, where: Place, address: int | None, held: int | None) -> Cause:
        assert leaf.place is not None
        value = self._now.held_by(leaf)
        agrees = held is None or leaf.computed or self._now.value_of(leaf) == held
        written = None
        if isinstance(leaf.place, ThreadLocal):
            tracer = Tracer(self.code, self.bindings, crash.frames)
            written = last_write(tracer, self.bindings, leaf.place, len(crash.frames), self._place)
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
            foreign=None if agrees else self._now.foreign(leaf, crash.frames),
            after_handler=crash.after_handler,
            in_handler=any(frame.is_trampoline for frame in crash.frames),
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

    def _gives_up(self, function: int) -> bool:
        name = self.code.name_at(function)
        return self.code.is_one_of(function, GIVING_UP) or (name.startswith(THROWING) and "throw" in name)


def _way_from(start: Value, value: Value | None) -> tuple[int, ...] | None:
    """The displacement at each pointer that leads from one value to another; None where none does."""
    if value == start:
        return ()
    if not isinstance(value, Loaded) or isinstance(start, Number):
        return None
    inner = value.address
    address, displacement = (inner.value, inner.offset) if isinstance(inner, Displaced) else (inner, 0)
    found = _way_from(start, address)
    return None if found is None else (*found, displacement)
