"""Reading many addresses of a core, as both hosts do it: out of the core's own file."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.hosts.native.core_file import CoreFile
from gdb_tls.hosts.native.reads import Scattered


class CoreReads(Scattered):
    """Memory of which a core's file holds the most; implements `gdb_tls.target.Memory` but for `read`."""

    _file: CoreFile

    def expect(self, addresses: Sequence[int], size: int) -> None:
        """See `Memory.expect`."""
        self._file.expect(addresses, size)

    def _read_together(self, addresses: Sequence[int], size: int) -> list[bytes | None] | None:
        return self._file.read_together(addresses, size)

    def _read_some(self, addresses: Sequence[int], size: int) -> list[bytes]:
        return self._file.read_some(addresses, size)
