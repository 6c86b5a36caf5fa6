"""One instruction's effect on what is known: the transfer function of the data flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from gdb_tls.code.accesses import Recorder
from gdb_tls.code.instructions import (
    PROGRAM_COUNTER,
    Convention,
    Immediate,
    Instruction,
    Memory,
    Operand,
    Register,
    Step,
)
from gdb_tls.code.slots import Slot
from gdb_tls.code.state import CHECKED, PERHAPS, UNCHECKED, WRITTEN, State
from gdb_tls.code.values import (
    LONGEST_CHAIN,
    OWN_BLOCK,
    Argument,
    Derived,
    Displaced,
    Either,
    Loaded,
    Number,
    Result,
    StackAddress,
    ThreadPointer,
    TlsAddress,
    TlsOffset,
    Value,
    add,
    depth,
    derived,
    either,
    loads_in,
    place_of_result,
    plus,
)

STACK = "sp"
PAGE = 4096


class Surroundings(NamedTuple):
    """What the code of one file stands on.

    Attributes:
        slots: the GOT entries for thread-local storage, by address.
        block: (first, last) offset from the thread pointer of the file's own block, and what is added to one of them
            to have the offset in the block; None where the file's code cannot know that (a library).
        word: reads a word that nothing changes after the file is linked; None for any other.
        returned: what a function that is called returns, where that is the address of a thread-local variable.
        given_back: the number of the argument that a function that is called returns, and what it adds to it; None
            for none.
        emulated: what the runtime of emulated TLS returns: takes what is called, and its first argument; None for
            any other function.
    """

    slots: Mapping[int, Slot]
    block: tuple[int, int, int] | None
    word: Callable[[int], int | None]
    returned: Callable[[int], Value | None]
    given_back: Callable[[int], tuple[int, int] | None] = lambda callee: None
    emulated: Callable[[int, Value | None], Value | None] = lambda callee, control: None


class Execution:
    """Executes instructions on states."""

    def __init__(self, convention: Convention, around: Surroundings, chains: bool = True) -> None:
        """Records nothing until `recorder` is set.

        Args:
            convention: the architecture's.
            around: the file.
            chains: whether it is kept where values come from that are none of a thread-local variable: arguments,
                results, what is read through pointers.  No access depends on that, and it costs most of the time.
        """
        self.result = convention.result
        self._convention = convention
        self._around = around
        self._chains = chains
        self._instruction: Instruction
        self._state: State
        self.recorder: Recorder | None = None

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
            return target.base == PROGRAM_COUNTER and not target.offset
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

    def branches(self, instruction: Instruction, state: State) -> tuple[State, State]:
        """What is known behind a branch: where it is taken, and where it is not."""
        way = instruction.template.if_zero
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

    # ------------------------------------------------------------------ operands

    def _read(self, operand: Operand) -> Value | None:
        if isinstance(operand, Register):
            self._state.used.add(operand.name)
            return self._state.registers.get(operand.name)
        if isinstance(operand, Immediate):
            return Number(operand.number & 0xFFFFFFFFFFFFFFFF)
        self._use_registers(operand)
        self._dereference(operand)
        if operand.thread and self._place(operand) == ThreadPointer(0):
            return ThreadPointer(0)  # x86-64 psABI: the word at %fs:0 is the thread pointer itself
        place = self.settled(self._place(operand))
        if isinstance(place, Either):
            # A load is its instruction (`identity`): what it reads by pointers is one value, wherever these come from.
            own = {one for one in place.values if one is None or isinstance(one, (TlsAddress, StackAddress, Number))}
            pointers = place.values - own
            places = [*own, either(*pointers)] if pointers else own
            return either(*(self._load(one, operand.width) for one in places))
        return self._load(place, operand.width) if place is not None else None

    def _write(self, to: Register | Memory | None, value: Value | None) -> None:
        if isinstance(to, Register):
            self._state.set(to.name, value)
        elif isinstance(to, Memory):
            self._use_registers(to)
            self._dereference(to)
            for place in _alternatives(self.settled(self._place(to))):
                self._store(place, to.width, value)

    def _use_registers(self, memory: Memory) -> None:
        if memory.base:
            self._state.used.add(memory.base)
        if memory.offset:
            self._state.used.add(memory.offset)

    def _place(self, memory: Memory) -> Value | None:
        """The address of a memory operand."""
        registers = self._state.registers
        if memory.base == PROGRAM_COUNTER:
            value: Value | None = Number(self._instruction.address + memory.displacement)
        else:
            value = registers.get(memory.base) if memory.base else Number(0)
            if memory.thread:
                value = self._in_thread(value, memory.displacement)
            else:
                value = plus(value, memory.displacement)
        index = registers.get(memory.offset) if memory.offset else None
        if not memory.offset:
            return value
        if isinstance(index, Number):
            return plus(value, index.number * memory.scale)
        if memory.scale == 1 and isinstance(index, (TlsOffset, TlsAddress, ThreadPointer)):
            return self._sum(value, index)
        return self._sum(self.settled(value), derived(index))

    def _in_thread(self, value: Value | None, displacement: int) -> Value | None:
        """The address at a displacement from the thread pointer plus a value."""
        if isinstance(value, (Number, TlsOffset, Either)):
            return plus(add(ThreadPointer(0), value), displacement)
        # An index: what is indexed is told by the displacement alone.
        return self._sum(self.settled(ThreadPointer(displacement)), value)

    def _sum(self, left: Value | None, right: Value | None) -> Value | None:
        """The sum of two values; the recorder is told where that may have been an offset in a block."""
        if self.recorder:
            ones, others = _alternatives(left), _alternatives(right)
            if None in ones or None in others:
                self.recorder.misses_offset |= any(isinstance(one, ThreadPointer) for one in (*ones, *others))
        return add(left, right)

    def settled(self, value: Value | None) -> Value | None:
        """An offset from the thread pointer as one in the file's own block, where it lies there."""
        if isinstance(value, Either):
            return either(*(self.settled(one) for one in value.values))
        block = self._around.block
        if isinstance(value, ThreadPointer) and block and block[0] <= value.offset < block[1]:
            return TlsAddress(OWN_BLOCK, value.offset + block[2], value.exact)
        return value

    def _load(self, place: Value | None, width: int) -> Value | None:
        if isinstance(place, StackAddress):
            return self._state.load((place.base, place.offset), width)
        if isinstance(place, Number):
            return self._load_constant(place.number, width)
        if place is None or (not self._chains and not isinstance(place, TlsAddress)) or depth(place) >= LONGEST_CHAIN:
            return None
        load = Loaded(self._instruction.address, place, width)
        if isinstance(place, TlsAddress):
            known = self._state.variables.get(place, UNCHECKED)
            self._state.loads[load] = known if place.exact else min(known, PERHAPS)
            if self.recorder:
                self.recorder.load(load)
        return load

    def _load_constant(self, address: int, width: int) -> Value | None:
        slot = self._around.slots.get(address)
        if slot is not None:
            return TlsOffset(slot.target, slot.offset) if slot.kind == "offset" else None
        word = self._around.word(address) if width == 8 else None
        return Number(word) if word is not None else Loaded(self._instruction.address, Number(address), width)

    def _store(self, place: Value | None, width: int, value: Value | None) -> None:
        if isinstance(place, StackAddress):
            self._state.store((place.base, place.offset), value, width)
            return
        self._hand_over(value)
        if not isinstance(place, TlsAddress):
            pointed = _pointed(place) if self._chains else None
            if pointed is not None:
                self._state.store(pointed, value, width)
            return
        null = value == Number(0)
        if self._chains:
            self._keep(place, width, value)
        if self.recorder:
            self.recorder.write(self._instruction.address, place, width, null)
        variables = self._state.variables
        # Made at first use: what was checked, and then set, is as good as checked.
        known = CHECKED if variables.get(place) == CHECKED else WRITTEN
        for other in [
            one for one in variables if one.target == place.target and 0 <= one.offset - place.offset < width
        ]:
            del variables[other]
        if place.exact and not null:
            variables[place] = known

    def _keep(self, place: TlsAddress, width: int, value: Value | None) -> None:
        kept = {
            one: other
            for one, other in self._state.kept.items()
            if one.target != place.target or not 0 <= one.offset - place.offset < width
        }
        if place.exact:
            kept[place] = (value, self._instruction.address)
        self._state.kept = kept

    # ------------------------------------------------------------------ what becomes of loaded values

    def _tls_loads(self, value: Value | None) -> Iterator[tuple[Loaded, bool]]:
        if isinstance(value, (Loaded, Displaced, Derived, Either)):
            for load, direct in loads_in(value):
                if isinstance(load.address, TlsAddress):
                    yield load, direct

    def _dereference(self, memory: Memory) -> None:
        """The registers of a memory operand are used as addresses."""
        if self.recorder is None:
            return
        registers = self._state.registers
        for name in (memory.base, memory.offset):
            value = registers.get(name) if name else None
            for load, _ in self._tls_loads(value) if value is not None else ():
                self.recorder.dereference(load, self._state.loads.get(load, UNCHECKED))

    def _read_target(self, target: Operand | None) -> None:
        if target is None:
            return
        value = self._read(target)
        if self.recorder:
            for load, _ in self._tls_loads(value):
                self.recorder.dereference(load, self._state.loads.get(load, UNCHECKED))

    def _check(self, value: Value | None, how: int) -> None:
        state = self._state
        for load, direct in self._tls_loads(value):
            if not direct:
                state.loads[load] = max(state.loads.get(load, UNCHECKED), PERHAPS)
                continue
            state.loads[load] = max(state.loads.get(load, UNCHECKED), how)
            if how == CHECKED:
                assert isinstance(load.address, TlsAddress)
                # Of several values that it may be, only the one that came is checked: no later reading profits.
                if all(isinstance(one, Loaded) and one.address == load.address for one in _alternatives(value)):
                    state.variables[load.address] = CHECKED
                if self.recorder:
                    self.recorder.check(load)
        if self.recorder:
            self._take(value)

    def _hand_over(self, value: Value | None, to: tuple[int, int] | None = None) -> None:
        """A value leaves the function; `to` is the function and the number of its argument, where both are known."""
        if self.recorder is None or value is None:
            return
        for load, direct in self._tls_loads(value):
            if direct:
                self.recorder.hand_over(load, self._state.loads.get(load, UNCHECKED))
        self._take(value, to)

    def _take(self, value: Value | None, to: tuple[int, int] | None = None) -> None:
        if self.recorder is None:
            return
        for one in _alternatives(self.settled(value)):
            if isinstance(one, TlsAddress) and not one.is_base:
                if to is None:
                    self.recorder.take(self._instruction.address, one)
                else:
                    self.recorder.give(self._instruction.address, one, *to)

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
            callee = self._callee()
            value = self._around.returned(callee) if callee is not None else None
            if value is None and callee is not None:
                value = self._given_back(callee)
            if value is None and callee is not None and self._chains:
                value = self._around.emulated(callee, registers.get(convention.arguments[0]))
            if value is None and self._chains:
                value = Result(self._instruction.address)
        if self._chains:
            for name in self.argument_registers:
                given = _pointed(registers.get(name))
                if given is not None:
                    state.give(given, self._instruction.address, name)
            state.forget(place_of_result(self._instruction.address))
        kept = convention.preserved
        for name in [one for one in registers if one not in kept]:
            del registers[name]
        state.used &= kept
        state.set(convention.result, value)

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

    def _callee(self) -> int | None:
        """What an instruction calls or jumps to: code, or the GOT entry through which it does."""
        target = self._instruction.template.target
        if isinstance(target, Memory) and target.base == PROGRAM_COUNTER and not target.offset:
            return self._instruction.address + target.displacement
        return self._instruction.goes_to

    def _slot(self, value: Value | None, kind: str) -> Slot | None:
        """The GOT entry of a kind whose address a value is; no code has such an address for anything else."""
        for one in _alternatives(value):
            slot = self._around.slots.get(one.number) if isinstance(one, Number) else None
            if slot and slot.kind == kind:
                return slot
        return None

    def _hand_over_arguments(self) -> None:
        if self.recorder is None:
            return
        state = self._state
        callee = self._callee()
        for number, name in enumerate(self._convention.arguments):
            value = state.registers.get(name)
            # What was read since it came into the register may be no more than left there.
            if value is None or name in state.used:
                continue
            to = (callee, number) if callee is not None and number < self._convention.integer_arguments else None
            self._hand_over(value, to)

    def _return(self) -> None:
        if self.recorder and self._convention.result not in self._state.used:
            self._take(self._state.registers.get(self._convention.result))


def _pointed(value: Value | None) -> tuple[str, int] | None:
    """Where an address leads, as `State.stack` has it: into the own frame, or to what was given or returned."""
    if isinstance(value, StackAddress):
        return value.base, value.offset
    offset = value.offset if isinstance(value, Displaced) else 0
    base = value.value if isinstance(value, Displaced) else value
    if isinstance(base, Result):
        return place_of_result(base.at), offset
    return (f"*{base.register}", offset) if isinstance(base, Argument) else None


def _alternatives(value: Value | None) -> Iterable[Value | None]:
    return value.values if isinstance(value, Either) else (value,)


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
