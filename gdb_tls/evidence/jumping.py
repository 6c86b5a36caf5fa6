"""A jump back (longjmp) by a buffer that has no place to go on any more: it was overwritten, or never filled.

Registers and the stack pointer are the buffer's by then, so no caller can be told; but glibc's __longjmp keeps its
argument, and what it saved proves that the jump was by that buffer (sysdeps/x86_64/__longjmp.S, pointer guard).
"""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.code.values import Value
from gdb_tls.evidence.binding import Bindings
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.follow import Follower
from gdb_tls.evidence.leaves import Leaf, leaves
from gdb_tls.evidence.numbers import Numbers
from gdb_tls.target.facts import CallFrame

LONGJMP = frozenset(("longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"))
# x86-64: where a buffer has the program counter, the register of its address, how it is mangled, where the guard is.
SAVED_PC, ARGUMENT, ROTATED, GUARD = 56, "rdi", 17, 0x30


def jumped_by(code: Code, frame: CallFrame, thread_pointer: int | None, target: int) -> int | None:
    """The buffer by which a thread jumped to an address; None where it did not come by one.

    Args:
        code: the program's.
        frame: the innermost.
        thread_pointer: the thread's.
        target: where it went, or should have.
    """
    buffer = frame.registers.get(ARGUMENT)
    if not buffer or thread_pointer is None:
        return None
    saved, guard = code.word(buffer + SAVED_PC), code.word(thread_pointer + GUARD)
    if saved is None or guard is None:
        return None
    rotated = (saved >> ROTATED | saved << (64 - ROTATED)) % (1 << 64)
    return buffer if rotated ^ guard == target else None


def jumps(code: Code, bindings: Bindings) -> Iterator[tuple[Spot, list[Leaf]]]:
    """The calls of longjmp in the program's own code, and what the buffers' addresses came from."""
    for loaded in code.objects.all:
        index = code.index_of(loaded)
        if index is None or not index.stubs.names & LONGJMP:
            continue
        for place, target, _ in index.calls():
            if index.stubs.name(target) not in LONGJMP:
                continue
            spot = Spot(index, loaded.load_base, place, loaded)
            flow = spot.flow
            state = flow.before(place) if flow else None
            if state is None:
                continue
            follower = Follower(code, bindings, Numbers(code, ()))
            scope = follower.scope(spot, lambda *_: None)
            scope.state = state
            given: Value | None = state.registers.get(index.convention.arguments[0])
            yield spot, list(leaves(follower.source(given, scope)))
