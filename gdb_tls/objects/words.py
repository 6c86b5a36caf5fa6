"""Words and strings of the program's memory."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from gdb_tls.target.protocol import Target, UnreadableMemory

LONGEST_NAME = 4096


class Words:
    """Words and strings of the program's memory, in its own size and byte order."""

    def __init__(self, target: Target) -> None:
        """Takes pointer size and byte order from the target's architecture."""
        self._memory = target.memory
        self.size = target.architecture.pointer_size
        self.order = "<" if target.architecture.byte_order == "little" else ">"
        self.format = self.order + ("Q" if self.size == 8 else "I")

    def read(self, address: int) -> int:
        """Reads one unsigned word."""
        return int(struct.unpack(self.format, self._memory.read(address, self.size))[0])

    def read_int(self, address: int) -> int:
        """Reads an unsigned `int`, which every architecture here has in 4 bytes."""
        return int(struct.unpack(self.order + "I", self._memory.read(address, 4))[0])

    def read_some(self, address: int, count: int) -> tuple[int, ...]:
        """Reads adjacent unsigned words."""
        return self.all(self._memory.read(address, count * self.size))

    def all(self, data: bytes) -> tuple[int, ...]:
        """The unsigned words of what was read, all at once."""
        return struct.unpack(f"{self.order}{len(data) // self.size}{self.format[1]}", data)

    def each(self, data: bytes) -> Iterator[int]:
        """The unsigned words of what was read."""
        return (one[0] for one in struct.iter_unpack(self.format, data))

    def string(self, address: int) -> str:
        """Reads a zero-terminated string, a piece at a time so as not to run into a hole."""
        found = b""
        while len(found) < LONGEST_NAME:
            piece = 256 - address % 256
            found += self._memory.read(address, piece)
            if b"\0" in found:
                return os.fsdecode(found.split(b"\0", 1)[0])
            address += piece
        raise UnreadableMemory(address)
