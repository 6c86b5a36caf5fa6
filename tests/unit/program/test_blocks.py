"""Columns over blocks: what was read, what could not be, and how little of it."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.program.blocks import PAGE, Blocks
from gdb_tls.target.model import Absence, Module, Place, State

MODULE = Module(1, "libx.so", "/libx.so", "/libx.so", 0, 1, None, TlsSegment(0, 0, 1 << 20, 16))
ABSENT = Absence(State.UNALLOCATED, "this thread has not touched libx.so yet")


class Memory:
    """Bytes that are their own address, with pages missing; counts what is read."""

    def __init__(self, missing: Sequence[int] = ()) -> None:
        self.missing = set(missing)
        self.reads = 0
        self.bytes = 0

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        return [self._read(address, size) for address in addresses]

    def _read(self, address: int, size: int) -> bytes | None:
        self.reads += 1
        if any(page in self.missing for page in range(address // PAGE, (address + size - 1) // PAGE + 1)):
            return None
        self.bytes += size
        return bytes(at % 251 for at in range(address, address + size))


class Target:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory


def blocks(memory: Memory, places: Sequence[Place], ranges: Sequence[tuple[int, int]]) -> Blocks:
    return Blocks(Target(memory), MODULE, places, ranges)  # type: ignore[arg-type]


def at(address: int, size: int) -> bytes:
    return bytes(one % 251 for one in range(address, address + size))


def test_each_block_is_read_once_for_all_variables() -> None:
    memory = Memory()
    found = blocks(memory, [0x10000, ABSENT, 0x20000], [(0, 8), (8, 16), (100, 104)])
    assert memory.reads == 0
    assert found.raws(8, 8) == [at(0x10008, 8), b"", at(0x20008, 8)]
    assert found.raws(100, 4) == [at(0x10064, 4), b"", at(0x20064, 4)]
    assert memory.reads == 2
    assert found.absences == {1: ABSENT}


def test_a_large_block_is_read_only_where_variables_are() -> None:
    memory = Memory()
    found = blocks(memory, [0x100000], [(0, 8), (1 << 19, (1 << 19) + 8)])
    assert found.raws(1 << 19, 8) == [at(0x100000 + (1 << 19), 8)]
    assert memory.bytes == 16


def test_a_missing_page_hides_only_what_is_on_it() -> None:
    start = 0x10000 + PAGE - 16
    found = blocks(Memory([0x11]), [start, 0x40000], [(0, 8), (12, 20), (24, 32)])
    assert found.raws(0, 8) == [at(start, 8), at(0x40000, 8)]
    assert found.raws(12, 8) == [b"", at(0x4000C, 8)]
    assert found.raws(24, 8) == [b"", at(0x40018, 8)]


def test_a_block_of_which_nothing_can_be_read() -> None:
    assert blocks(Memory([0x10]), [0x10000], [(0, 8), (8, 16)]).raws(0, 8) == [b""]


def test_what_no_variable_asked_for_is_not_there() -> None:
    assert blocks(Memory(), [0x10000], [(0, 8)]).raws(64, 8) == [b""]
