"""The instruction on which a thread crashed, and which of its operands was bad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.code.instructions import PROGRAM_COUNTER, Instruction, Memory, Register
from gdb_tls.code.instructions import Operand as Divisor
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.signal_frame import refused_before
from gdb_tls.program.program import Program
from gdb_tls.target.facts import NEAR_NULL, CallFrame, Fault
from gdb_tls.tuples import NamedTuple

MOST_FRAMES = 48
# x86-64: addresses from here on fault without saying which (non-canonical ones), or are the kernel's.
END_OF_USER_SPACE = 1 << 47


class Crash(NamedTuple):
    """Where a thread crashed, as the machine has it.

    Attributes:
        frames: from the one that crashed on.
        instruction: the one that faulted; None where the thread gave up by itself (abort).
        operands: what it used as an address, the likeliest first: the registers, and the address that they made.
        called: whether it is a call, to an address where there is no code.
        target: of a call or a jump that the processor refused, where it should go; None for any other instruction.
        after_handler: whether a signal handler ran after it.
    """

    frames: Sequence[CallFrame]
    instruction: Instruction | None
    operands: Sequence[Operand]
    called: bool = False
    after_handler: bool = False
    target: int | None = None


class Operand(NamedTuple):
    """A memory operand of the instruction that faulted.

    Attributes:
        memory: it.
        address: what it came to; None where a register is not known.
    """

    memory: Memory
    address: int | None


def find_crash(program: Program, code: Code, fault: Fault, frames: Sequence[CallFrame]) -> Crash | None:
    """Finds the instruction that went wrong; None where there is no sign that one did."""
    if not frames:
        return None
    crash = _crash(program, code, fault, frames, fault.is_sent or fault.signal == "SIGABRT")
    if crash:
        return crash
    for number, frame in enumerate(frames):
        # A handler that raised the signal again, or gave up: what was interrupted is behind the kernel's way in.
        if frame.is_trampoline:
            interrupted = frames[number + 1 :]
            crash = _crash(program, code, fault._replace(address=None), interrupted, True)
            if crash is None:
                refused = refused_before(program, code, frames, number)
                crash = _crash(program, code, fault._replace(address=refused), interrupted, True) if refused else None
                crash = crash if crash and crash.operands else None
            return crash._replace(after_handler=True) if crash else None
    return None


def _crash(program: Program, code: Code, fault: Fault, frames: Sequence[CallFrame], must_fault: bool) -> Crash | None:
    """The crash at the first of some frames, if its instruction cannot have worked."""
    if not frames:
        return None
    frame = frames[0]
    spot = code.at(frame.pc)
    if spot is None and code.objects.at(frame.pc) is None:
        return _null_call(program, code, frames)
    flow = spot.flow if spot else None
    instruction = flow.at(spot.address) if flow and spot else None
    if spot is None or instruction is None:
        return None
    operands = [
        Operand(memory, address(memory, frame, instruction, spot.base)) for memory in memory_operands(instruction)
    ]
    if fault.address is not None:
        hit = [one for one in operands if one.address is not None and -8 <= fault.address - one.address < 64]
        return Crash(frames, instruction, hit or [one for one in operands if one.address is None])
    bad = [one for one in operands if one.address is not None and is_bad(program, one.address)]
    target = _refused_target(code, frame, instruction, operands) if not bad else None
    if target is not None:
        return Crash(frames, instruction, [], target=target)
    if must_fault and not bad:
        return None
    return Crash(frames, instruction, bad)


def _refused_target(code: Code, frame: CallFrame, instruction: Instruction, operands: Sequence[Operand]) -> int | None:
    """Where a call or a jump should go; None for what a processor does not refuse before it is there.

    x86-64 does where the address is not canonical; no address of the fault is told then.
    """
    target = instruction.template.target
    held: int | None = None
    if instruction.template.flow in ("call", "jump") and isinstance(target, Register):
        held = frame.registers.get(target.name)
    elif instruction.template.flow in ("call", "jump") and isinstance(target, Memory):
        place = next((one.address for one in operands if one.memory == target), None)
        held = code.word(place) if place is not None else None
    is_canonical = held is None or held < END_OF_USER_SPACE or held >= (1 << 64) - END_OF_USER_SPACE
    return None if is_canonical else held


def _null_call(program: Program, code: Code, frames: Sequence[CallFrame]) -> Crash | None:
    """The call that led to where there is no code: its return address is on the stack, or in the link register."""
    frame = frames[0]
    region = program.region(frame.pc)
    if region is not None and region.executable:
        return None  # code of a just-in-time compiler
    pointer = frame.registers.get("sp")
    back = frame.registers.get("x30") if "x30" in frame.registers else code.word(pointer) if pointer else None
    spot = code.at(back - 1) if back else None
    flow = spot.flow if spot else None
    call = flow.call_before(spot.address + 1) if flow and spot else None
    if call is None or back is None or spot is None or isinstance(call.template.target, int):
        return None
    older = list(frames[1:])
    if older and older[0].pc == spot.base + call.address:  # as drgn has it
        older[0] = older[0]._replace(pc=back)
    registers = dict(frame.registers)
    if not older or older[0].pc != back:
        older = [CallFrame(back, registers, False, "", "", 0), *older]
    return Crash([frame, *older], call, [], called=True)


def memory_operands(instruction: Instruction) -> Iterator[Memory]:
    """What an instruction uses as an address, without what lies at the stack pointer."""
    seen = set()
    target = instruction.template.target
    for step in instruction.template.steps:
        if step.action == "address":
            continue
        for operand in (step.to, *step.of):
            if isinstance(operand, Memory) and operand not in seen:
                seen.add(operand)
                yield operand
    if isinstance(target, Memory) and target not in seen:
        yield target


def divisor_of(instruction: Instruction) -> Divisor | None:
    """What an instruction divides by; None for another one."""
    return next((step.of[0] for step in instruction.template.steps if step.action == "divide" and step.of), None)


def address(memory: Memory, frame: CallFrame, instruction: Instruction, base: int) -> int | None:
    """What a memory operand comes to with the registers of a frame; None where one of them is not known."""
    if memory.thread:
        return None
    total = memory.displacement
    if memory.base == PROGRAM_COUNTER:
        total += base + instruction.address
    elif memory.base:
        value = frame.registers.get(memory.base)
        if value is None:
            return None
        total += value
    if memory.offset:
        value = frame.registers.get(memory.offset)
        if value is None:
            return None
        total += value * memory.scale
    return total % (1 << 64)


def is_bad(program: Program, address: int) -> bool:
    """Whether nothing can be there."""
    if address < NEAR_NULL or address >= END_OF_USER_SPACE:
        return True
    return bool(program.regions) and program.region(address) is None
