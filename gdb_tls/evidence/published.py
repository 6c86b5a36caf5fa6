"""The address of a thread-local variable in a global one, where it stays when the thread has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gdb_tls.code.accesses import ADDRESS_TAKEN
from gdb_tls.code.instructions import PROGRAM_COUNTER, Instruction, Memory
from gdb_tls.code.state import State
from gdb_tls.code.values import Number
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.sources import ThreadLocal


class Published(NamedTuple):
    """A store of a thread-local variable's address.

    Attributes:
        place: where it is done.
        to: the address of the global variable.
    """

    place: Place
    to: int


def published_in(code: Code, bindings: Bindings, address: int) -> Iterator[tuple[ThreadLocal, int]]:
    """The thread-local variables whose address a file's code stores in a global of it, with the instruction.

    Args:
        code: the program's.
        bindings: which variable a place in a file's code means.
        address: of the global.
    """
    loaded = code.objects.at(address)
    index = code.index_of(loaded) if loaded else None
    if loaded is None or index is None:
        return
    wanted = address - loaded.load_base
    for one in index.accesses():
        if one.kind != ADDRESS_TAKEN or one.passed_to or not one.exact:
            continue
        spot = Spot(index, loaded.load_base, one.address, loaded)
        flow = spot.flow
        instruction, state = (flow.at(one.address), flow.before(one.address)) if flow else (None, None)
        if instruction is None or state is None or wanted not in _written(instruction, state):
            continue
        bound = bindings.bound(spot, one.target, one.offset)
        if bound is not None:
            yield ThreadLocal(*bound), spot.pc


def _written(instruction: Instruction, state: State) -> Iterator[int]:
    """The fixed places in memory, as the file is linked, to which an instruction writes."""
    for step in instruction.template.steps:
        memory = step.to
        if not isinstance(memory, Memory) or memory.offset or memory.thread:
            continue
        if memory.base == PROGRAM_COUNTER:
            yield instruction.address + memory.displacement
        base = state.registers.get(memory.base)
        if isinstance(base, Number):
            yield base.number + memory.displacement
