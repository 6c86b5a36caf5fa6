"""What glibc's loader keeps of static TLS, whose place no `_thread_db_*` object describes.

sysdeps/generic/ldsodefs.h: behind `_dl_tls_dtv_slotinfo_list` in `_rtld_global` stand `_dl_tls_static_nelem`, then up
to 2.33 `_dl_tls_static_size`, `_used`, `_align` and (2.32) `_optional`; from 2.34
`_dl_tls_static_used` and `_dl_tls_static_optional`, while size and alignment are in `_rtld_global_ro`.  Where those two
are, the code of `_dl_get_tls_static_info` says, which does nothing else but read them.  In a static executable all are
variables with symbols of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.code.index import code_index
from gdb_tls.elf.file import NotElf
from gdb_tls.errors import TlsError
from gdb_tls.libc.glibc.descriptors import Descriptors
from gdb_tls.libc.static_tls import StaticTls
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import UnreadableMemory

READER = "_dl_get_tls_static_info"
LARGEST = 1 << 31


class _Unknown(Exception):
    """Something is not known; the text says why."""


def read_static_tls(
    objects: LoadedObjects,
    words: Words,
    descriptors: Descriptors,
    architecture: Architecture,
    modules: Sequence[Module],
    variable: Callable[[str, tuple[str, ...]], int | None],
) -> StaticTls:
    """Reads what there is, or as much of it as the modules themselves tell.

    Args:
        objects: what is loaded.
        words: the program's words.
        descriptors: glibc's description of itself.
        architecture: the program's.
        modules: all modules.
        variable: the address of a variable, by its name in `_rtld_global` or by its own.
    """
    below = architecture.static_below
    overhead = descriptors.number("sizeof_pthread") if below else 0
    least = max((_end(module, below) for module in modules), default=0)
    try:
        size, used, alignment, at_start, optional = _fields(objects, words, variable)
        _check(size - overhead, used, alignment, least)
    except (_Unknown, TlsError, NotElf, UnreadableMemory) as error:
        why = error.what if isinstance(error, TlsError) else str(error) or "it cannot be read"
        return StaticTls(None, overhead, least, None, None, None, below, why)
    return StaticTls(size, overhead, used, alignment, at_start, optional if optional <= size else None, below)


def _end(module: Module, below: bool) -> int:
    """Up to where a module has static TLS, from the thread pointer on."""
    if module.static_offset is None:
        return 0
    return module.static_offset + (0 if below or module.segment is None else module.segment.size)


def _check(size: int, used: int, alignment: int, least: int) -> None:
    """What was found is believed only where it agrees with the modules.

    Raises:
        _Unknown: where it does not.
    """
    is_power = alignment > 0 and alignment & (alignment - 1) == 0
    if not (is_power and least <= used <= size < LARGEST):
        raise _Unknown("what the loader says of static TLS does not agree with its modules")


def _fields(
    objects: LoadedObjects, words: Words, variable: Callable[[str, tuple[str, ...]], int | None]
) -> tuple[int, int, int, int, int]:
    """(size, used, alignment, modules at start, optional part) as the loader has them."""
    names = ("size", "used", "align", "static_nelem", "static_optional")
    alone = [variable("", (f"_dl_tls_{name if name.startswith('static') else 'static_' + name}",)) for name in names]
    if None not in alone:
        size, used, alignment, count, optional = (words.read(address or 0) for address in alone)
        return size, used, alignment, count, optional
    listed = variable("rtld_global__dl_tls_dtv_slotinfo_list", ())
    if listed is None:
        raise _Unknown("the loader's variables have no symbols")
    _, count, *after = words.read_some(listed, 6)
    size_at, alignment_at = _read_by_code(objects)
    size, alignment = words.read(size_at), words.read(alignment_at)
    is_old = size_at == listed + 2 * words.size
    return size, after[1] if is_old else after[0], alignment, count, after[3] if is_old else after[1]


def _read_by_code(objects: LoadedObjects) -> tuple[int, int]:
    """The addresses of size and alignment.

    Raises:
        _Unknown: where the loader's code does not tell.
        TlsError: where it cannot be read.
    """
    found = objects.symbol_address(READER, likely="ld")
    if found is None or found[0].path is None:
        raise _Unknown(f"the loader has no {READER}")
    loaded, symbol, _ = found
    flow = code_index(loaded.path or "").flow(symbol.value)
    places = sorted(set(flow.fixed_loads())) if flow else []
    if len(places) != 2:
        raise _Unknown(f"the loader's code ({READER}) does not say where its size is")
    return loaded.load_base + places[0], loaded.load_base + places[1]
