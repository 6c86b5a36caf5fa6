"""The general registers in a core's NT_PRSTATUS note, by name (Linux `user_regs_struct` of each architecture)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from gdb_tls.target.architectures import ARCHITECTURES, Architecture
from gdb_tls.tuples import NamedTuple

EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 21, 22, 40, 62, 183, 243
# Of `struct elf_prstatus` what comes before pr_reg, by the size of a word: siginfo, signal, two words, four ids, times.
REGISTERS_AT = {4: 72, 8: 112}


class Layout(NamedTuple):
    """One architecture's registers.

    Attributes:
        architecture: the name of its row in the table of architectures.
        names: of the words, in their order; those that nobody asks for are empty.
        pc: the name of the program counter.
        sp: the name of the stack pointer.
    """

    architecture: str
    names: tuple[str, ...]
    pc: str
    sp: str


def _numbered(letter: str, last: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(last + 1))


LAYOUTS = {
    (EM_X86_64, 8): Layout(
        "x86-64",
        (
            *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
            *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base"),
        ),
        "rip",
        "rsp",
    ),
    (EM_386, 4): Layout(
        "i386",
        (
            *("ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "ds", "es", "fs", "gs", "orig_eax", "eip", "cs"),
            *("eflags", "esp", "ss"),
        ),
        "eip",
        "esp",
    ),
    (EM_AARCH64, 8): Layout("aarch64", (*_numbered("x", 30), "sp", "pc"), "pc", "sp"),
    (EM_ARM, 4): Layout("arm", (*_numbered("r", 15),), "r15", "r13"),
    (EM_RISCV, 8): Layout("riscv64", ("pc", "ra", "sp", "gp", "tp"), "pc", "sp"),
    (EM_PPC64, 8): Layout("ppc64le", (*_numbered("r", 31), "nip"), "nip", "r1"),
    (EM_S390, 8): Layout("s390x", ("", "pc", *_numbered("r", 15)), "pc", "r15"),
}


def layout_of(machine: int, pointer_size: int, byte_order: str) -> tuple[Architecture, Layout] | None:
    """What is known of an ELF machine; None where it is nothing."""
    layout = LAYOUTS.get((machine, pointer_size))
    found = next((one for one in ARCHITECTURES if layout and one.name == layout.architecture), None)
    return (found, layout) if found and layout and found.byte_order == byte_order else None


def registers_in(layout: Layout, status: bytes, pointer_size: int, byte_order: str) -> Mapping[str, int]:
    """The registers by name in the contents of an NT_PRSTATUS note; as many as it holds."""
    form = ("<" if byte_order == "little" else ">") + ("Q" if pointer_size == 8 else "I")
    raw = status[REGISTERS_AT[pointer_size] :]
    count = min(len(raw) // pointer_size, len(layout.names))
    words = struct.unpack_from(f"{form[0]}{count}{form[1]}", raw)
    found = {name: word for name, word in zip(layout.names, words) if name}
    if layout.architecture == "s390x":  # the access registers a0 and a1 follow, of four bytes each
        at = 18 * 8
        if len(raw) >= at + 8:
            high, low = struct.unpack_from(">II", raw, at)
            found["acr"] = high << 32 | low
    return found
