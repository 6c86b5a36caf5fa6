"""Where in the code thread-local storage may be touched: byte patterns, so that little has to be decoded.

A pattern may match what is no instruction; it must not miss one.  Each candidate says what it may lead to, so that a
question about one variable looks into few functions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

from gdb_tls.code.slots import Slot
from gdb_tls.tuples import NamedTuple

# An operand relative to %rip: REX.W, one of the opcodes that the psABI lets refer to a slot (mov, lea, add), ModRM
# with mod 00 and rm 101, 32 bits of displacement.
_RIP_RELATIVE = re.compile(rb"[\x48-\x4f\xd5](?=[\x8b\x8d\x03][\x05\x0d\x15\x1d\x25\x2d\x35\x3d](....))", re.DOTALL)
# The prefix of %fs:, other prefixes, an opcode that has a ModRM byte (Intel SDM, volume 2, appendix A), ModRM.
_THREAD = re.compile(
    rb"\x64(?=[\x66\xf0\xf2\xf3]{0,2}[\x40-\x4f]?"
    rb"(?:(?:\x0f[\x38\x3a].|\x0f[^\x05\x0b\x31\x80-\x8f\xa2\xc8-\xcf]"
    rb"|[\x00-\x03\x08-\x0b\x10-\x13\x18-\x1b\x20-\x23\x28-\x2b\x30-\x33\x38-\x3b\x63\x69\x6b\x80\x81\x83-\x8b\x8f"
    rb"\xc0\xc1\xc6\xc7\xd0-\xd3\xd8-\xdf\xf6\xf7\xfe\xff])|\xc5.[\x10-\x7f\xd0-\xff])([\x00-\xbf])(.))",
    re.DOTALL,
)
PREFIXES = b"\x66\xf0\xf2\xf3"
_READ_FS_BASE = re.compile(rb"\x64[\x48\x4c][\x8b\x03][\x04\x0c\x14\x1c\x24\x2c\x34\x3c]\x25\0\0\0\0")
# mov $imm32, %REG: what the linker makes of the load of an offset, which others than it need not follow at once.
_OFFSET = re.compile(rb"[\x48\x49]\xc7(?=[\xc0-\xc7](....))", re.DOTALL)
# AArch64: mrs xN, tpidr_el0 (Arm ARM, C6.2 "MRS"); adrp.
_READ_THREAD_POINTER = re.compile(rb"[\x40-\x5f]\xd0\x3b\xd5")
_PAGE_ADDRESS = re.compile(rb"[\x90\xb0\xd0\xf0]")
# AArch64: the first six bits of b, bl; b.cond; cbz, cbnz, tbz, tbnz; br, blr, ret (Arm ARM, C4.1).
_BRANCHES = frozenset((0x05, 0x25, 0x15, 0x0D, 0x2D, 0x35))
# AArch64: how many instructions behind an adrp the low part of the address may stand.
FARTHEST_LOW_PART = 24


class Candidate(NamedTuple):
    """A place to look at.

    Attributes:
        address: in the function (x86-64: perhaps not an instruction's beginning).
        slot: the GOT entry that it refers to; None for none.
        thread_offset: the offset from the thread pointer that it refers to; None where it does not say.
        begins: whether an instruction surely begins there, and all that leads to the access follows it, or another
            candidate of the function, or what follows shows that it does not.
        helps: whether it only reads the thread pointer, to which a slot's offset may be added.
    """

    address: int
    slot: int | None = None
    thread_offset: int | None = None
    begins: bool = False
    helps: bool = False


def x86_64_candidates(code: bytes, address: int, slots: Mapping[int, Slot], local: bool) -> Iterator[Candidate]:
    """Yields the candidates of a piece of x86-64 code.

    Args:
        code: the bytes.
        address: of the first one, as the file is linked.
        slots: the file's GOT entries.
        local: whether the code may know its block's place (an executable).
    """
    if slots:
        for match in _RIP_RELATIVE.finditer(code):
            at = match.start()
            target = address + at + 7 + int.from_bytes(match.group(1), "little", signed=True)
            if target in slots:
                yield Candidate(address + at, slot=target, begins=True)
    if slots and not local:
        for match in _READ_FS_BASE.finditer(code):
            yield Candidate(address + match.start(), begins=True, helps=True)
    if local:
        for match in _THREAD.finditer(code):
            form, scale = match.group(1)[0], match.group(2)[0]
            offset, begins, says_all = None, False, False
            if form & 0xC7 == 0x04 and scale & 0xC7 == 0x05 and match.end(2) + 4 <= len(code):
                offset = struct.unpack_from("<i", code, match.end(2))[0]
                if scale != 0x25 or offset == 0:
                    offset = None
                elif offset > 0:
                    continue  # the thread control block: the stack protector's guard, the pointer guard
                # What reads the thread pointer may add an offset that was in a register long before (`Regions` sees
                # that); what is counted from it and a register needs one.
                says_all = offset is not None or _READ_FS_BASE.match(code, match.start()) is not None
                begins = says_all and (match.start() == 0 or code[match.start() - 1] not in PREFIXES)
            yield Candidate(address + match.start(), thread_offset=offset, begins=begins)


def x86_64_offsets(code: bytes, address: int, first: int, last: int) -> list[int]:
    """Where a register is given a number from `first` on and below `last`, in code that begins at an address."""
    return [
        address + match.start()
        for match in _OFFSET.finditer(code)
        if first <= int.from_bytes(match[1], "little", signed=True) < last
    ]


def aarch64_candidates(code: bytes, address: int, slots: Mapping[int, Slot], local: bool) -> Iterator[Candidate]:
    """Yields the candidates of a piece of AArch64 code; the arguments are those of `x86_64_candidates`."""
    pages = {slot.address >> 12 for slot in slots.values()}
    if pages:
        for match in _PAGE_ADDRESS.finditer(code):
            at = match.start() - 3
            if at % 4:
                continue
            word = int.from_bytes(code[at : at + 4], "little")
            page = _page(word, address + at)
            if page in pages:
                slot = _in_page(code, at, word & 31, page << 12)
                if slot is None or slot in slots:
                    yield Candidate(address + at, slot=slot, begins=slot is not None)
    if slots or local:
        for match in _READ_THREAD_POINTER.finditer(code):
            if match.start() % 4 == 0:
                yield Candidate(address + match.start(), begins=True, helps=not local)


def _in_page(code: bytes, at: int, register: int, page: int) -> int | None:
    """What the code behind an adrp makes of the page, if that is told before anything jumps or changes the register."""
    for place in range(at + 4, min(at + 4 + 4 * FARTHEST_LOW_PART, len(code) - 3), 4):
        word = int.from_bytes(code[place : place + 4], "little")
        if word >> 5 & 31 == register:
            if word >> 22 == 0b1001000100:  # add (immediate), 64 bits, not shifted
                return page + (word >> 10 & 0xFFF)
            if word >> 22 == 0b1111100101:  # ldr (immediate, unsigned offset), 64 bits
                return page + (word >> 10 & 0xFFF) * 8
        if word & 31 == register or word >> 26 in _BRANCHES:
            break
    return None


def _page(word: int, address: int) -> int:
    """The page that an adrp at an address leads to."""
    immediate = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
    return (address >> 12) + (immediate - (1 << 21) if immediate >> 20 else immediate)
