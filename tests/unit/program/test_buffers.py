"""Buffers with a length: what is shown beside a pointer to one, whatever is in memory."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from gdb_tls.program.value import LONGEST_BUFFER, counted_preview
from gdb_tls.target.model import Counted
from gdb_tls.target.protocol import UnreadableMemory

AT, TEXT = 0x1000, 0x2000
SHAPE = Counted(pointer=0, length=8, length_size=8)


def target(memory: dict[int, bytes], byte_order: str = "little") -> Any:
    def read(address: int, size: int) -> bytes:
        for start, data in memory.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise UnreadableMemory(address)

    architecture = SimpleNamespace(most_characters=40, pointer_size=8, byte_order=byte_order)
    return SimpleNamespace(
        most_characters=40, memory=SimpleNamespace(most_characters=40, read=read), architecture=architecture
    )


def shown(pointer: int, length: int, text: bytes | None) -> str:
    memory = {AT: struct.pack("<QQ", pointer, length)}
    if text is not None:
        memory[TEXT] = text
    return counted_preview(SHAPE, AT, target(memory))


@pytest.mark.parametrize(
    ("pointer", "length", "text", "wanted"),
    [
        (TEXT, 5, b"plain", ' length 5 "plain"'),  # ends where the memory ends
        (TEXT, 3, b"pl\0in", ' length 3 "pl\\x00"'),
        (TEXT, 3, b'"\\\x1b', ' length 3 "\\"\\\\\\x1b"'),
        (TEXT, 1000, b"x" * 1000, f' length 1000 "{"x" * 40}"...'),
        (TEXT, 0, None, ' length 0 ""'),
        (0, 0, None, ' length 0 ""'),
        (TEXT, 9, None, " length 9, unreadable"),
        (0, 9, None, ""),  # no buffer at all
        (TEXT, LONGEST_BUFFER + 1, b"x", ""),
    ],
)
def test_preview(pointer: int, length: int, text: bytes | None, wanted: str) -> None:
    assert shown(pointer, length, text) == wanted


def test_structure_that_cannot_be_read() -> None:
    assert counted_preview(SHAPE, AT, target({})) == ""


def test_small_length_in_big_endian() -> None:
    memory = {AT: struct.pack(">QH", TEXT, 2), TEXT: b"ab"}
    assert counted_preview(Counted(0, 8, 2), AT, target(memory, "big")) == ' length 2 "ab"'
