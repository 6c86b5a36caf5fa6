"""Many ranges of a process's memory in one system call: process_vm_readv(2)."""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Sequence

# `struct iovec` has two of these.
NATIVE = "L"
WORD = (1 << 8 * array(NATIVE).itemsize) - 1


class ScatteredReads:
    """Reads of one process."""

    def __init__(self, pid: int) -> None:
        """Takes the process's id."""
        self._pid = pid
        self._call = ctypes.CDLL(None).process_vm_readv
        self._call.restype = ctypes.c_ssize_t

    def read(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """Reads `size` bytes at each of the first addresses, up to one that the kernel cannot read.

        Args:
            addresses: `MOST_RANGES` of them at the most.
            size: above zero.
        """
        buffer = bytearray(size * len(addresses))
        words = array(NATIVE, [size]) * (2 * len(addresses))
        try:
            words[::2] = array(NATIVE, addresses)
        except OverflowError:  # what a damaged program takes for an address
            words[::2] = array(NATIVE, [address & WORD for address in addresses])
        local = array(NATIVE, [ctypes.addressof(ctypes.c_char.from_buffer(buffer)), len(buffer)])
        count = self._call(
            self._pid,
            *(ctypes.c_void_p(local.buffer_info()[0]), ctypes.c_ulong(1)),
            *(ctypes.c_void_p(words.buffer_info()[0]), ctypes.c_ulong(len(addresses))),
            ctypes.c_ulong(0),
        )
        whole = max(count, 0) // size * size
        return [piece for (piece,) in struct.iter_unpack(f"{size}s", memoryview(buffer)[:whole])]
