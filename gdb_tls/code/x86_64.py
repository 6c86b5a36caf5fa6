"""x86-64 instructions as steps."""

from __future__ import annotations

import re
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

# System V psABI for x86-64, figure 3.4, "Register Usage".
CONVENTION = Convention(
    arguments=("rdi", "rsi", "rdx", "rcx", "r8", "r9", *(f"xmm{number}" for number in range(8))),
    integer_arguments=6,
    result="rax",
    preserved=frozenset(("rbx", "rbp", "sp", "r12", "r13", "r14", "r15")),
)

_STACK = Register("sp", 8)
_COPIES = frozenset(
    "mov movabs movzx movsx movsxd movaps movups movapd movupd movdqa movdqu movq movd movss movsd lddqu movnti movntdq"  # noqa: SIM905
    " movlps movhps movlpd movhpd vmovaps vmovups vmovapd vmovupd vmovdqa vmovdqu vmovq vmovd vmovntdq vlddqu"
    " vmovdqu8 vmovdqu64 vmovdqa64 vmovdqu32 vmovdqa32 movbe".split()
)
_SIGN_EXTENSIONS = frozenset(("cbw", "cwde", "cdqe"))
_NOTHING = frozenset(
    "nop endbr64 endbr32 prefetcht0 prefetcht1 prefetcht2 prefetchnta prefetchw lfence mfence sfence pause"  # noqa: SIM905
    " cld std emms vzeroupper vzeroall wait fnop".split()
)
_ARITHMETIC = frozenset(("add", "sub", "and", "or", "inc", "dec", "neg", "shl", "shr", "sar", "xadd"))
_STOPS = frozenset(("hlt", "ud2", "ud0", "ud1", "int3"))


def _widest_names() -> dict[str, str]:
    names = {"rsp": "sp", "esp": "sp", "spl": "sp"}
    for letter in "abcd":
        for name in (f"{letter}l", f"{letter}h", f"{letter}x", f"e{letter}x"):
            names[name] = f"r{letter}x"
    for short in ("si", "di", "bp"):
        for name in (f"{short}l", short, f"e{short}"):
            names[name] = f"r{short}"
    for number in range(8, 16):
        for end in "bwd":
            names[f"r{number}{end}"] = f"r{number}"
    for number in range(32):
        for letter in "yz":
            names[f"{letter}mm{number}"] = f"xmm{number}"
    names["sp"] = "sp"
    return names


_WIDEST = _widest_names()
_IF_ZERO = {4: "target", 5: "on"}  # je, jne
_SETS_FRAME = b"\x48\x89\xe5"  # mov %rsp, %rbp
_TESTED = (Step("condition", None),)
_PADDED_CALL = b"\x66\x66\x48\xe8"  # of __tls_get_addr, with room for what a linker may put there instead
# `lea` of what lies at a distance of 32 bits: its bytes but for that.
_DISTANT_ADDRESS = re.compile(rb"\x66?[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?=....\Z)", re.DOTALL)


def _direct_branch(raw: bytes) -> Template | None:
    """A direct call or jump: nearly every one has a distance of its own, so capstone would see each of them.

    Intel SDM, volume 2, "CALL", "JMP", "Jcc".
    """
    first, size = raw[0], len(raw)
    if (first == 0xE8 and size == 5) or (size == 8 and raw.startswith(_PADDED_CALL)):
        return Template(size, (), "call", size + int.from_bytes(raw[-4:], "little", signed=True))
    if (first == 0xE9 and size == 5) or (first == 0xEB and size == 2):
        return Template(size, (), "jump", size + int.from_bytes(raw[1:], "little", signed=True))
    if first & 0xF0 == 0x70 and size == 2:
        return Template(
            size, _TESTED, "branch", size + int.from_bytes(raw[1:], "little", signed=True), _IF_ZERO.get(first & 15, "")
        )
    if first == 0x0F and size == 6 and raw[1] & 0xF0 == 0x80:
        return Template(
            size,
            _TESTED,
            "branch",
            size + int.from_bytes(raw[2:], "little", signed=True),
            _IF_ZERO.get(raw[1] & 15, ""),
        )
    return None


