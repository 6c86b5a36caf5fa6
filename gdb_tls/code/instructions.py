"""Machine instructions in one form for all architectures: each is a few steps, without flags or encodings.

A decoder (`x86_64`, `aarch64`) makes them from capstone's instructions.  Only what data flow needs is kept: what is
copied where, what is an address of what, what is compared, and where control goes.
"""

from __future__ import annotations

from typing import Protocol, Union

from gdb_tls.tuples import NamedTuple

# The register name of the instruction's own address (x86-64: of the next one), for what is relative to it.
PROGRAM_COUNTER = "pc"


class Register(NamedTuple):
    """A whole register, by its widest name.

    Attributes:
        name: `rax`, `xmm0`, `x0`, `v0`, `sp` (the stack pointer of every architecture).
        width: how many bytes of it are used.
    """

    name: str
    width: int


class Memory(NamedTuple):
    """A place in memory: base + offset * scale + displacement.

    Attributes:
        base: a register's name, `PROGRAM_COUNTER`, or empty.
        offset: the name of the register that is its index, or empty.
        scale: of the index.
        displacement: in bytes.
        width: in bytes; 0 where it is not known.
        thread: counted from the thread pointer (x86-64's `%fs:`).
    """

    base: str
    offset: str
    scale: int
    displacement: int
    width: int
    thread: bool = False


class Immediate(NamedTuple):
    """A constant."""

    number: int


Operand = Union[Register, Memory, Immediate]


class Step(NamedTuple):
    """One thing that an instruction does.

    Attributes:
        action: what it does, with its operands `of`:
            "copy"      to = of[0], perhaps with its sign extended
            "select"    to = of[0] or of[1]
            "address"   to = the address of of[0]
            "page"      to = the page of the instruction, plus of[0] (aarch64's adrp)
            "thread"    to = the thread pointer
            "add"       to = of[0] + of[1]
            "compute"   to = something else, made from all of `of`
            "divide"    something is divided by of[0]
            "flag"      to = whether what was compared last is so
            "flip"      to = of[0] with its lowest bit changed
            "byte"      to = the lowest byte of of[0], or its lowest bit
            "update"    memory `to` is read and written, with something made from `of`
            "compare"   of[0] with of[1], for a branch or a condition
            "test"      of[0], for a branch or a condition
            "flags"     of[0] is what a condition tests that comes before any other flags; of[1], if any, was taken
                        from it or masked out of it
            "condition" what the flags were made of is tested
            "push"      of[0] onto the stack
            "pop"       to = what is popped
            "clobber"   to = unknown
        to: what is written; None for nothing.
        of: what is read.
    """

    action: str
    to: Register | Memory | None
    of: tuple[Operand, ...] = ()


class Template(NamedTuple):
    """An instruction without its place; one serves every place with the same bytes.

    Attributes:
        size: in bytes.
        steps: in their order.
        flow: where control goes: "" (on), "jump", "branch" (perhaps), "call", "return", "stop" (nowhere).
        target: of a jump, a branch or a call: the distance from the instruction; or the operand; None elsewhere.
        if_zero: where a branch goes if what was compared or tested last is zero: "target", "on"; empty for no such.
    """

    size: int
    steps: tuple[Step, ...]
    flow: str = ""
    target: int | Operand | None = None
    if_zero: str = ""


class Instruction(NamedTuple):
    """An instruction at its place.

    Attributes:
        address: as the file is linked.
        template: what it does.
    """

    address: int
    template: Template

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.template.size

    @property
    def goes_to(self) -> int | None:
        """The address that it jumps, branches to or calls, where the instruction itself says it."""
        target = self.template.target
        return self.address + target if isinstance(target, int) else None

    @property
    def goes_through(self) -> int | None:
        """The address of the pointer by which it jumps or calls, where that is in a fixed place: a GOT entry."""
        target = self.template.target
        is_fixed = isinstance(target, Memory) and target.base == PROGRAM_COUNTER and not target.offset
        return self.address + target.displacement if isinstance(target, Memory) and is_fixed else None

    @property
    def callee(self) -> int | None:
        """What it calls or jumps to: code, or the GOT entry through which it does; None where it does not say."""
        return self.goes_through if self.goes_to is None else self.goes_to


class Convention(NamedTuple):
    """How functions call each other (the architecture's psABI).

    Attributes:
        arguments: the registers of arguments, the first one first; the vector registers behind.
        integer_arguments: how many of them, from the first on, are of integers and pointers.
        result: the register of the result.
        preserved: the registers that a call leaves as they are.
        link: the register of the return address; empty where calls push it.
    """

    arguments: tuple[str, ...]
    integer_arguments: int
    result: str
    preserved: frozenset[str]
    link: str = ""


class Decoder(Protocol):
    """What an architecture's decoder gives."""

    convention: Convention

    def decode(self, code: bytes, address: int) -> list[Instruction]:
        """Decodes bytes from an address on, as far as they are instructions."""
        ...

    def split(self, code: bytes, address: int) -> list[tuple[int, bytes]]:
        """(address, bytes) of each instruction, up to the first byte that begins none."""
        ...

    def template(self, raw: bytes) -> Template:
        """What an instruction does, from its bytes."""
        ...

    def frame_pointer(self, beginning: bytes) -> str:
        """The register from which a function counts its frame, as its first bytes set it; empty where they do not."""
        ...
