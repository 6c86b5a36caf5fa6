"""Names as programmers write them, of names as compilers do: by the C++ library's own function, or by c++filt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from gdb_tls.program.names import RUST_HASH

MANGLED = ("_Z", "_R", "_D")

_known: dict[str, str] = {}


def demangled(names: Sequence[str]) -> list[str]:
    """The names as a programmer writes them; one that is not mangled, or that nothing here understands, stays."""
    unknown = [name for name in dict.fromkeys(names) if name.startswith(MANGLED) and name not in _known]
    if unknown:
        _find_out(unknown)
    return [_known.get(name, name) for name in names]


def _find_out(unknown: Sequence[str]) -> None:
    function = _library_function()
    others = []
    for name in unknown:
        found = function(name) if name.startswith("_Z") else None
        if found is None or RUST_HASH.search(found):
            others.append(name)
        else:
            _known[name] = found
    if others:
        from gdb_tls.hosts.direct.cxxfilt import by_tool

        _known.update(zip(others, by_tool(others)))


@cache
def _library_function() -> Callable[[str], str | None]:
    from gdb_tls.hosts.direct.cxa_demangle import library_function

    return library_function()
