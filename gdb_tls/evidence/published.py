"""The address of a thread-local variable in memory that all threads have, where it stays when the thread has ended."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.code.accesses import ADDRESS_TAKEN
from gdb_tls.code.instructions import PROGRAM_COUNTER, Instruction, Memory
from gdb_tls.code.state import State
from gdb_tls.code.values import Number
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.sources import ThreadLocal
from gdb_tls.libc.library import blocks_in
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module
from gdb_tls.tuples import NamedTuple


class Published(NamedTuple):
    """A store of a thread-local variable's address.

    Attributes:
        place: where it is done.
        to: the address of the global variable; None where it is stored elsewhere, or returned.
    """

    place: Place
    to: int | None


# glibc's allocate_stack (nptl/allocatestack.c): a thread's static TLS is at a fixed distance from the end of its stack,
# which is a mapping of its own.
PAGE = 4096


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


def like_other_threads(
    program: Program, code: Code, bindings: Bindings, address: int
) -> Iterator[tuple[ThreadLocal, int]]:
    """The variables that lie in their pages in all threads as an address does, and whose addresses leave a function.

    Args:
        program: the program.
        code: its code.
        bindings: which variable a place in its code means.
        address: where a variable may have been that began there.
    """
    pointers = {
        one.thread_pointer
        for one in program.threads
        if one.thread_pointer is not None and one.lwp != program.target.pid
    }
    if len({one % PAGE for one in pointers}) != 1:
        return
    symbols = program.symbols()
    worker = next(one for one in program.threads if one.thread_pointer in pointers)
    for module in program.modules:
        if module.static_offset is None or module.segment is None:
            continue
        (block,) = blocks_in(program.libc, module, [worker])
        if not isinstance(block, int):
            continue
        for offset in range((address - block) % PAGE, module.segment.size, PAGE):
            known = symbols.at(module.id, offset)
            if known is None or known.symbol.value == offset:
                yield from _leaving(code, bindings, module, offset)


def _leaving(code: Code, bindings: Bindings, module: Module, offset: int) -> Iterator[tuple[ThreadLocal, int]]:
    """The place of a variable, with the instructions by which its address leaves a function of its own file."""
    loaded = next((one for one in code.objects.all if bindings.module_of(one) == module), None)
    index = code.index_of(loaded) if loaded else None
    if loaded is None or index is None:
        return
    for one in index.accesses(offset, offset + 1):
        if one.kind == ADDRESS_TAKEN and not one.passed_to and one.exact and one.offset == offset:
            yield ThreadLocal(module.id, offset), loaded.load_base + one.address


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
