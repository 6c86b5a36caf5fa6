"""Many ranges of a process's memory in one system call: process_vm_readv(2)."""

from __future__ import annotations

import ctypes
import os
import struct
from array import array
from collections.abc import Sequence

MOST_RANGES = 1024  # IOV_MAX of Linux
WORD = (1 << 64) - 1
PROT_READ, MAP_PRIVATE = 1, 2
MAP_FAILED = ctypes.c_void_p(-1).value


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
        words = array("Q", [size]) * (2 * len(addresses))
        try:
            words[::2] = array("Q", addresses)
        except OverflowError:  # what a damaged program takes for an address
            words[::2] = array("Q", [address & WORD for address in addresses])
        local = array("Q", [ctypes.addressof(ctypes.c_char.from_buffer(buffer)), len(buffer)])
        count = self._call(
            self._pid,
            *(ctypes.c_void_p(local.buffer_info()[0]), ctypes.c_ulong(1)),
            *(ctypes.c_void_p(words.buffer_info()[0]), ctypes.c_ulong(len(addresses))),
            ctypes.c_ulong(0),
        )
        whole = max(count, 0) // size * size
        return [piece for (piece,) in struct.iter_unpack(f"{size}s", memoryview(buffer)[:whole])]


class MappedFile:
    """A file in this process's memory, read as that of any other process.

    Touching a mapping of a file that somebody truncates kills the process (SIGBUS); the system call only stops there.
    """

    def __init__(self, file: int) -> None:
        """Maps an open file.

        Raises:
            OSError: where there is no room for it.
        """
        self._size = os.fstat(file).st_size
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.mmap.restype = ctypes.c_void_p
        self._library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        address = self._library.mmap(None, self._size, PROT_READ, MAP_PRIVATE, file, 0)
        self._address: int = 0 if address == MAP_FAILED else address
        self._reads = ScatteredReads(os.getpid())
        if not self._address:
            raise OSError(ctypes.get_errno(), "mmap")

    def __del__(self) -> None:
        """Ends the mapping."""
        if self._address:
            self._library.munmap(ctypes.c_void_p(self._address), ctypes.c_size_t(self._size))

    def read(self, offsets: Sequence[int], size: int) -> list[bytes]:
        """Reads `size` bytes at each of the first offsets in the file, up to one that it does not hold."""
        last = self._size - size
        return self._reads.read([self._address + at if 0 <= at <= last else 0 for at in offsets], size)
