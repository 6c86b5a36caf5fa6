"""Where functions begin and end, from the unwind tables, which stripped files keep.

`.eh_frame_hdr` (PT_GNU_EH_FRAME) has a sorted table of (function, FDE); the FDE has the length
(Linux Standard Base, "Exception Frames"; DWARF 5, section 6.4).  A linker that was told to make no such header, or a
static executable without one, leaves `.eh_frame`, which is walked then.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator

from gdb_tls.elf.file import ElfFile
from gdb_tls.tuples import NamedTuple

PT_GNU_EH_FRAME = 0x6474E550
# DW_EH_PE_...: the form in the low four bits, what it is relative to in the next three.
ABSENT, SIGNED_4, RELATIVE_TO_HEADER, RELATIVE_TO_PC, INDIRECT = 0xFF, 0x0B, 0x30, 0x10, 0x80
_FORMS = {0x00: "Q", 0x02: "H", 0x03: "I", 0x04: "Q", 0x0A: "h", 0x0B: "i", 0x0C: "q"}
# Call frame instructions that say how far the frame is built up: DW_CFA_def_cfa, _register, _offset, and _expression.
_DEFINES_FRAME = frozenset((0x0C, 0x0D, 0x0E, 0x0F))


class UnwindEntry(NamedTuple):
    """One FDE.

    Attributes:
        start: the first address that it covers, as the file is linked.
        end: the first one that it does not.
        continues: whether its code starts with a frame built up already: a part that a compiler moved away from
            its function (`.cold`), which only jumps lead to.
        handlers: the address of its table of exception handlers (the LSDA); 0 where it has none.
    """

    start: int
    end: int
    continues: bool
    handlers: int = 0


class _Cie(NamedTuple):
    """What the FDEs of a CIE have in common.

    Attributes:
        addresses: how they encode addresses.
        handlers: how they encode the address of their handlers; `ABSENT` where they have none.
        is_augmented: whether they carry augmentation data.
    """

    addresses: int
    handlers: int
    is_augmented: bool


class UnwindTable:
    """The FDEs of a file, by address; one is read when it is asked for."""

    def __init__(self, file: ElfFile) -> None:
        """Reads the sorted table, or walks the whole `.eh_frame` where there is none."""
        self._file = file
        self._entries: dict[int, UnwindEntry | None] = {}
        self._cies: dict[int, _Cie | None] = {}
        rows = sorted(_header_table(file)) or sorted(_walk(file))
        self.starts = [start for start, _ in rows]
        self._fdes = [fde for _, fde in rows]

    def at(self, address: int) -> UnwindEntry | None:
        """The entry that covers an address; None where there is none."""
        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        if index not in self._entries:
            try:
                self._entries[index] = self._read(self.starts[index], self._fdes[index])
            except (ValueError, IndexError, struct.error):  # a damaged table
                self._entries[index] = None
        entry = self._entries[index]
        return entry if entry and entry.start <= address < entry.end else None

    def following(self, address: int) -> int | None:
        """Where the next function after an address begins; None behind the last."""
        index = bisect_right(self.starts, address)
        return self.starts[index] if index < len(self.starts) else None

    def _read(self, start: int, fde: int) -> UnwindEntry | None:
        head = self._file.at_address(fde, 8)
        if head is None:
            return None
        length, back = struct.unpack("<II", head)
        if length == 0xFFFFFFFF or not 8 <= length < 1 << 20:
            return None
        cie = self._cie(fde + 4 - back)
        body = self._file.at_address(fde + 8, length - 4)
        if cie is None or body is None:
            return None
        form = _FORMS.get(cie.addresses & 0x0F)
        if form is None:
            return None
        width = struct.calcsize("<" + form)
        size = struct.unpack_from("<" + form, body, width)[0] & (1 << 8 * width) - 1
        at = 2 * width
        handlers = 0
        if cie.is_augmented:
            skip, at = _uleb(body, at)
            handlers = _pointer(body, at, fde + 8, cie.handlers) if skip else 0
            at += skip
        return UnwindEntry(start, start + size, _begins_with_frame(body[at:]), handlers)

    def _cie(self, address: int) -> _Cie | None:
        if address not in self._cies:
            head = self._file.at_address(address, 4)
            size = struct.unpack("<I", head)[0] if head else 0
            body = self._file.at_address(address + 4, size) if 4 < size < 4096 else None
            self._cies[address] = _read_cie(body) if body else None
        return self._cies[address]


def _header_table(file: ElfFile) -> Iterator[tuple[int, int]]:
    header = next((one for one in file.segments if one.type == PT_GNU_EH_FRAME), None)
    data = file.at_address(header.address, header.file_size) if header else None
    if header is None or data is None or len(data) < 12 or data[0] != 1:
        return
    _, pointer, count, table = data[:4]
    # Every linker writes these forms; with others the tables are walked instead.
    if table != RELATIVE_TO_HEADER | SIGNED_4 or count & 0x0F != 0x03 or _FORMS.get(pointer & 0x0F) not in ("I", "i"):
        return
    rows = min(struct.unpack_from("<I", data, 8)[0], (len(data) - 12) // 8)
    for start, fde in struct.iter_unpack("<ii", data[12 : 12 + rows * 8]):
        yield header.address + start, header.address + fde


def _walk(file: ElfFile) -> Iterator[tuple[int, int]]:
    section = file.section_contents(".eh_frame")
    if section is None:
        return
    base, data = section
    encodings: dict[int, int] = {}
    at = 0
    while at + 8 <= len(data):
        length, back = struct.unpack_from("<II", data, at)
        if length == 0xFFFFFFFF or at + 4 + length > len(data):
            return
        if length:
            body = data[at + 4 : at + 4 + length]
            if back == 0:
                try:
                    encodings[at] = _read_cie(body).addresses
                except (ValueError, IndexError, struct.error):  # a damaged table
                    return
            else:
                encoding = encodings.get(at + 4 - back, ABSENT)
                form = _FORMS.get(encoding & 0x0F)
                if form and length >= 12:
                    start = struct.unpack_from("<" + form, data, at + 8)[0]
                    yield start + (base + at + 8 if encoding & 0x70 == RELATIVE_TO_PC else 0), base + at
        at += 4 + length


def _read_cie(body: bytes) -> _Cie:
    """Reads a CIE from behind its length field."""
    augmentation_end = body.index(b"\0", 5)
    augmentation = body[5:augmentation_end]
    at = augmentation_end + 1
    _, at = _uleb(body, at)  # code alignment
    _, at = _uleb(body, at)  # data alignment; signed, of the same length
    _, at = _uleb(body, at)  # return address register
    if not augmentation.startswith(b"z"):
        return _Cie(0, ABSENT, False)
    _, at = _uleb(body, at)
    addresses, handlers = 0, ABSENT
    for letter in augmentation[1:]:
        if letter == ord("R"):
            addresses = body[at]
            at += 1
        elif letter == ord("L"):
            handlers = body[at]
            at += 1
        elif letter == ord("P"):
            at += 1 + struct.calcsize("<" + _FORMS.get(body[at] & 0x0F, "Q"))
    return _Cie(addresses, handlers, True)


def _pointer(data: bytes, at: int, base: int, encoding: int) -> int:
    """A pointer in some bytes whose address is known; 0 where there is none, or none that is known here."""
    form = _FORMS.get(encoding & 0x0F)
    if encoding == ABSENT or encoding & INDIRECT or form is None or encoding & 0x70 not in (0, RELATIVE_TO_PC):
        return 0
    value: int = struct.unpack_from("<" + form, data, at)[0]
    return value + (base + at if value and encoding & 0x70 else 0)


class CallSite(NamedTuple):
    """Calls whose exceptions come to a handler.

    Attributes:
        start: the first address of the calls, as the file is linked.
        end: the first one behind them.
        handler: where an exception goes on.
    """

    start: int
    end: int
    handler: int


def call_sites(entry: UnwindEntry, section: tuple[int, bytes] | None) -> list[CallSite]:
    """The calls of a function that have a handler (LSDA; gcc's except.c, output_one_function_exception_table).

    Args:
        entry: the function's.
        section: (address, bytes) of `.gcc_except_table`.
    """
    if not entry.handlers or section is None or not 0 <= entry.handlers - section[0] < len(section[1]):
        return []
    try:
        return list(_call_sites(entry, *section))
    except (IndexError, struct.error):  # a damaged table
        return []


def _call_sites(entry: UnwindEntry, base: int, data: bytes) -> Iterator[CallSite]:
    at = entry.handlers - base
    encoding, at = data[at], at + 1
    handlers_base = entry.start
    if encoding != ABSENT:
        handlers_base = _pointer(data, at, base, encoding)
        at += struct.calcsize("<" + _FORMS[encoding & 0x0F]) if encoding & 0x0F in _FORMS else 0
    encoding, at = data[at], at + 1
    if encoding != ABSENT:
        _, at = _uleb(data, at)  # the table of types
    encoding, at = data[at], at + 1
    size, at = _uleb(data, at)
    end = at + size
    form = _FORMS.get(encoding & 0x0F)
    while at < end:
        row = []
        for _ in range(3):
            if form is None:
                value, at = _uleb(data, at)
            else:
                value = struct.unpack_from("<" + form, data, at)[0]
                at += struct.calcsize("<" + form)
            row.append(value)
        _, at = _uleb(data, at)  # what the handler does
        if row[2]:
            yield CallSite(entry.start + row[0], entry.start + row[0] + row[1], handlers_base + row[2])


def _begins_with_frame(instructions: bytes) -> bool:
    """Whether the frame is changed before the first advance (DWARF 5, section 6.4.2)."""
    return bool(instructions) and instructions[0] in _DEFINES_FRAME


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return number, at
