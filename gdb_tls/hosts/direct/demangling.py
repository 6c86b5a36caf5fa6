"""Names as programmers write them, of names as compilers do: by the C++ library's own function, or by c++filt."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache

from gdb_tls.program.names import RUST_HASH, without_rust_details

LIBRARIES = ("libstdc++.so.6", "libc++abi.so.1")
MANGLED = ("_Z", "_R", "_D")
SECONDS = 20

_known: dict[str, str] = {}


def demangled(names: Sequence[str]) -> list[str]:
    """The names as a programmer writes them; one that is not mangled, or that nothing here understands, stays."""
    unknown = [name for name in dict.fromkeys(names) if name.startswith(MANGLED) and name not in _known]
    function = _library_function()
    others = []
    for name in unknown:
        found = function(name) if name.startswith("_Z") else None
        if found is None or RUST_HASH.search(found):
            others.append(name)
        else:
            _known[name] = found
    _known.update(zip(others, _by_tool(others)))
    return [_known.get(name, name) for name in names]


def _by_tool(names: Sequence[str]) -> list[str]:
    """What c++filt makes of them: it knows Rust and D, too."""
    tool = shutil.which("c++filt") if names else None
    if tool is None:
        return list(names)
    found = dict(zip(names, names))
    for form in ("auto", "dlang"):
        some = [name for name in names if name.startswith("_D") is (form == "dlang")]
        if some:
            with suppress(OSError, subprocess.SubprocessError):
                command, text = [tool, "-s", form], "\n".join(some)
                said = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=True)
                lines = said.stdout.splitlines()
                if len(lines) == len(some):
                    found.update(zip(some, lines))
    return [_without_details(name, found[name]) for name in names]


def _without_details(name: str, found: str) -> str:
    return without_rust_details(found) if name.startswith("_R") or RUST_HASH.search(found) else found


class _Library:
    """`__cxa_demangle` (Itanium C++ ABI 3.4) of a C++ library that is here.

    Raises:
        OSError, AttributeError: where it is not.
    """

    def __init__(self, name: str) -> None:
        # Not as an attribute: in a class Python puts the class's name before one that begins with two underscores.
        self._call, self._free = ctypes.CDLL(name)["__cxa_demangle"], ctypes.CDLL(None)["free"]
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


@cache
def _library_function() -> Callable[[str], str | None]:
    for library in LIBRARIES:
        with suppress(OSError, AttributeError):
            return _Library(library)
    return lambda name: None
