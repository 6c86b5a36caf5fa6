"""musl's threads, modules and blocks, which musl itself describes nowhere.

What is relied on is what musl calls its "Part 1" of `struct pthread` and "Part 3" at its end
(src/internal/pthread_impl.h), `dtv[0]` as the number of modules and `dtv[id]` as the block
(src/env/__init_tls.c, `__copy_tls`), and that ids follow load order (ldso/dynlink.c,
`tls_cnt`).  Nothing of this is certain before the process has confirmed it, so every
answer is checked against what a block may be, and a row whose check fails says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property

from gdb_tls.libc.abi import doubt, modules_in_load_order
from gdb_tls.libc.library import ListedThreads
from gdb_tls.libc.musl.thread_data import MuslThreadData
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Absence, Module, Place, State
from gdb_tls.target.protocol import Target, UnreadableMemory

MOST_THREADS = 10_000_000
# `struct pthread` is some 200 bytes; where it lies below the thread pointer its start is looked for.
LONGEST_PTHREAD = 1024
# Symbols of src/env/__init_tls.c and ldso/dynlink.c in a static executable's or libc's .symtab.
STATIC_SYMBOLS = ("__init_tp", "__copy_tls")
LOADER_NAMES = ("ld-musl-", "libc.musl-")


def is_musl(objects: LoadedObjects) -> bool:
    """Whether the program runs on musl: by its loader's name, or a static executable's symbols."""
    if objects.interpreter:
        return "/ld-musl-" in objects.interpreter or any(one.name.startswith(LOADER_NAMES) for one in objects.all)
    file = objects.all[0].file
    return bool(file and len(file.symbols(STATIC_SYMBOLS)) == len(STATIC_SYMBOLS))


class Musl:
    """musl, static or dynamic."""

    name = "musl"

    def __init__(self, target: Target, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        self._target = target
        self._memory = target.memory
        self._architecture = target.architecture
        self._objects = objects
        self._words = Words(target)

    # Threads

    def threads(self) -> ListedThreads:
        """Walks the ring `pthread.next` from any thread whose registers can be read; musl keeps no ended ones.

        Older musls have no ring, and then the list is empty.
        """
        for thread in self._target.threads():
            pointer = None if thread.running else self._target.thread_pointer(thread)
            if pointer is not None:
                found = list(self._ring(pointer))
                return ListedThreads([thread_pointer for thread_pointer, _ in found], [lwp for _, lwp in found])
        return ListedThreads([], [])

    def _ring(self, thread_pointer: int) -> Iterator[tuple[int, int]]:
        size = self._words.size
        start = self._pthread(thread_pointer)
        if start is None:
            return
        below = self._architecture.static_below
        distance = thread_pointer - start
        # self, [dtv,] prev, next, sysinfo, [canary,] tid
        links = 2 if below else 1
        tid_at = (links + 3 + below) * size
        seen: set[int] = set()
        node, before = start, None
        while node not in seen and len(seen) < MOST_THREADS:
            seen.add(node)
            try:
                words = self._words.read_some(node, links + 2)
                tid = struct.unpack(self._words.order + "i", self._memory.read(node + tid_at, 4))[0]
            except UnreadableMemory:
                return
            if words[0] != node or (before is not None and words[links] != before):
                return
            yield node + distance, max(tid, 0)
            node, before = words[links + 1], node

    def _pthread(self, thread_pointer: int) -> int | None:
        """The address of a thread's `struct pthread`: the word before its end that holds its own address."""
        if self._architecture.static_below:
            return thread_pointer
        size = self._words.size
        end = thread_pointer - self._architecture.thread_pointer_bias
        try:
            words = self._words.read_some(end - LONGEST_PTHREAD, LONGEST_PTHREAD // size)
        except UnreadableMemory:
            return None
        # The last one: what lies before the structure may be a copy.
        for index in range(len(words) - 4, -1, -1):
            address = end - LONGEST_PTHREAD + index * size
            if words[index] == address and all(word and word % size == 0 for word in words[index + 1 : index + 3]):
                return address
        return None

    def check_thread_pointer(self, thread_pointer: int) -> str:
        """Checks alignment and, where the TCB begins with its own address, that."""
        # What cannot be read does not speak against it.
        return doubt(thread_pointer, self._words, self._architecture)

    # Modules

    def modules(self) -> Sequence[Module]:
        """The objects with PT_TLS in the order of the link map, which is load order: ids count from 1."""
        return self._modules

    @cached_property
    def _modules(self) -> list[Module]:
        return modules_in_load_order(self._objects, self._architecture)

    @cached_property
    def _unseen(self) -> list[LoadedObject]:
        """Objects of which it cannot be said whether they have a PT_TLS header: neither file nor memory is there."""
        return [
            loaded for loaded in self._objects.all if loaded.problem and not self._objects.headers_at(loaded.load_base)
        ]

    # Blocks

    def blocks(self, module: Module, thread_pointers: Sequence[int]) -> list[Place]:
        """The DTV's entry, less its bias, where it passes the checks."""
        return [self._block(module, pointer) for pointer in thread_pointers]

    def _block(self, module: Module, thread_pointer: int) -> Place:
        blocks = self._blocks_of(thread_pointer)
        if isinstance(blocks, Absence):
            # The executable's block is where its code has it, whatever can be read.
            fixed = self._fixed(module, thread_pointer)
            return blocks if fixed is None else fixed
        block = blocks[module.id - 1]
        problem = self._problem(module, block, blocks, thread_pointer)
        return Absence(State.UNRESOLVED, f"{problem}, so this cannot be verified") if problem else block

    def _blocks_of(self, thread_pointer: int) -> Sequence[int] | Absence:
        """All blocks of a thread by id, as its DTV has them."""
        try:
            dtv = self._words.read(thread_pointer + self._architecture.musl_dtv_offset)
            count = self._words.read(dtv)
            if count != len(self._modules):
                hint = f" ({self._unseen[0].problem})" if self._unseen else ""
                return Absence(
                    State.UNRESOLVED,
                    f"musl has {count} modules with thread-local storage in this thread and the list of loaded "
                    f"objects {len(self._modules)}{hint}, so their ids are not known",
                )
            entries = self._words.read_some(dtv + self._words.size, count)
        except UnreadableMemory:
            return Absence(State.UNRESOLVED, "the thread's DTV cannot be read")
        mask = (1 << 8 * self._words.size) - 1
        return [entry - self._architecture.dtp_bias & mask for entry in entries]

    def _problem(self, module: Module, block: int, blocks: Sequence[int], thread_pointer: int) -> str:
        """Why an address cannot be the module's block; empty where it can.

        A block lies like its initial image within the alignment, overlaps no other block, and
        the executable's is where the compiler put it into the code.
        """
        segment = module.segment
        if segment is None:
            return f"{module.name} has no thread-local storage"
        if (block - module.load_base - segment.address) % segment.alignment:
            return f"entry {module.id} of the thread's DTV, 0x{block:x}, is not aligned as {module.name} asks for"
        for other, start in zip(self._modules, blocks):
            size = other.segment.size if other.segment else 0
            if other.id != module.id and start < block + segment.size and block < start + size:
                return f"the blocks of {module.name} and {other.name} would overlap"
        fixed = self._fixed(module, thread_pointer)
        if fixed not in (None, block):
            return f"the DTV has the executable's block at 0x{block:x}, and its code at 0x{fixed:x}"
        return ""

    def _fixed(self, module: Module, thread_pointer: int) -> int | None:
        """The executable's block by the ABI; None for all others."""
        if module.static_offset is None:
            return None
        if self._architecture.static_below:
            return thread_pointer - module.static_offset
        return thread_pointer + module.static_offset - self._architecture.thread_pointer_bias

    # What else a thread has

    @cached_property
    def thread_data(self) -> MuslThreadData:
        """See `libc.thread_data.HasThreadData`."""
        return MuslThreadData(self._target, self._objects, self._pthread)
