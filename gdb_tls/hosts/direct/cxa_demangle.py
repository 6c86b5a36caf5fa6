"""Names as programmers write them, by the C++ library's own function: it knows C++ only, and is quick."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress

LIBRARIES = ("libstdc++.so.6", "libc++abi.so.1")


class _Library:
    """`__cxa_demangle` (Itanium C++ ABI 3.4) of a C++ library that is here.

    Raises:
        OSError, AttributeError: where it is not.
    """

    def __init__(self, name: str) -> None:
        # By index: as an attribute, a name of two underscores would get the class's in front of it.
        self._call, self._free = ctypes.CDLL(name)["__cxa_demangle"], ctypes.CDLL(None).free
        self._call.restype = ctypes.c_void_p
        self._call.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._free.argtypes = [ctypes.c_void_p]

    def __call__(self, name: str) -> str | None:
        found = self._call(name.encode("utf-8", "surrogateescape"), None, None, None)
        if not found:
            return None
        try:
            return ctypes.string_at(found).decode("utf-8", "replace")
        finally:
            self._free(found)


def library_function() -> Callable[[str], str | None]:
    """Of the first library that is here, if any is."""
    for library in LIBRARIES:
        with suppress(OSError, AttributeError):
            return _Library(library)
    return lambda name: None
