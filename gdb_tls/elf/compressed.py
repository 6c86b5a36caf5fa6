"""Compressed sections (gABI, "Section Compression"), and those of before it knew of compression."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2
MOST_UNPACKED = 1 << 31
# The most bytes that one byte makes: a match of deflate's is 258 long and takes 2 bits; zstd repeats one byte for a
# block of 128 KiB, which takes 4.
MOST_OF_ZLIB, MOST_OF_ZSTD = 1032, 1 << 15
HEADERS = 24  # of both, about


def unpacked(raw: bytes, pointer_size: int, order: str) -> bytes:
    """What is in a compressed section; empty where it makes no sense, or nothing here unpacks it."""
    form = struct.Struct(order + ("IIQQ" if pointer_size == 8 else "III"))
    if len(raw) < form.size:
        return b""
    head = form.unpack_from(raw)
    kind, size = head[0], head[2] if pointer_size == 8 else head[1]
    data = memoryview(raw)[form.size :]
    if kind == ELFCOMPRESS_ZSTD:
        return _of_zstd(data, size)
    return _inflated(data, size) if kind == ELFCOMPRESS_ZLIB else b""


def unpacked_as_gnu(raw: bytes) -> bytes:
    """What is in a `.zdebug_` section: "ZLIB", the size as a big-endian number of 8 bytes, and zlib's data."""
    return _inflated(memoryview(raw)[12:], int.from_bytes(raw[4:12], "big")) if raw[:4] == b"ZLIB" else b""


def is_of_zstd(raw: bytes, order: str) -> bool:
    """Whether a compressed section is zstd's, by its first bytes."""
    return raw[:4] == struct.pack(order + "I", ELFCOMPRESS_ZSTD)


def has_zstd() -> bool:
    """Whether something here unpacks zstd's data: Python from 3.14 on, or the machine's libzstd."""
    return _zstd() is not None


def _is_possible(size: int, length: int, most: int) -> bool:
    """Whether so many bytes can be in data of a length: a damaged header may claim anything."""
    return 0 < size <= min(MOST_UNPACKED, most * (length + HEADERS))


def _inflated(data: memoryview, size: int) -> bytes:
    import zlib

    if not _is_possible(size, len(data), MOST_OF_ZLIB):
        return b""
    try:
        return zlib.decompressobj().decompress(data, size)
    except zlib.error:
        return b""


def _of_zstd(data: memoryview, size: int) -> bytes:
    unpack = _zstd()
    return unpack(bytes(data), size) if unpack and _is_possible(size, len(data), MOST_OF_ZSTD) else b""


@cache
def _zstd() -> Callable[[bytes, int], bytes] | None:
    return _zstd_of_python() or _zstd_of_the_machine()


def _zstd_of_python() -> Callable[[bytes, int], bytes] | None:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None

    def unpack(data: bytes, size: int) -> bytes:
        try:
            return bytes(zstd.ZstdDecompressor().decompress(data, size))
        except zstd.ZstdError:
            return b""

    return unpack


def _zstd_of_the_machine() -> Callable[[bytes, int], bytes] | None:
    """As zstd.h says: ZSTD_decompress gives the number of bytes, or one for which ZSTD_isError is true."""
    import ctypes

    try:
        library = ctypes.CDLL("libzstd.so.1")
        decompress, is_error = library.ZSTD_decompress, library.ZSTD_isError
    except (OSError, AttributeError):
        return None
    decompress.restype = ctypes.c_size_t
    decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    is_error.restype, is_error.argtypes = ctypes.c_uint, [ctypes.c_size_t]

    def unpack(data: bytes, size: int) -> bytes:
        try:
            output = bytearray(size)
        except MemoryError:
            return b""
        made = decompress((ctypes.c_char * size).from_buffer(output), size, data, len(data))
        return b"" if is_error(made) else bytes(output[:made])

    return unpack
