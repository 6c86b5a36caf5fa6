"""What a function does with what its arguments point to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gdb_tls.code.accesses import ADDRESS_TAKEN, Access, Recorder
from gdb_tls.code.execute import Execution
from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.instructions import Instruction
from gdb_tls.code.values import TlsAddress, TlsTarget
from gdb_tls.elf.unwind import CallSite
from gdb_tls.tuples import NamedTuple


class ArgumentUses(NamedTuple):
    """What a function does with what its arguments point to.

    Attributes:
        accesses: number of the argument, from 0 -> accesses, whose offsets are from where it points to; an
            "address-taken" is one that the function gives on.
        gives_back: the number of the argument that it returns on every way, and what it has added; None for none.
    """

    accesses: Mapping[int, Sequence[Access]]
    gives_back: tuple[int, int] | None = None


def uses_of_arguments(
    instructions: Sequence[Instruction], start: int, execution: Execution, sites: Sequence[CallSite] = ()
) -> ArgumentUses:
    """What the function does with what its arguments point to.

    Args:
        instructions: the function's.
        start: its first address.
        execution: the architecture's.
        sites: its calls whose exceptions come to a handler.
    """
    entry = execution.entry()
    numbers = {}
    for number, register in enumerate(execution.argument_registers):
        target = TlsTarget(f"argument {number}", False)
        entry.registers[register] = TlsAddress(target, 0)
        numbers[target] = number
    recorder = Recorder()
    flow = FunctionFlow(instructions, start, execution, sites, entry)
    flow.record(recorder)
    # What was read since it came into the register may be no more than left there.
    result = execution.result
    returned = {None if result in state.used else state.registers.get(result) for state in flow.at_returns()}
    value = returned.pop() if len(returned) == 1 else None
    gives_back = None
    if isinstance(value, TlsAddress) and value.exact and value.target in numbers:
        number = numbers[value.target]
        # A function that returns nothing may leave that register alone, too.
        gives_back = (number, value.offset) if execution.argument_registers[number] != result else None
    returns = {one.address for one in instructions if one.template.flow == "return"}
    found: dict[int, list[Access]] = defaultdict(list)
    for access in recorder.accesses(start):
        number = numbers.get(access.target, -1)
        is_given_back = access.kind == ADDRESS_TAKEN and access.address in returns and gives_back is not None
        if number >= 0 and not (is_given_back and gives_back == (number, access.offset)):
            found[number].append(access)
    return ArgumentUses(found, gives_back)
