"""What the processor's ABI alone fixes, for programs whose C library cannot be read.

The linker writes distances from the thread pointer into the executable's code (the
local-exec model: Drepper, "ELF Handling For Thread-Local Storage", section 4.4), so the
executable is module 1 and its block is at a known place in every thread, whatever the C
library is.  Of all other modules only the C library knows; they are listed, and their
rows say which file is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.errors import TlsError
from gdb_tls.libc.library import CLibrary, ListedThreads
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.model import Absence, Module, Place, State
from gdb_tls.target.protocol import Target, UnreadableMemory


def modules_in_load_order(objects: LoadedObjects, architecture: Architecture) -> list[Module]:
    """The objects with PT_TLS, ids from 1; the executable, which is the first, has a static offset."""
    found: list[Module] = []
    for loaded in objects.all:
        segment = loaded.file.tls_segment if loaded.file else objects.tls_segment_at(loaded.load_base)
        if segment and segment.size:
            offset = executable_offset(architecture, segment) if loaded is objects.all[0] else None
            found.append(loaded.module(len(found) + 1, segment, offset))
    return found


def doubt(thread_pointer: int, words: Words, architecture: Architecture, unreadable: str = "") -> str:
    """Why a value is no thread pointer: its alignment, or a TCB that does not begin with its own address.

    Args:
        thread_pointer: the value.
        words: the program's memory.
        architecture: whether its TCB has that word.
        unreadable: the answer where the TCB cannot be read.
    """
    if thread_pointer % words.size:
        return f"the thread pointer 0x{thread_pointer:x} is not aligned"
    if architecture.static_below:
        try:
            if words.read(thread_pointer) != thread_pointer:
                return f"no thread control block is at the thread pointer 0x{thread_pointer:x}"
        except UnreadableMemory:
            return unreadable
    return ""


def executable_offset(architecture: Architecture, segment: TlsSegment) -> int | None:
    """How far the executable's block is from the (unbiased) thread pointer, as linkers have it.

    As in glibc's elf/dl-tls.c, `_dl_determine_tlsoffset`, for the first module, and bfd's
    `elf_x86_64_tpoff` and `tpoff_base`.  None where linkers do not agree.
    """
    alignment = segment.alignment
    first_byte = segment.address % alignment
    if architecture.static_below:
        return _round_up(first_byte + segment.size, alignment) - first_byte
    return None if first_byte else _round_up(architecture.tcb_size, alignment)


def _round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


class AbiOnly:
    """No C library: the executable's variables, by the ABI.

    Args:
        target: the program.
        objects: its loaded objects, as far as they are known.
        libc: the C library whose list of modules is lost, but perhaps not that of threads; None for none.
        reason: why the C library's own bookkeeping cannot be used, as a clause.
        hint: what the user can do about it, as a clause; may be empty.
        early: whether not even the executable's block has its initial image yet.
    """

    name = "unknown"

    def __init__(
        self,
        target: Target,
        objects: LoadedObjects,
        libc: CLibrary | None,
        reason: str,
        hint: str,
        *,
        early: bool = False,
    ) -> None:
        """Reads nothing yet; see the class."""
        self._early = early
        self._architecture = target.architecture
        self._objects = objects
        self._words = Words(target)
        self._libc = libc
        self._reason = reason
        self._hint = hint

    @property
    def problem(self) -> str:
        """Why the C library's own bookkeeping cannot be used, and what can be done, as a clause."""
        return self._reason + (f" ({self._hint})" if self._hint else "")

    def threads(self) -> ListedThreads:
        """Those of the C library, if it lists any; else the debugger's threads and their registers are all there is."""
        with suppress(TlsError):
            if self._libc:
                return self._libc.threads()
        return ListedThreads([], [])

    def check_thread_pointer(self, thread_pointer: int) -> str:
        """Checks alignment and, where the TCB begins with its own address and can be read, that."""
        # What cannot be read does not speak against it.
        return doubt(thread_pointer, self._words, self._architecture)

    def modules(self) -> Sequence[Module]:
        """The objects with PT_TLS in load order; past the executable, the ids are only probable."""
        return self._modules

    @cached_property
    def _modules(self) -> list[Module]:
        return [one._replace(is_listed=False) for one in modules_in_load_order(self._objects, self._architecture)]

    def blocks(self, module: Module, thread_pointers: Sequence[int]) -> list[Place]:
        """The executable's block; for all others the reason why there is none."""
        if module.static_offset is None or self._early:
            return [Absence(State.UNRESOLVED, self.problem)] * len(thread_pointers)
        offset = -module.static_offset if self._architecture.static_below else module.static_offset
        offset -= self._architecture.thread_pointer_bias
        mask = (1 << 8 * self._words.size) - 1
        return [thread_pointer + offset & mask for thread_pointer in thread_pointers]
