"""What an instruction's operands are, and what becomes of the values that are read, written and handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gdb_tls.code.accesses import Recorder
from gdb_tls.code.instructions import PROGRAM_COUNTER, Immediate, Instruction, Memory, Operand, Register
from gdb_tls.code.slots import Slot
from gdb_tls.code.state import CHECKED, PERHAPS, UNCHECKED, WRITTEN, State
from gdb_tls.code.values import (
    LONGEST_CHAIN,
    OWN_BLOCK,
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
    add,
    alternatives,
    depth,
    derived,
    either,
    loads_in,
    plus,
    pointed_place,
)
from gdb_tls.tuples import NamedTuple


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
        ends: whether what is called never returns.
    """

    slots: Mapping[int, Slot]
    block: tuple[int, int, int] | None
    word: Callable[[int], int | None]
    returned: Callable[[int], Value | None]
    given_back: Callable[[int], tuple[int, int] | None]
    emulated: Callable[[int, Value | None], Value | None]
    ends: Callable[[int], bool]


class Operands:
    """Reads and writes operands of one instruction on one state, and tells a recorder what comes of it."""

    def __init__(self, around: Surroundings, chains: bool) -> None:
        """Records nothing until `recorder` is set; the arguments are those of `Execution`."""
        self._around = around
        self._chains = chains
        self._instruction: Instruction
        self._state: State
        self.recorder: Recorder | None = None

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
            for place in alternatives(self.settled(self._place(to))):
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
            ones, others = alternatives(left), alternatives(right)
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
            pointed = pointed_place(place) if self._chains else None
            if pointed is not None:
                self._state.store(pointed, value, width)
            return
        null = value == Number(0)
        if self._chains:
            self._state.keep(place, width, value, self._instruction.address)
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

    # ------------------------------------------------------------------ what becomes of loaded values

    def _tls_loads(self, value: Value | None) -> Iterator[tuple[Loaded, bool]]:
        if isinstance(value, (Loaded, Displaced, Derived, Either)):
            for load, direct in loads_in(value):
                if isinstance(load.address, TlsAddress):
                    yield load, direct

    def _dereference(self, memory: Memory) -> None:
        """The registers of a memory operand are used as addresses."""
        registers = self._state.registers
        if self._chains and memory.base and not memory.offset:
            self._state.use(registers.get(memory.base))
        if self.recorder is None:
            return
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
                if all(isinstance(one, Loaded) and one.address == load.address for one in alternatives(value)):
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
        for one in alternatives(self.settled(value)):
            if isinstance(one, TlsAddress) and not one.is_base:
                if to is None:
                    self.recorder.take(self._instruction.address, one)
                else:
                    self.recorder.give(self._instruction.address, one, *to)
