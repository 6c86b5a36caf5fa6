"""What the thread-local variables of the thread that crashed hold now, and which of its words are others' addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.evidence.code import Code
from gdb_tls.evidence.leaves import Leaf
from gdb_tls.evidence.sources import Specific, ThreadLocal
from gdb_tls.libc.library import blocks_in
from gdb_tls.program.program import Program
from gdb_tls.target.facts import CallFrame
from gdb_tls.target.model import Absence, Module, Thread
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.tuples import NamedTuple

STACK_SEARCHED = 4096
# glibc aligns the thread pointer so (TCB_ALIGNMENT of x86-64, and of AArch64 at least half of it).
ALIGNED = 16


class Foreign(NamedTuple):
    """Where the address of another thread's instance was found in the crashed thread.

    Attributes:
        thread: whose instance it is.
        where: the register's name; empty for the stack.
    """

    thread: Thread
    where: str


class Now:
    """Reads the variables of one thread."""

    def __init__(self, program: Program, code: Code, thread: Thread) -> None:
        """Reads nothing yet."""
        self._program = program
        self._code = code
        self._thread = thread

    def foreign(self, leaf: Leaf, frames: Sequence[CallFrame]) -> Foreign | None:
        """Looks for the address of another thread's instance in the registers and on the stack."""
        if not isinstance(leaf.place, ThreadLocal):
            return None
        offset = leaf.place.offset
        module = self.module(leaf.place)
        if module is None:
            return None
        threads = [
            one for one in self._program.threads if one.thread_pointer not in (None, self._thread.thread_pointer)
        ]
        blocks = blocks_in(self._program.libc, module, threads)
        owners = {block + offset: thread for thread, block in zip(threads, blocks) if isinstance(block, int)}
        registers = frames[0].registers
        for name, value in registers.items():
            if value in owners:
                return Foreign(owners[value], name)
        for address in self._stack_words(registers.get("sp")):
            if address in owners:
                return Foreign(owners[address], "")
        return None

    def _stack_words(self, pointer: int | None) -> Iterator[int]:
        if pointer is None:
            return
        for size in (STACK_SEARCHED, 512):
            try:
                raw = self._program.target.memory.read(pointer, size)
            except UnreadableMemory:
                continue
            yield from (int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8))
            return

    def module(self, place: ThreadLocal) -> Module | None:
        """The module of a place; None where it is gone."""
        return next((one for one in self._program.modules if one.id == place.module), None)

    def _address(self, place: ThreadLocal) -> int | None:
        module = self.module(place)
        if module is None or self._thread.thread_pointer is None:
            return None
        (block,) = blocks_in(self._program.libc, module, [self._thread])
        return block + place.offset if isinstance(block, int) else None

    def may_be_instance(self, place: ThreadLocal, address: int) -> bool:
        """Whether a variable may have been at an address: it lies in its page as the thread's own one does."""
        own = self._address(place)
        return own is not None and (own - address) % ALIGNED == 0

    def held_by(self, leaf: Leaf) -> int | None:
        """What the variable itself holds in the thread."""
        if isinstance(leaf.place, ThreadLocal):
            address = self._address(leaf.place)
            return self._code.word(address, leaf.width) if address is not None else None
        if isinstance(leaf.place, Specific) and leaf.place.key is not None:
            return self._of_key(leaf.place.key)
        if leaf.place is None and leaf.fixed is not None:
            return self._code.word(leaf.fixed, leaf.width)
        return leaf.number if leaf.place is None else None

    def _of_key(self, key: int) -> int | None:
        pointer = self._thread.thread_pointer
        slots = self._program.thread_data.key_slots([pointer])[0] if pointer is not None else None
        if slots is None or isinstance(slots, Absence):
            return None
        return next((slot.value for slot in slots if slot.number == key), 0)

    def value_of(self, leaf: Leaf) -> int | None:
        """What the leaf's value is now, at the end of its path."""
        value = self.held_by(leaf)
        for displacement in leaf.path:
            value = self._code.word(value + displacement) if value else None
        return None if value is None else (value + leaf.added) % (1 << 64)
