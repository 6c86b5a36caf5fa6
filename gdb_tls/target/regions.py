"""Looking up addresses in a memory map."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gdb_tls.target.facts import Region

# No region ends there.
AFTER_ALL = 1 << 65


def region_at(address: int, regions: Sequence[Region]) -> Region | None:
    """The mapped region that holds an address; None where none does.

    Args:
        address: it.
        regions: in ascending order.
    """
    at = bisect_right(regions, (address, AFTER_ALL)) - 1
    return regions[at] if at >= 0 and address < regions[at].end else None
