"""Memory that was given back to malloc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gdb_tls.target.facts import Region


@runtime_checkable
class KnowsFreed(Protocol):
    """A C library whose free chunks can be told from used ones."""

    def freed(self, pointers: Sequence[int], regions: Sequence[Region]) -> set[int]:
        """Those pointers that are of chunks which are surely free; of others nothing is known.

        Args:
            pointers: as malloc would have given them.
            regions: the memory map, by address.
        """
        ...
