"""Architectures: where thread pointer, DTV and blocks are.  The numbers here are the ABIs', written out."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.elfwriter import Symbol
from unit.fake import architecture
from unit.process import MACHINE, Process

from gdb_tls.program.report import inspect
from gdb_tls.target import architectures as arch
from gdb_tls.target.model import State

# `struct pthread` is 0x900 bytes in these processes.
# name: (thread pointer - pthread, DTV pointer's place - thread pointer, block - thread pointer for offset 0x80)
ABI = {
    "x86-64": (0, 8, -0x80),
    "i386": (0, 4, -0x80),
    "s390x": (0, 8, -0x80),
    "aarch64": (0x900, 0, 0x80),
    "arm": (0x900, 0, 0x80),
    "riscv64": (0x900, -0x10, 0x80),
    "ppc64le": (0x7900, -0x7008, -0x7000 + 0x80),
}


@pytest.mark.parametrize("machine", ABI)
@pytest.mark.parametrize("flavour", ["glibc", "old", "static"])
def test_addresses(tmp_path: Path, machine: str, flavour: str) -> None:
    process = Process(tmp_path, machine, flavour)
    word = process.word
    process.module("libstatic.so", [Symbol("near", 0x10, word)], static_offset=0x80)
    dynamic = process.module("libdynamic.so", [Symbol("far", 0x18, word)])
    touched, untouched = process.thread(100), process.thread(101)
    to_pointer, to_dtv, to_block = ABI[machine]

    block = process.allocate(0x100)
    pointer = touched.pthread + to_pointer
    dtv = process.memory.word(pointer + to_dtv)
    assert process.memory.word(dtv - 2 * word) == 16, "the capacity is where the ABI has it"
    process.memory.put(dtv + dynamic.id * 2 * word, block)
    process.memory.put(block + 0x18, 0x1234)

    program = process.program()
    assert [one.thread_pointer for one in program.threads] == [one.pthread + to_pointer for one in (touched, untouched)]
    near = inspect(program, "near")
    assert [one.address for one in near.instances] == [
        one.pthread + to_pointer + to_block + 0x10 for one in (touched, untouched)
    ]
    far = inspect(program, "far")
    assert [(one.state, one.address, one.value) for one in far.instances] == [
        (State.SET, block + 0x18, 0x1234),
        (State.UNALLOCATED, None, None),
    ]
    assert far.target.architecture == machine


def test_every_row_is_tested() -> None:
    assert {row.name for row in arch.ARCHITECTURES} == set(ABI) == set(MACHINE)


@pytest.mark.parametrize(
    ("gdb_name", "name"),
    [
        ("i386:x86-64", "x86-64"),
        ("i386:x86-64:intel", "x86-64"),
        ("i386", "i386"),
        ("i386:intel", "i386"),
        ("aarch64", "aarch64"),
        ("arm", "arm"),
        ("armv7", "arm"),
        ("riscv:rv64", "riscv64"),
        ("powerpc:common64", "ppc64le"),
        ("s390:64-bit", "s390x"),
    ],
)
def test_names(gdb_name: str, name: str) -> None:
    assert arch.find(gdb_name) is architecture(name)


@pytest.mark.parametrize("gdb_name", ["", "sparc", "mips:isa64r2", "riscv:rv32", "powerpc:common", "s390:31-bit"])
def test_unknown_names(gdb_name: str) -> None:
    assert arch.find(gdb_name) is None


@pytest.mark.parametrize("gdb_name", ["i386:x64-32", "i386:x64-32:intel", "aarch64:ilp32"])
def test_other_pointer_sizes_are_other_architectures(gdb_name: str) -> None:
    """x32 and ILP32: 4-byte pointers on a 64-bit machine, so neither row fits."""
    assert arch.find(gdb_name) is None


def test_biases() -> None:
    """What `__tls_get_addr` and musl's DTV add: musl arch/*/pthread_arch.h, DTP_OFFSET."""
    assert {row.name: row.dtp_bias for row in arch.ARCHITECTURES if row.dtp_bias} == {
        "riscv64": 0x800,
        "ppc64le": 0x8000,
    }


def test_red_zones() -> None:
    """The x86-64 and Power ABIs let a function use memory below its stack pointer."""
    assert architecture("x86-64").red_zone == 128
    assert architecture("ppc64le").red_zone >= 288
