"""AArch64 instructions as steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gdb_tls.code.capstone_library import capstone
from gdb_tls.code.instructions import (
    PROGRAM_COUNTER,
    Convention,
    Immediate,
    Instruction,
    Memory,
    Operand,
    Register,
    Step,
    Template,
)

# AAPCS64, section 6.1, "Machine Registers".
CONVENTION = Convention(
    arguments=(*(f"x{number}" for number in range(9)), *(f"v{number}" for number in range(8))),
    integer_arguments=8,
    result="x0",
    preserved=frozenset(
        ("sp", *(f"x{number}" for number in range(19, 30)), *(f"v{number}" for number in range(8, 16)))
    ),
    link="x30",
)

_NOTHING = frozenset(
    "nop bti paciasp autiasp pacibsp autibsp hint dmb dsb isb prfm prfum yield xpaclri clrex".split()  # noqa: SIM905
)
_EXTENDS = frozenset(("sxtw", "uxtw", "sxtb", "uxtb", "sxth", "uxth"))
_VECTORS = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16, "v": 16}
# Arm ARM, "Large System Extensions".
_READ_AND_WRITE = (
    *(load + what for load in ("ld", "st") for what in ("add", "clr", "eor", "set", "smax", "smin", "umax", "umin")),
    "cas",
    "swp",
)
_IF_ZERO = {
    "cbz": "target",
    "cbnz": "on",
    "tbz": "target",
    "tbnz": "on",
    "b.eq": "target",
    "b.ne": "on",
}
_SETS_FRAME = 0x910003FD  # add x29, sp, #N
_ZERO = ("xzr", "wzr")


class AArch64Decoder:
    """Decodes AArch64 code; equal words are looked at once."""

    convention = CONVENTION

    def __init__(self) -> None:
        """Opens capstone.

        Raises:
            MissingPackage: where there is no capstone.
        """
        library = capstone()
        self._details = library.Cs(library.CS_ARCH_ARM64, library.CS_MODE_ARM)
        self._details.detail = True
        self._arm = library.arm64
        self._read, self._write = library.CS_AC_READ, library.CS_AC_WRITE
        self._templates: dict[bytes, Template] = {}

    def decode(self, code: bytes, address: int) -> list[Instruction]:
        """Decodes words from an address on; a word that is no instruction does nothing."""
        return [Instruction(place, self.template(raw)) for place, raw in self.split(code, address)]

    def split(self, code: bytes, address: int) -> list[tuple[int, bytes]]:
        """(address, bytes) of each instruction."""
        return [(address + at, code[at : at + 4]) for at in range(0, len(code) // 4 * 4, 4)]

    def template(self, raw: bytes) -> Template:
        """What an instruction does, from its bytes."""
        known = self._templates.get(raw)
        if known is None:
            instruction = next(self._details.disasm(raw, 0, 1), None)
            known = Template(4, ()) if instruction is None else self._translate(instruction)
            self._templates[raw] = known
        return known

    def frame_pointer(self, beginning: bytes) -> str:
        """`x29`, where it is set from the stack pointer (AAPCS64, "The Frame Pointer")."""
        words = (int.from_bytes(beginning[at : at + 4], "little") for at in range(0, len(beginning), 4))
        return "x29" if any(word & 0xFFC003FF == _SETS_FRAME for word in words) else ""

    def _translate(self, instruction: Any) -> Template:
        name = instruction.mnemonic
        operands = [self._operand(instruction, one) for one in instruction.operands]
        whole = [one for one in operands if one is not None]
        if name == "bl" and isinstance(whole[0], Immediate):
            return Template(4, (), "call", whole[0].number)
        if name.startswith("blr"):
            return Template(4, (), "call", whole[0])
        if name == "b" and isinstance(whole[0], Immediate):
            return Template(4, (), "jump", whole[0].number)
        if name == "br" or name.startswith("bra"):
            return Template(4, (), "jump", whole[0])
        if name.startswith("b.") and isinstance(whole[0], Immediate):
            return Template(4, (), "branch", whole[0].number, _IF_ZERO.get(name, ""))
        if name in ("cbz", "cbnz", "tbz", "tbnz"):
            target = whole[-1].number if isinstance(whole[-1], Immediate) else None
            tested = (whole[0],) if name.startswith("c") else (whole[0], Immediate(1 << _number(whole[1])))
            return Template(4, (Step("test", None, tested),), "branch", target, _IF_ZERO[name])
        if name in ("ret", "retaa", "retab", "eret"):
            return Template(4, (), "return")
        if name in ("udf", "brk", "hlt"):
            return Template(4, (), "stop")
        return Template(4, tuple(self._steps(instruction, name, whole)))

    def _steps(self, instruction: Any, name: str, whole: list[Operand]) -> Iterator[Step]:
        if name in _NOTHING or not whole:
            return
        to = whole[0] if isinstance(whole[0], Register) else None
        rest = tuple(whole[1:])
        if name == "mrs":
            thread = any(
                (one.type == self._arm.ARM64_OP_SYS and one.sys == self._arm.ARM64_SYSREG_TPIDR_EL0)
                or (one.type == self._arm.ARM64_OP_REG_MRS and one.reg == self._arm.ARM64_SYSREG_TPIDR_EL0)
                for one in instruction.operands
            )
            yield Step("thread" if thread else "clobber", to)
        elif name == "adrp":
            yield Step("page", to, rest)
        elif name == "adr" and isinstance(rest[0], Immediate):
            yield Step("address", to, (Memory(PROGRAM_COUNTER, "", 1, rest[0].number, 0),))
        elif name.startswith(("ld", "st", "cas", "swp")) and any(isinstance(one, Memory) for one in whole):
            yield from self._memory(instruction, name, whole)
        elif name.startswith("ldr") and isinstance(rest[0], Immediate):
            width = to.width if to else 8
            yield Step("copy", to, (Memory(PROGRAM_COUNTER, "", 1, rest[0].number, width),))
        elif name in ("mov", "fmov", "orr") and len(rest) == 1:
            yield Step("copy", to, rest)
        elif name == "movz" and isinstance(rest[0], Immediate):
            yield Step("copy", to, (Immediate(rest[0].number << _shift(instruction)),))
        elif name == "movk" and isinstance(rest[0], Immediate):
            yield Step("insert", to, (Immediate(rest[0].number), Immediate(_shift(instruction))))
        elif name in _EXTENDS:
            yield Step("copy", to, rest)
        elif name in ("add", "adds", "sub", "subs") and len(rest) == 2:
            yield from self._sum(instruction, name, to, rest)
        elif name == "eor" and rest[1:] == (Immediate(1),):
            yield Step("flip", to, rest[:1])
        elif name == "and" and rest[1:] in ((Immediate(1),), (Immediate(255),)):
            yield Step("byte", to, rest[:1])
        elif name in ("cmp", "fcmp", "fcmpe", "ccmp"):
            yield Step("compare", None, tuple(whole[:2]) if len(whole) > 1 else (whole[0], Immediate(0)))
            if name == "ccmp":
                # Compared on one way only: what follows does not tell whether it is zero.
                yield Step("compute", None)
        elif name in ("tst", "cmn"):
            yield Step("test", None, tuple(whole[:2]))
        elif name in ("cset", "csetm"):
            yield Step("flag", to)
        elif name in ("csel", "fcsel"):
            yield Step("select", to, rest[:2])
        else:
            outputs = [
                ours
                for ours, theirs in zip(whole, instruction.operands)
                if theirs.access & self._write and isinstance(ours, Register)
            ]
            inputs = tuple(one for one in whole if one not in outputs or one in rest)
            for output in outputs:
                yield Step("compute", output, inputs)
            if not outputs and inputs:
                yield Step("compute", None, inputs)

    @staticmethod
    def _sum(instruction: Any, name: str, to: Register | None, rest: tuple[Operand, ...]) -> Iterator[Step]:
        left, right = rest
        if isinstance(right, Immediate):
            number = right.number << _shift(instruction)
            yield Step("add", to, (left, Immediate(-number if name.startswith("sub") else number)))
        elif name.startswith("add") and not _shift(instruction) and not instruction.operands[2].ext:
            yield Step("add", to, (left, right))
        elif name.startswith("add"):
            # base + (index << n): the index is not known, the base is
            yield Step("address", to, (Memory(_name(left), _name(right), 1 << min(_shift(instruction), 4), 0, 0),))
        else:
            yield Step("compute", to, rest)
        if name.endswith("s"):
            yield Step("test", None, (left,))
            yield Step("compute", None)  # the flags are those of the result

    def _memory(self, instruction: Any, name: str, whole: list[Operand]) -> Iterator[Step]:
        position = next(index for index, one in enumerate(whole) if isinstance(one, Memory))
        memory = whole[position]
        assert isinstance(memory, Memory)
        registers = [one for one in whole[:position] if isinstance(one, Register)]
        values = [one for one in whole[:position] if isinstance(one, (Register, Immediate))]
        post = whole[position + 1] if position + 1 < len(whole) else None
        write_back = bool(instruction.writeback)
        if isinstance(post, Immediate):
            write_back, move = True, post.number
        else:
            move = memory.displacement
        place = memory
        if write_back and post is None:
            yield Step("address", Register(memory.base, 8), (memory,))
            place = memory._replace(displacement=0)
        exclusive = name.startswith(("stxr", "stlxr", "stxp", "stlxp"))
        if exclusive and registers:
            yield Step("clobber", registers[0])
            registers, values = registers[1:], values[1:]
        width = _transfer(name, registers)
        if _is_atomic(name):
            yield Step("update", place._replace(width=width), tuple(values[:1]))
            for register in registers[1:]:
                yield Step("clobber", register)
        elif name.startswith("ld"):
            for index, register in enumerate(registers):
                yield Step(
                    "copy", register, (place._replace(displacement=place.displacement + index * width, width=width),)
                )
        else:
            for index, value in enumerate(values):
                yield Step(
                    "copy", place._replace(displacement=place.displacement + index * width, width=width), (value,)
                )
        if write_back and post is not None:
            if isinstance(post, Immediate):
                yield Step("add", Register(memory.base, 8), (Register(memory.base, 8), Immediate(move)))
            else:
                yield Step("compute", Register(memory.base, 8), (Register(memory.base, 8), post))

    def _operand(self, instruction: Any, operand: Any) -> Operand | None:
        arm = self._arm
        if operand.type == arm.ARM64_OP_REG:
            return _register(instruction.reg_name(operand.reg))
        if operand.type in (arm.ARM64_OP_IMM, arm.ARM64_OP_CIMM):
            return Immediate(operand.imm)
        if operand.type == arm.ARM64_OP_FP:
            return Immediate(0 if operand.fp == 0 else 1)
        if operand.type != arm.ARM64_OP_MEM:
            return None
        memory = operand.mem
        base = _name(_register(instruction.reg_name(memory.base)))
        index = _name(_register(instruction.reg_name(memory.index))) if memory.index else ""
        return Memory(base, index, 1 << operand.shift.value if index else 1, memory.disp, 0)


def _register(name: str) -> Operand:
    if name in _ZERO:
        return Immediate(0)
    if name in ("sp", "wsp"):
        return Register("sp", 8)
    if name == "fp":
        return Register("x29", 8)
    if name == "lr":
        return Register("x30", 8)
    if name[0] in "xw" and name[1:].isdigit():
        return Register("x" + name[1:], 8 if name[0] == "x" else 4)
    if name[0] in _VECTORS and name[1:].isdigit():
        return Register("v" + name[1:], _VECTORS[name[0]])
    return Register(name, 8)


def _name(operand: Operand) -> str:
    return operand.name if isinstance(operand, Register) else ""


def _number(operand: Operand) -> int:
    return operand.number if isinstance(operand, Immediate) else 0


def _shift(instruction: Any) -> int:
    return int(instruction.operands[-1].shift.value)


def _transfer(name: str, registers: list[Register]) -> int:
    """How many bytes one register of a load or store has in memory (Arm ARM, "Loads and stores")."""
    name = name.removesuffix("p") if name.startswith(("ldx", "ldax", "stx", "stlx")) else name
    if name.endswith("sw"):
        return 4
    if name.startswith(("ldp", "stp", "ldnp", "stnp")):
        return registers[0].width if registers else 8
    if name.endswith("b"):
        return 1
    if name.endswith("h") and not name.startswith("push"):
        return 2
    return registers[0].width if registers else 8


def _is_atomic(name: str) -> bool:
    """Whether it is one of the Large System Extensions' instructions, which read and write at once."""
    return name.startswith(_READ_AND_WRITE)
