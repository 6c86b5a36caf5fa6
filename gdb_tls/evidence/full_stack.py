"""Whether a thread crashed as its stack was full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.target.facts import NEAR_NULL, CallFrame, Region

# What a function may use below the stack pointer (System V ABI, AMD64 supplement, 3.2.2), and what a call puts there.
BELOW = 128 + 8
# An inlined function has its caller's stack pointer, and a call that is being made has not moved it far.
MOST_CALLERS = 8


def is_full(region_at: Callable[[int], Region | None], frames: Sequence[CallFrame], address: int | None) -> bool:
    """Whether the innermost function wanted to use its part of the stack, and that is below what is mapped for it.

    A pthread's stack ends in a guard, where nothing may be written; that of the main thread grows up to a limit.
    Since glibc 2.42 the guard may be a part of the stack's own mapping, which says that it is writable
    (nptl/allocatestack.c, MADV_GUARD_INSTALL): an address there is refused all the same, which nothing else does.

    Args:
        region_at: the mapped region that holds an address; None where none does.
        frames: from the one that crashed on.
        address: what it was refused; None where that is not known: then the stack pointer itself has to be below.
    """
    pointer = frames[0].registers.get("sp") if frames else None
    stack, callers = _stack(region_at, frames)
    if pointer is None or stack is None or pointer < NEAR_NULL:
        return False
    if _is_writable(region_at, pointer) and region_at(pointer) != stack:
        return False  # it is on another stack than its callers
    if address is None:
        return pointer <= stack.start and not _is_writable(region_at, pointer - 1)
    if not pointer - BELOW <= address < callers:
        return False
    return region_at(address) == stack or (address < stack.start and not _is_writable(region_at, address))


def _stack(region_at: Callable[[int], Region | None], frames: Sequence[CallFrame]) -> tuple[Region | None, int]:
    """What is mapped for the stack on which the callers are, and where they begin; None where that is not known."""
    for callee, frame in zip(frames, frames[1 : MOST_CALLERS + 1]):
        pointer = frame.registers.get("sp")
        # A signal handler may have a stack of its own.
        if callee.is_trampoline or frame.is_trampoline or pointer is None:
            return None, 0
        if _is_writable(region_at, pointer):
            return region_at(pointer), pointer
    return None, 0


def _is_writable(region_at: Callable[[int], Region | None], address: int) -> bool:
    region = region_at(address)
    return region is not None and region.writable
