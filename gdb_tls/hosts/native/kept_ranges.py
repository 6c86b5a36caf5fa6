"""Ranges of a core that many reads ask for, such as what every thread has beside its thread pointer, read once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

# That much is kept at the most, in bytes.
MOST_KEPT = 16 << 20
# One address in so many may lie elsewhere.
FEWEST_INSIDE = 64


class KeptRanges:
    """Ranges of one length, by their first address."""

    def __init__(self) -> None:
        """Keeps nothing yet."""
        self._raws: dict[int, bytes] = {}
        self._starts: list[int] = []
        self._size = 0

    def keep(self, raws: dict[int, bytes], size: int) -> None:
        """Keeps the bytes at some addresses, instead of what was kept before."""
        self._raws, self._starts, self._size = raws, sorted(raws), size

    def read(self, addresses: Sequence[int], size: int) -> list[bytes | None] | None:
        """The bytes at addresses that lie in these ranges, each at the same place; None where most do not."""
        at = bisect_right(self._starts, addresses[0]) - 1
        offset = addresses[0] - self._starts[at] if at >= 0 else -1
        if not 0 <= offset <= self._size - size:
            return None
        raws = list(map(self._raws.get, [address - offset for address in addresses]))
        if raws.count(None) * FEWEST_INSIDE > len(raws):
            return None
        inside = slice(offset, offset + size)
        return [None if raw is None else raw[inside] for raw in raws]
