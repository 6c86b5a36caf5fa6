"""glibc's `tls_dtor_list`: what `__cxa_thread_atexit_impl` was given in each thread.

stdlib/cxa_thread_atexit_impl.c: the thread-local variable points to the record that was made last, a `struct
dtor_list`: `func`, mangled (PTR_MANGLE), `obj`, `map`, `next`.  Where the variable lies says its symbol or, as it is
`static`, the code of `__call_tls_dtors`, which uses no other.  What a function was mangled with is in
sysdeps/unix/sysv/linux/x86_64/ pointer_guard.h (the control block's `pointer_guard`: exclusive or, then rotated left
by 17 bits) and in sysdeps/unix/sysv/linux/aarch64/pointer_guard.h (exclusive or with `__pointer_chk_guard`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gdb_tls.elf.file import NotElf
from gdb_tls.errors import TlsError
from gdb_tls.libc.thread_exit import DestructorList, Registered
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.protocol import Memory, UnreadableMemory

VARIABLE = "tls_dtor_list"
RUNNER = "__call_tls_dtors"
REGISTER = "__cxa_thread_atexit_impl"
MOST = 1_000_000
X86_64_GUARD, X86_64_ROTATION = 0x30, 17


class UnknownPlace(Exception):
    """Where the list is is not known; the text says why."""


def list_offset(owner: LoadedObject) -> int | None:
    """Where the variable lies in the block of the C library; None for a static program that has no such list.

    Raises:
        UnknownPlace: where neither symbols nor code tell.
    """
    try:
        file = owner.file
        known = [one for one in file.tls_symbols() if one.name == VARIABLE] if file else []
        if len(known) == 1:
            return known[0].value
        symbols = file.symbols([RUNNER, REGISTER]) if file else {}
        runner = symbols.get(RUNNER)
        if file and file.is_program and not symbols:
            return None  # its full symbol table has the descriptors, so it would have these, too
        if runner is None or owner.path is None:
            raise UnknownPlace(f"{owner.name} has no {RUNNER}")
        from gdb_tls.code.accesses import WRITE
        from gdb_tls.code.index import code_index

        found = code_index(owner.path).accesses_in(runner.value)
    except (TlsError, NotElf) as error:
        raise UnknownPlace(error.what if isinstance(error, TlsError) else str(error)) from error
    offsets = {one.offset for one in found if one.target.defined and one.exact}
    if len(offsets) != 1 or not any(one.kind == WRITE for one in found):
        raise UnknownPlace(f"the code of {RUNNER} in {owner.name} does not tell where its list is")
    return offsets.pop()


class Destructors:
    """Reads the lists."""

    def __init__(self, memory: Memory, words: Words, architecture: Architecture, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        self._memory = memory
        self._words = words
        self._architecture = architecture
        self._objects = objects

    def read(self, heads: Sequence[int | None], thread_pointers: Sequence[int]) -> list[DestructorList]:
        """Each thread's list, as far as its records can be read.

        Args:
            heads: the addresses of the threads' variables; None where one is not known.
            thread_pointers: the threads'.
        """
        known = iter(self._memory.read_many([head for head in heads if head is not None], self._words.size))
        found = []
        for head, thread_pointer in zip(heads, thread_pointers):
            raw = None if head is None else next(known)
            if head is None:
                found.append(DestructorList((), "glibc's own block in this thread was not found"))
            elif raw is None:
                found.append(DestructorList((), f"the list of destructors at 0x{head:x} cannot be read"))
            else:
                first = int(struct.unpack(self._words.format, raw)[0])
                found.append(self._records(first, thread_pointer) if first else DestructorList(()))
        return found

    def _records(self, entry: int, thread_pointer: int) -> DestructorList:
        """The records from the first one on."""
        found: list[Registered] = []
        seen: set[int] = set()
        try:
            while entry:
                if entry in seen or len(found) >= MOST:
                    return DestructorList(found, f"the list of destructors is damaged at 0x{entry:x}")
                seen.add(entry)
                mangled, argument, link_map, following = self._words.read_some(entry, 4)
                function = self._demangled(mangled, thread_pointer)
                problem = "" if function is not None else "glibc's pointer guard of this architecture is not known"
                found.append(Registered(entry, function, argument, link_map, problem))
                entry = following
        except UnreadableMemory:
            return DestructorList(found, f"the list of destructors cannot be read at 0x{entry:x}")
        return DestructorList(found)

    def _demangled(self, function: int, thread_pointer: int) -> int | None:
        bits = 8 * self._words.size
        mask = (1 << bits) - 1
        if self._architecture.name == "x86-64":
            rotated = (function >> X86_64_ROTATION | function << bits - X86_64_ROTATION) & mask
            return rotated ^ self._words.read(thread_pointer + X86_64_GUARD)
        if self._architecture.name == "aarch64":
            guard = self._objects.symbol_address("__pointer_chk_guard", "__pointer_chk_guard_local", likely="ld")
            return None if guard is None else function ^ self._words.read(guard[2])
        return None
