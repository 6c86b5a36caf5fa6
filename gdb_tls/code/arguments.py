"""Which of its arguments a function uses as an address without looking whether they are null."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.code.accesses import READ_DEREFERENCED, Recorder
from gdb_tls.code.execute import Execution
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.instructions import Instruction
from gdb_tls.code.values import Loaded, TlsAddress, TlsTarget
from gdb_tls.elf.unwind import CallSite

# Stands for the place that an argument was loaded from, so that it is followed as a thread-local value is.
_CALLER = TlsTarget("an argument", False)


def dereferenced_arguments(
    instructions: Sequence[Instruction], start: int, execution: Execution, sites: Sequence[CallSite] = ()
) -> frozenset[int]:
    """The numbers, from 0, of the arguments that are used as an address without a check on at least one way.

    Args:
        instructions: the function's.
        start: its first address.
        execution: the architecture's.
        sites: its calls whose exceptions come to a handler.
    """
    entry = execution.entry()
    loads = {}
    for number, register in enumerate(execution.argument_registers):
        load = Loaded(start, TlsAddress(_CALLER, number * 8), 8)
        entry.registers[register] = load
        loads[load] = number
    recorder = Recorder()
    FunctionFlow(instructions, start, execution, sites, entry).record(recorder)
    return frozenset(
        number
        for load, number in loads.items()
        if load in recorder.loads and recorder.loads[load].kind() == READ_DEREFERENCED
    )
