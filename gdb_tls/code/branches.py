"""Direct calls and far jumps, found by byte patterns: who calls a function, who jumps to a part that was moved away.

What is found may be no instruction; where it leads has to be of interest before it counts.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

# Each consumes one byte, for others may begin behind it; and begins with it, which is how `re` finds it quickly.
_CALL = re.compile(rb"\xe8(?=(....))", re.DOTALL)
_CALL_BY_SLOT = re.compile(rb"\xff(?=[\x15\x25](....))", re.DOTALL)
_JUMP = re.compile(rb"\xe9(?=(....))", re.DOTALL)
_BRANCH = re.compile(rb"\x0f(?=[\x80-\x8f](....))", re.DOTALL)


def x86_64_calls(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, target) of what looks like a call with a distance of 32 bits."""
    return _targets(_CALL, 5, code, address)


def x86_64_far_jumps(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, target) of what looks like a jump with a distance of 32 bits; the conditional ones come last."""
    yield from _targets(_JUMP, 5, code, address)
    yield from _targets(_BRANCH, 6, code, address)


def x86_64_calls_by_slot(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, address of the pointer) of what looks like a call or jump through a pointer in a fixed place."""
    return _targets(_CALL_BY_SLOT, 6, code, address)


def _targets(pattern: re.Pattern[bytes], size: int, code: bytes, address: int) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(code):
        at = address + match.start()
        yield at, at + size + int.from_bytes(match[1], "little", signed=True)


def aarch64_calls(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, target) of every `bl` and `b` (Arm ARM, "Branches, Exception Generating")."""
    for at, word in _words(code, address):
        if word >> 26 in (0x25, 0x05):
            yield at, at + _distance(word & 0x3FFFFFF, 26)


def aarch64_far_jumps(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, target) of every `b`, `b.cond`, `cbz` and `cbnz`."""
    for at, word in _words(code, address):
        if word >> 26 == 0x05:
            yield at, at + _distance(word & 0x3FFFFFF, 26)
        elif word >> 24 in (0x54, 0x34, 0x35, 0xB4, 0xB5):
            yield at, at + _distance(word >> 5 & 0x7FFFF, 19)


def _words(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    for number, (word,) in enumerate(struct.iter_unpack("<I", code[: len(code) // 4 * 4])):
        yield address + number * 4, word


def _distance(immediate: int, bits: int) -> int:
    return (immediate - (1 << bits) if immediate >> bits - 1 else immediate) * 4
