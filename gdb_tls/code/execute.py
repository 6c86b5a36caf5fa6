"""One instruction's effect on what is known: the transfer function of the data flow."""

from __future__ import annotations

from collections.abc import Callable

from gdb_tls.code.instructions import (
    Convention,
    Immediate,
    Instruction,
    Memory,
    Operand,
    Register,
    Step,
)
from gdb_tls.code.operands import Operands, Surroundings
from gdb_tls.code.slots import Slot
from gdb_tls.code.state import CHECKED, PERHAPS, Returned, State
from gdb_tls.code.values import (
    Argument,
    Derived,
    Loaded,
    Number,
    Result,
    StackAddress,
    ThreadPointer,
    TlsAddress,
    TlsOffset,
    Value,
    alternatives,
    derived,
    either,
    place_of_result,
    plus,
    pointed_place,
)

STACK = "sp"
PAGE = 4096


class Execution(Operands):
    """Executes instructions on states."""

    def __init__(self, convention: Convention, around: Surroundings, chains: bool = True) -> None:
        """Records nothing until `recorder` is set.

        Args:
            convention: the architecture's.
            around: the file.
            chains: whether it is kept where values come from that are none of a thread-local variable: arguments,
                results, what is read through pointers.  No access depends on that, and it costs most of the time.
        """
        super().__init__(around, chains)
        self.result = convention.result
        self._convention = convention

    def entry(self) -> State:
        """The state at a function's beginning."""
        state = State()
        state.registers[STACK] = StackAddress("entry", 0)
        if self._chains:
            for register in self._convention.arguments:
                state.registers[register] = Argument(register)
        return state

    @property
    def argument_registers(self) -> list[str]:
        """The registers of integers and pointers, the first argument's first."""
        return list(self._convention.arguments[: self._convention.integer_arguments])

    def run(self, instruction: Instruction, state: State) -> None:
        """Changes the state as the instruction does."""
        self._instruction, self._state = instruction, state
        template = instruction.template
        for step in template.steps:
            if step.action in _CHANGE_FLAGS:
                state.zero = None
            _ACTIONS[step.action](self, step)
        if template.flow == "call":
            self._call()
        elif template.flow == "return":
            self._return()
        elif template.flow in ("jump", "branch") and not isinstance(template.target, int):
            self._read_target(template.target)

    def value(self, operand: Operand | int, instruction: Instruction, state: State) -> Value | None:
        """What an operand of an instruction is."""
        self._instruction, self._state = instruction, state
        return None if isinstance(operand, int) else self._read(operand)

    def jumps_to_function(self, instruction: Instruction, state: State) -> bool:
        """Whether a jump to a place that the code does not say goes to a function, by a pointer in a fixed place."""
        target = instruction.template.target
        if isinstance(target, Memory):
            return instruction.goes_through is not None
        value = state.registers.get(target.name) if isinstance(target, Register) else None
        return isinstance(value, Loaded) and isinstance(value.address, Number)

    def leave(self, instruction: Instruction, state: State) -> None:
        """A jump to another function: what is in the registers of arguments is given to it."""
        self._instruction, self._state = instruction, state
        self._hand_over_arguments()

    # ------------------------------------------------------------------ steps

    def _copy(self, step: Step) -> None:
        of, to = step.of[0], step.to
        spilled = of.name if isinstance(of, Register) and self._is_spill(of, to) else ""
        value = self._read(of)
        # Code that is not optimised saves an argument that it has loaded, and then calls.
        self._state.used.discard(spilled)
        if isinstance(value, TlsAddress) and value.is_base and isinstance(to, Register):
            # An argument for a call is the variable at offset 0, not the block that local-dynamic code begins with.
            is_argument = to.name in self._convention.arguments and to.name != self._convention.result
            value = value._replace(is_base=not is_argument)
        self._write(to, value)

    def _is_spill(self, of: Register, to: Register | Memory | None) -> bool:
        """Whether a register of an argument, not used yet, is only saved in the function's frame."""
        if of.name in self._state.used or of.name not in self.argument_registers or of.name == self.result:
            return False
        return isinstance(to, Memory) and isinstance(self._place(to), StackAddress)

    def _select(self, step: Step) -> None:
        self._write(step.to, either(*(self._read(one) for one in step.of)))

    def _address(self, step: Step) -> None:
        memory = step.of[0]
        assert isinstance(memory, Memory)
        self._use_registers(memory)
        place = self._place(memory)
        self._write(step.to, place._replace(is_base=False) if isinstance(place, TlsAddress) else place)

    def _page(self, step: Step) -> None:
        pages = step.of[0]
        assert isinstance(pages, Immediate)
        self._write(step.to, Number(self._instruction.address // PAGE * PAGE + pages.number))

    def _thread(self, step: Step) -> None:
        self._write(step.to, ThreadPointer(0))

    def _insert(self, step: Step) -> None:
        number, shift = step.of
        old = self._state.registers.get(step.to.name) if isinstance(step.to, Register) else None
        assert isinstance(number, Immediate) and isinstance(shift, Immediate)
        if isinstance(old, Number):
            cleared = old.number & ~(0xFFFF << shift.number)
            self._write(step.to, Number(cleared | number.number << shift.number))
        else:
            self._write(step.to, None)

    def _add(self, step: Step) -> None:
        left, right = (self._read(one) for one in step.of)
        if step.of[1] == Immediate(0) and isinstance(left, TlsAddress):
            self._write(step.to, left._replace(is_base=False))
            return
        if _has_index(left, right):
            left, right = self.settled(left), self.settled(right)
        total = self._sum(left, right)
        if isinstance(step.to, Register) and step.to.name == STACK and not isinstance(total, StackAddress):
            total = self._new_frame()
        self._write(step.to, total)

    def _compute(self, step: Step) -> None:
        values = [self._read(one) for one in step.of]
        if isinstance(step.to, Register) and step.to.name == STACK:
            self._write(step.to, self._new_frame())
        elif step.to is not None:
            self._write(step.to, derived(*values))

    def _flag(self, step: Step) -> None:
        self._write(step.to, derived(*self._state.compared) if self._chains else None)

    def _update(self, step: Step) -> None:
        for one in step.of:
            self._read(one)
        self._write(step.to, None)

    def _flags(self, step: Step) -> None:
        values = [self._read(one) for one in step.of]
        constant = len(values) == 1 or isinstance(values[1], Number)
        self._state.flags = (values[0], CHECKED if constant else PERHAPS)
        self._state.compared = tuple(values)

    def _condition(self, step: Step) -> None:
        if self._state.flags:
            self._check(*self._state.flags)

    def _compare(self, step: Step) -> None:
        self._state.flags = None
        values = [self._read(one) for one in step.of]
        self._state.compared = tuple(values)
        self._compare_with_zero(values[0], values[1], zero=0)
        for value, other in (values, values[::-1]):
            self._check(value, CHECKED if isinstance(other, Number) else PERHAPS)

    def _test(self, step: Step) -> None:
        self._state.flags = None
        values = [self._read(one) for one in step.of]
        self._state.compared = tuple(values)
        constant = len(values) == 1 or isinstance(values[1], Number)
        alone = len(values) == 1
        if alone or _is_byte(values[0]) or isinstance(values[0], Derived):
            # A bool, and a guard of C++, is tested by its lowest bit.
            self._compare_with_zero(values[0], Number(1) if alone else values[1], zero=1)
        elif isinstance(values[0], Loaded):
            self._compare_with_zero(values[0], values[1], zero=1, is_bit=True)
        for value in values:
            self._check(value, CHECKED if constant else PERHAPS)

    def _compare_with_zero(self, value: Value | None, other: Value | None, zero: int, is_bit: bool = False) -> None:
        if isinstance(value, Number):
            value, other = other, value
        flipped = False
        if isinstance(value, Derived) and value.flipped is not None:
            flipped = value.flipped
            (value,) = value.sources
            is_bit = is_bit or (isinstance(value, Loaded) and value.width > 1)
        place = value.address if isinstance(value, Loaded) else None
        self._state.zero = None
        if isinstance(place, TlsAddress) and place.exact and other == Number(zero):
            self._state.zero = (place, flipped, is_bit)

    def _flip(self, step: Step) -> None:
        self._write(step.to, _as_bool(self._read(step.of[0]), True))

    def _byte(self, step: Step) -> None:
        self._write(step.to, _as_bool(self._read(step.of[0]), False))

    def branches(self, instruction: Instruction, state: State) -> tuple[State | None, State | None]:
        """What is known behind a branch: where it is taken, and where it is not; None for what cannot be."""
        way = instruction.template.if_zero
        # Code that is not optimised asks constants: whether there is something to clean up after an exception.
        if way and state.flags is None and state.compared in ((Number(0),), (Number(1),)):
            is_taken = (state.compared == (Number(0),)) == (way == "target")
            return (state, None) if is_taken else (None, state)
        if state.zero is None or not way:
            return state, state
        place, flipped, is_bit = state.zero
        null = state.copy()
        if is_bit:
            null.found_clear |= {place}
        else:
            null.found_null |= {place}
        return (null, state) if (way == "target") != flipped else (state, null)

    def _push(self, step: Step) -> None:
        value = self._read(step.of[0])
        self._hand_over(value)
        state = self._state
        state.registers[STACK] = top = plus(state.registers.get(STACK), -8)
        if isinstance(top, StackAddress):
            state.store((top.base, top.offset), value, 8)

    def _pop(self, step: Step) -> None:
        state = self._state
        top = state.registers.get(STACK)
        value = state.load((top.base, top.offset), 8) if isinstance(top, StackAddress) else None
        state.registers[STACK] = plus(top, 8)
        self._write(step.to, value)
        if isinstance(step.to, Register):
            # Restored, or only a way to move the stack pointer: no argument and no result.
            state.used.add(step.to.name)

    def _clobber(self, step: Step) -> None:
        self._write(step.to, None)

    def _new_frame(self) -> StackAddress:
        # Aligned, or moved by a number that is not known: a new place to count from.
        return StackAddress(f"{self._instruction.address:#x}", 0)

    # ------------------------------------------------------------------ calls

    def _call(self) -> None:
        state, convention = self._state, self._convention
        registers = state.registers
        slot = self._slot(registers.get(convention.arguments[0]), "index")
        descriptor = self._slot(registers.get(convention.result), "descriptor")
        if descriptor:
            # The function of a descriptor leaves every other register as it is.
            state.set(convention.result, TlsOffset(descriptor.target, descriptor.offset))
            return
        if slot:
            value: Value | None = TlsAddress(slot.target, slot.offset, is_base=slot.is_base)
        else:
            target = self._instruction.template.target
            if not isinstance(target, int):
                self._read_target(target)
            self._hand_over_arguments()
            callee = self._instruction.callee
            value = self._around.returned(callee) if callee is not None else None
            if value is None and callee is not None:
                value = self._given_back(callee)
            if value is None and callee is not None and self._chains:
                value = self._around.emulated(callee, registers.get(convention.arguments[0]))
            if value is None and self._chains:
                value = result = Result(self._instruction.address)
                state.returned = {**state.returned, result: Returned()}
        if self._chains:
            for name in self.argument_registers:
                given = pointed_place(registers.get(name))
                if given is not None:
                    state.give(given, self._instruction.address, name)
            state.forget(place_of_result(self._instruction.address))
        kept = convention.preserved
        for name in [one for one in registers if one not in kept]:
            del registers[name]
        state.used &= kept
        state.set(convention.result, value)

    def never_returns(self, call: Instruction) -> bool:
        """Whether a call never comes back, as that of abort."""
        return call.callee is not None and self._around.ends(call.callee)

    def _given_back(self, callee: int) -> Value | None:
        """The address in thread-local storage that a called function was given, and returns; None for no such one."""
        given = [self.settled(self._state.registers.get(name)) for name in self.argument_registers]
        if not any(isinstance(one, TlsAddress) and not one.is_base for one in given):
            return None
        found = self._around.given_back(callee)
        value = given[found[0]] if found else None
        if found is None or not isinstance(value, TlsAddress) or value.is_base:
            return None
        return value._replace(offset=value.offset + found[1])

    def _slot(self, value: Value | None, kind: str) -> Slot | None:
        """The GOT entry of a kind whose address a value is; no code has such an address for anything else."""
        for one in alternatives(value):
            slot = self._around.slots.get(one.number) if isinstance(one, Number) else None
            if slot and slot.kind == kind:
                return slot
        return None

    def _hand_over_arguments(self) -> None:
        if self.recorder is None:
            return
        state = self._state
        callee = self._instruction.callee
        for number, name in enumerate(self._convention.arguments):
            value = state.registers.get(name)
            # What was read since it came into the register may be no more than left there.
            if value is None or name in state.used:
                continue
            to = (callee, number) if callee is not None and number < self._convention.integer_arguments else None
            self._hand_over(value, to)

    def _return(self) -> None:
        if self.recorder and self._convention.result not in self._state.used:
            value = self._state.registers.get(self._convention.result)
            # What is returned untouched is the variable at offset 0, not the block that local-dynamic code begins with.
            self._take(value._replace(is_base=False) if isinstance(value, TlsAddress) else value)


def _as_bool(value: Value | None, flip: bool) -> Value | None:
    """What becomes of a value when its lowest bit is flipped, or nothing but that bit or byte is kept."""
    if isinstance(value, Derived) and value.flipped is not None:
        return value._replace(flipped=value.flipped != flip)
    is_loaded = isinstance(value, Loaded) and (value.width == 1 or not flip)
    return Derived(frozenset((value,)), flip) if value is not None and is_loaded else derived(value)


def _is_byte(value: Value | None) -> bool:
    return isinstance(value, Loaded) and value.width == 1


def _has_index(left: Value | None, right: Value | None) -> bool:
    pair = (left, right)
    return any(isinstance(one, ThreadPointer) for one in pair) and not any(
        isinstance(one, (Number, TlsOffset)) for one in pair
    )


# What may make new flags, or takes the place of those that were there.
_CHANGE_FLAGS = frozenset(("add", "compute", "flip", "byte", "update", "flags", "compare", "test", "clobber"))
_ACTIONS: dict[str, Callable[[Execution, Step], None]] = {
    "copy": Execution._copy,
    "select": Execution._select,
    "address": Execution._address,
    "page": Execution._page,
    "thread": Execution._thread,
    "insert": Execution._insert,
    "add": Execution._add,
    "compute": Execution._compute,
    "divide": Execution._compute,
    "flag": Execution._flag,
    "flip": Execution._flip,
    "byte": Execution._byte,
    "update": Execution._update,
    "flags": Execution._flags,
    "condition": Execution._condition,
    "compare": Execution._compare,
    "test": Execution._test,
    "push": Execution._push,
    "pop": Execution._pop,
    "clobber": Execution._clobber,
}
