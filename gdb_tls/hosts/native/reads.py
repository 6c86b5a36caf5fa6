"""Reading the program's memory: one address after the other, or many in one go."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import suppress

from gdb_tls.hosts.native.scatter import MOST_RANGES
from gdb_tls.target.protocol import UnreadableMemory


class OneByOne:
    """Memory in which each address is read by itself; implements `gdb_tls.target.Memory` but for `read`.

    Attributes:
        changing: see `Memory.changing`.
    """

    changing: Set[int] = frozenset()

    def read(self, address: int, size: int) -> bytes:
        """See `Memory.read`."""
        raise NotImplementedError

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        return [self._read_one(address, size) for address in addresses]

    def _read_one(self, address: int, size: int) -> bytes | None:
        try:
            return self.read(address, size)
        except UnreadableMemory:
            return None

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """See `Memory.read_ahead`."""
        found: list[bytes] = []
        with suppress(UnreadableMemory):
            for address in addresses:
                found.append(self.read(address, size))
        return found

    def expect(self, addresses: Sequence[int], size: int) -> None:
        """See `Memory.expect`: nothing is kept of what may change."""

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        """See `Memory.are_mapped`."""
        return [raw is not None for raw in self.read_many(addresses, 1)]


class Scattered(OneByOne):
    """Memory of which many addresses are read in one system call; where that stops, each is read by itself."""

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        """See `Memory.read_many`."""
        if not size:
            return [b""] * len(addresses)
        together = self._read_together(addresses, size)
        if together is not None:
            for index in [index for index, raw in enumerate(together) if raw is None]:
                together[index] = self._read_one(addresses[index], size)
            return together
        found: list[bytes | None] = []
        width = MOST_RANGES
        while len(found) < len(addresses):
            some = addresses[len(found) : len(found) + width]
            read = self._read_some(some, size)
            found += read
            # Holes come in crowds: after one, it is tried with few addresses first.
            width = min(2 * width, MOST_RANGES)
            if len(read) < len(some):
                found.append(self._read_one(some[len(read)], size))
                width = 1
        return found

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """See `Memory.read_ahead`."""
        found: list[bytes] = []
        while len(found) < len(addresses):
            some = addresses[len(found) : len(found) + MOST_RANGES]
            read = self._read_some(some, size)
            found += read
            if len(read) < len(some):
                break
        return found or super().read_ahead(addresses[:1], size)

    def _read_together(self, addresses: Sequence[int], size: int) -> list[bytes | None] | None:
        """The bytes at most of the addresses, where these can be had together; None where not."""
        return None

    def _read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """The bytes at the first addresses, up to one that cannot be read at once."""
        raise NotImplementedError
