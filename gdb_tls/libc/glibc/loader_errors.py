"""What dlerror knows in a thread.

dlfcn/dlerror.h (2.34 and newer): the thread-local `__libc_dlerror_result`, which libc.so exports, points to a `struct
dl_action_result`: `int errcode; char errstring_source; bool returned; const char *objname; char *errstring`.  Once
dlerror was called, `errstring` is the whole message (dlfcn/dlerror.c).  Older ones keep a key that has no name.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from gdb_tls.libc.loader_errors import LoaderError
from gdb_tls.objects.words import Words
from gdb_tls.target.protocol import Memory, UnreadableMemory

RESULT = "__libc_dlerror_result"
# errstring_source: constant, of the loader's allocator, of libc's.
MOST_SOURCES = 3


def read_results(addresses: Sequence[int | None], words: Words, memory: Memory) -> list[LoaderError | None]:
    """Reads the results whose pointers are at these addresses."""
    known = [address for address in addresses if address is not None]
    found = iter(memory.read_many(known, words.size))
    raws = [None if address is None else next(found) for address in addresses]
    results = [0 if raw is None else int(struct.unpack(words.format, raw)[0]) for raw in raws]
    return [_read(result, words, memory) for result in results]


def _read(result: int, words: Words, memory: Memory) -> LoaderError | None:
    if not result:
        return None
    try:
        code, source, returned = struct.unpack(f"{words.order}iBB", memory.read(result, 6))
        name, text = words.read_some(result + 8, 2)
        # Without a text dlerror has nothing to say.  What else is there would be no such structure.
        if not text or source >= MOST_SOURCES or returned > 1:
            return None
        message = words.string(text)
        if returned:
            return LoaderError(message, True)
        before = words.string(name) if name else ""
    except UnreadableMemory:  # -1 for want of memory, too: then there was none for a message
        return None
    parts = (before, message, os.strerror(code) if code else "")
    return LoaderError(": ".join(filter(None, parts)), False)
