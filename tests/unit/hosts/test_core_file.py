"""What a core's file gives of ranges in one segment, in several, and in none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gdb_tls.hosts.native.core_file import CoreFile

# (address, bytes in memory, bytes in the file): two that adjoin, a gap, one of which the file has the half, one behind.
SEGMENTS = [(0x1000, 0x1000, 0x1000), (0x2000, 0x2000, 0x2000), (0x6000, 0x1000, 0x800), (0x7000, 0x1000, 0x1000)]


def content(address: int, size: int) -> bytes:
    """What memory holds there: every word is its own address."""
    return b"".join(struct.pack("<Q", one) for one in range(address, address + size, 8))


@pytest.fixture
def core(tmp_path: Path) -> CoreFile:
    """A core of these segments, out of order in the file."""
    offset = 64 + 56 * len(SEGMENTS)
    headers, data = b"", b""
    for address, size, held in SEGMENTS[::-1]:
        headers += struct.pack("<IIQQQQQQ", 1, 6, offset + len(data), address, 0, held, size, 0x1000)
        data += content(address, held)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHI3QI6H", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(SEGMENTS), 0, 0, 0)
    path = tmp_path / "core"
    path.write_bytes(head + headers + data)
    return CoreFile(str(path))


@pytest.mark.parametrize(
    ("address", "size"), [(0x1000, 8), (0x1FF8, 8), (0x1FF8, 16), (0x1000, 0x3000), (0x6000, 0x800), (0x7000, 0x1000)]
)
def test_held(core: CoreFile, address: int, size: int) -> None:
    assert core.read(address, size) == content(address, size)


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (0xFF8, 16),
        (0x3FF8, 16),
        (0x4000, 8),
        (0x67F8, 16),
        (0x6800, 8),
        (0x6FF8, 16),
        (0x7FF8, 16),
        (0, 8),
        (1 << 63, 8),
    ],
)
def test_not_held(core: CoreFile, address: int, size: int) -> None:
    assert core.read(address, size) is None


def test_what_lies_close_together_is_read_at_once(core: CoreFile) -> None:
    inside = [0x2000 + 16 * number for number in range(255, 0, -1)]
    assert core.read_together(inside, 24) == [content(address, 24) for address in inside]
    # The few that lie elsewhere, or go past the segment's end, are left to be read by themselves.
    found = core.read_together([0x1000, *inside, 0x3FF0], 24)
    assert found == [None, *(content(address, 24) for address in inside), None]


@pytest.mark.parametrize(
    "addresses",
    [
        [0x2000] * 63,
        [0x1000 * (1 + number % 3) for number in range(99)],
        [0x6800] * 100,
        [0] * 100,
    ],
)
def test_what_does_not_is_not(core: CoreFile, addresses: list[int]) -> None:
    assert core.read_together(addresses, 8) is None


def test_what_is_expected_is_kept(core: CoreFile) -> None:
    starts = [0x1000 + 0x20 * number for number in range(100)]
    core.expect([*starts, 0x6FF8, 0x67F0], 16)
    every = [start + 8 for start in starts]
    assert core.read_together(every[::-1], 8) == [content(address, 8) for address in every[::-1]]
    assert core.read_together([*every, 0x7008], 8) == [*(content(address, 8) for address in every), None]