class X86Decoder:
    """Decodes x86-64 code; equal bytes are looked at once."""

    convention = CONVENTION

    def __init__(self) -> None:
        """Opens capstone twice: to find where instructions end, and to look into one.

        Raises:
            MissingPackage: where there is no capstone.
        """
        self._capstone = capstone()
        self._sizes = self._capstone.Cs(self._capstone.CS_ARCH_X86, self._capstone.CS_MODE_64)
        self._details = self._capstone.Cs(self._capstone.CS_ARCH_X86, self._capstone.CS_MODE_64)
        self._details.detail = True
        self._x86 = self._capstone.x86
        self._templates: dict[bytes, Template] = {}

    def decode(self, code: bytes, address: int) -> list[Instruction]:
        """Decodes bytes from an address on; a byte that begins no instruction is passed over."""
        found: list[Instruction] = []
        at = 0
        while at < len(code):
            pieces = self.split(code[at:], address + at)
            found += [Instruction(place, self.template(raw)) for place, raw in pieces]
            at = pieces[-1][0] + len(pieces[-1][1]) - address if pieces else at + 1
        return found

    def split(self, code: bytes, address: int) -> list[tuple[int, bytes]]:
        """(address, bytes) of each instruction, up to the first byte that begins none."""
        return [
            (place, code[place - address : place - address + size])
            for place, size, _, _ in self._sizes.disasm_lite(code, address)
        ]

    def template(self, raw: bytes) -> Template:
        """What an instruction does, from its bytes."""
        known = self._templates.get(raw)
        if known is None:
            known = _direct_branch(raw) or self._distant_address(raw)
            if known is None:
                instruction = next(self._details.disasm(raw, 0, 1), None)
                known = Template(len(raw), ()) if instruction is None else self._translate(instruction)
            self._templates[raw] = known
        return known

    def _distant_address(self, raw: bytes) -> Template | None:
        """The address of something at a distance of its own: as the same with another distance."""
        match = _DISTANT_ADDRESS.match(raw)
        if match is None or raw[-4:] == bytes(4):
            return None
        at_end = self.template(match.group() + bytes(4))
        ((action, to, (place,)),) = at_end.steps
        assert isinstance(place, Memory)
        distance = place.displacement + int.from_bytes(raw[-4:], "little", signed=True)
        return at_end._replace(steps=(Step(action, to, (place._replace(displacement=distance),)),))

    def frame_pointer(self, beginning: bytes) -> str:
        """`rbp`, where it is set from the stack pointer."""
        return "rbp" if _SETS_FRAME in beginning[:16] else ""

    def _translate(self, instruction: Any) -> Template:
        name = instruction.mnemonic.split()[-1]
        operands = [self._operand(instruction, one) for one in instruction.operands]
        flow, target = self._flow(instruction, name, operands)
        steps = () if flow in ("jump", "stop", "return") else tuple(self._steps(instruction, name, operands))
        return Template(instruction.size, steps, flow, target)

    def _flow(self, instruction: Any, name: str, operands: list[Operand | None]) -> tuple[str, int | Operand | None]:
        if name in _STOPS:
            return "stop", None
        if name.startswith("ret"):
            return "return", None
        if name == "call":
            flow = "call"
        elif name == "jmp":
            flow = "jump"
        elif name.startswith(("j", "loop")) or name == "xbegin":
            flow = "branch"
        else:
            return "", None
        first = operands[0] if operands else None
        return flow, first.number if isinstance(first, Immediate) else first

    def _steps(self, instruction: Any, name: str, operands: list[Operand | None]) -> Iterator[Step]:
        whole = [one for one in operands if one is not None]
        first = whole[0] if whole else None
        to = first if isinstance(first, (Register, Memory)) else None
        rest = tuple(whole[1:])
        if name in _NOTHING or name in ("call", "ret") or instruction.mnemonic == "nop":
            return
        if name.startswith(("j", "loop")):
            if name not in ("jmp", "jrcxz", "jecxz"):
                yield Step("condition", None)
            return
        if name.startswith(("set", "cmov", "sbb", "adc")):
            yield Step("condition", None)
        if name in _ARITHMETIC and isinstance(to, Register) and to not in rest:
            yield Step("flags", None, tuple(one for one in whole if not isinstance(one, Memory)))
        if name in _COPIES and len(whole) == 2:
            yield Step("copy", to, rest)
        elif name in ("div", "idiv"):
            for step in self._others(instruction, operands):
                yield step._replace(action="divide") if step.action == "compute" else step
        elif name == "lea" and rest:
            yield Step("address", to, rest)
        elif name in _SIGN_EXTENSIONS:
            yield Step("copy", Register("rax", 8), (Register("rax", 4),))
        elif name.startswith("cmov"):
            yield Step("select", to, tuple(whole))
        elif name.startswith("set"):
            yield Step("flag", to)
        elif name == "cmp":
            yield Step("compare", None, tuple(whole))
        elif name == "test":
            if whole[0] == whole[1]:
                yield Step("test", None, (whole[0],))
            else:
                yield Step("test", None, tuple(whole))
        elif name == "push":
            yield Step("push", None, tuple(whole))
        elif name == "pop":
            yield Step("pop", to)
        elif name == "leave":
            yield Step("copy", _STACK, (Register("rbp", 8),))
            yield Step("pop", Register("rbp", 8))
        elif name in ("xor", "sub", "pxor", "xorps", "xorpd", "vpxor", "vxorps") and len(set(whole[-2:])) == 1:
            yield Step("copy", to, (Immediate(0),))
        elif name == "xor" and isinstance(to, Register) and rest == (Immediate(1),):
            yield Step("flip", to, (to,))
        elif name == "and" and isinstance(to, Register) and rest in ((Immediate(1),), (Immediate(255),)):
            yield Step("byte", to, (to,))
        elif name in ("add", "sub", "inc", "dec") and isinstance(to, Register):
            amount = rest[0] if rest else Immediate(1)
            if name in ("sub", "dec"):
                if isinstance(amount, Immediate):
                    yield Step("add", to, (to, Immediate(-amount.number)))
                else:
                    yield Step("compute", to, (to, amount))
            else:
                yield Step("add", to, (to, amount))
        elif name == "xchg" and len(whole) == 2:
            if whole[0] != whole[1]:  # `xchg %ax, %ax` is a nop
                yield from self._exchange(whole[0], whole[1])
        elif name in ("or", "and") and len(whole) == 2 and whole[0] == whole[1]:
            yield Step("test", None, (whole[0],))
        else:
            yield from self._others(instruction, operands)

    @staticmethod
    def _exchange(one: Operand, other: Operand) -> Iterator[Step]:
        memory, register = (one, other) if isinstance(one, Memory) else (other, one)
        if isinstance(memory, Memory):
            yield Step("update", memory, (register,))
        for operand in (one, other):
            if isinstance(operand, Register):
                yield Step("clobber", operand)

    def _others(self, instruction: Any, operands: list[Operand | None]) -> Iterator[Step]:
        """Steps by what capstone says is read and written."""
        read, write = self._capstone.CS_AC_READ, self._capstone.CS_AC_WRITE
        pairs = [(ours, theirs.access) for ours, theirs in zip(operands, instruction.operands) if ours is not None]
        inputs = tuple(
            ours for ours, access in pairs if access & read and not (access & write and isinstance(ours, Memory))
        )
        written = set()
        for ours, access in pairs:
            if not access & write or isinstance(ours, Immediate):
                continue
            if isinstance(ours, Memory):
                yield (
                    Step("update" if access & read else "copy", ours, inputs or (Immediate(1),))
                    if len(inputs) == 1 or access & read
                    else Step("compute", ours, inputs)
                )
            else:
                written.add(ours.name)
                yield Step("compute", ours, inputs)
        if inputs and not any(access & write for _, access in pairs):
            yield Step("compute", None, inputs)
        for number in instruction.regs_access()[1]:
            name = self._widest(instruction.reg_name(number))
            if name not in written and name not in ("rflags", "eflags", "mxcsr", "rip", "sp", "fpsw"):
                yield Step("clobber", Register(name, 8))

    def _operand(self, instruction: Any, operand: Any) -> Operand | None:
        x86 = self._x86
        if operand.type == x86.X86_OP_REG:
            return Register(self._widest(instruction.reg_name(operand.reg)), operand.size)
        if operand.type == x86.X86_OP_IMM:
            return Immediate(operand.imm)
        if operand.type != x86.X86_OP_MEM:
            return None
        memory = operand.mem
        base = self._widest(instruction.reg_name(memory.base)) if memory.base else ""
        displacement = memory.disp
        if base in ("rip", "eip"):
            base, displacement = PROGRAM_COUNTER, displacement + instruction.size
        index = self._widest(instruction.reg_name(memory.index)) if memory.index else ""
        if index in ("riz", "eiz"):
            index = ""
        return Memory(base, index, memory.scale, displacement, operand.size, memory.segment == x86.X86_REG_FS)

    @staticmethod
    def _widest(name: str) -> str:
        return _WIDEST.get(name, name)
