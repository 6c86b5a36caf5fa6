"""When a stack is called full: by the stack pointer, the address and what is mapped."""

from __future__ import annotations

import pytest

from gdb_tls.evidence.full_stack import is_full
from gdb_tls.target.facts import CallFrame, Region

STACK = Region(0x7000_0000, 0x7010_0000, writable=True, executable=False, file="")
GUARD = Region(0x6FFF_0000, 0x7000_0000, writable=False, executable=False, file="")
OTHER = Region(0x6000_0000, 0x6001_0000, writable=True, executable=False, file="")
REGIONS = (OTHER, GUARD, STACK)


def region_at(address: int) -> Region | None:
    return next((one for one in REGIONS if one.start <= address < one.end), None)


def frame(pointer: int | None, is_trampoline: bool = False) -> CallFrame:
    return CallFrame(0x40_0000, {} if pointer is None else {"sp": pointer}, is_trampoline, "", "", 0)


CALLER = frame(0x7000_0800)


@pytest.mark.parametrize(
    ("frames", "address", "expected"),
    [
        # The frame reaches into the guard, or far beyond it.
        ([frame(0x6FFF_FF00), CALLER], 0x6FFF_FF10, True),
        ([frame(0x6800_0000), CALLER], 0x6800_0008, True),
        # A call, or a push, at the last word that is mapped; what a leaf function has below its stack pointer.
        ([frame(0x7000_0000), CALLER], 0x6FFF_FFF8, True),
        ([frame(0x7000_0040), CALLER], 0x6FFF_FFD0, True),
        # Its callers are inlined, or have no room either.
        ([frame(0x6FFF_0000), frame(0x6FFF_0100), frame(0x6FFF_FF00), CALLER], 0x6FFF_0008, True),
        # What it stumbled over is not known.
        ([frame(0x6FFF_FF00), CALLER], None, True),
        ([frame(0x7000_0000), CALLER], None, True),
        ([frame(0x7000_0040), CALLER], None, False),
        # The guard is a part of the mapping.
        ([frame(0x7000_0040), CALLER], 0x7000_0048, True),
        ([frame(0x7000_0040), frame(0x7000_0040), CALLER], 0x7000_0038, True),
        # Another address: null, what is not the function's own, one above.
        ([frame(0x6FFF_FF00), CALLER], 8, False),
        ([frame(0x7000_0040), CALLER], 0x7000_0808, False),
        ([frame(0x7000_0040), CALLER], 0x7010_0000, False),
        ([frame(0x7000_0400), CALLER], 0x6FFF_FFF8, False),
        # The program has changed stacks: what is between them is no part of one.
        ([frame(0x6000_8000), CALLER], 0x6800_0000, False),
        ([frame(0x6000_8000), CALLER], None, False),
        # A handler on a stack of its own; callers that are not known.
        ([frame(0x6800_0000), frame(0x6000_8000, is_trampoline=True), CALLER], 0x6800_0008, False),
        ([frame(0x6FFF_FF00)], 0x6FFF_FF10, False),
        ([frame(0x6FFF_FF00), frame(None)], 0x6FFF_FF10, False),
        ([frame(0), CALLER], 0, False),
        ([], 0x6FFF_FF10, False),
    ],
)
def test_is_full(frames: list[CallFrame], address: int | None, expected: bool) -> None:
    assert is_full(region_at, frames, address) is expected
