"""Where functions begin and end, from the unwind tables: stripped files keep these.

Sources: LSB core, "Exception Frames" (.eh_frame, .eh_frame_hdr); DWARF 5, section 6.4.1 for the fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from gdb_tls.elf.file import ElfFile

PT_GNU_EH_FRAME = 0x6474E550
# DW_EH_PE_...: the low four bits are the form, then what it is relative to.
OMIT, FORMS, RELATIVE_TO_ITSELF, RELATIVE_TO_HEADER = (
    0xFF,
    {0: "Q", 2: "H", 3: "I", 4: "Q", 10: "h", 11: "i", 12: "q"},
    0x10,
    0x30,
)


class UnwindTable:
    """The functions that the unwind tables of a 64-bit little-endian file describe, by address.

    A part of a function that the compiler moved away (`.cold`) is a row of its own.
    """

    def __init__(self, file: ElfFile) -> None:
        """Reads nothing yet."""
        self._file = file

    @cached_property
    def starts(self) -> list[int]:
        """The addresses at which functions begin, sorted."""
        return sorted(self._entries)

    def end(self, start: int) -> int:
        """The address after the last byte of the function that begins here.

        Raises:
            KeyError: where none does.
        """
        entry = self._entries[start]
        if entry < 0:
            return start - entry
        fde = self._parse(entry)
        return fde[1] if fde else start

    @cached_property
    def _entries(self) -> dict[int, int]:
        """{start: the address of its FDE, or minus its length where that is known already}."""
        for segment in self._file.segments:
            if segment.type == PT_GNU_EH_FRAME:
                found = self._sorted_table(segment.address, segment.file_size)
                if found:
                    return found
        address, data = self._file.section(".eh_frame")
        return {start: start - end for start, end in self._walk(address, data) if end > start}

    def _sorted_table(self, address: int, size: int) -> dict[int, int]:
        data = self._file.at_address(address, size) or b""
        if len(data) < 12 or data[0] != 1 or data[3] != RELATIVE_TO_HEADER | 11 or data[2] not in (3, 11):
            return {}
        at = 4 + struct.calcsize("<" + FORMS.get(data[1] & 15, "I"))
        (count,) = struct.unpack_from("<I", data, at)
        rows = data[at + 4 : at + 4 + 8 * count]
        return {address + start: address + fde for start, fde in struct.iter_unpack("<ii", rows[: len(rows) // 8 * 8])}

    def _parse(self, address: int) -> tuple[int, int] | None:
        """(start, end) that the FDE at an address describes; None for a CIE or a damaged one."""
        head = self._file.at_address(address, 8)
        if head is None:
            return None
        length, back = struct.unpack("<II", head)
        if length in (0, 0xFFFFFFFF) or back == 0:
            return None
        encoding = self._encoding(address + 4 - back)
        body = self._file.at_address(address + 8, min(length - 4, 16))
        return _range(address + 8, body or b"", encoding)

    def _encoding(self, cie: int) -> int:
        if cie not in self._encodings:
            (length,) = struct.unpack("<I", self._file.at_address(cie, 4) or bytes(4))
            self._encodings[cie] = _pointer_encoding(self._file.at_address(cie + 8, max(length - 4, 0)) or b"")
        return self._encodings[cie]

    @cached_property
    def _encodings(self) -> dict[int, int]:
        return {}

    def _walk(self, address: int, data: bytes) -> Iterator[tuple[int, int]]:
        """(start, end) of every FDE, where there is no sorted table."""
        at = 0
        while at + 8 <= len(data):
            length, back = struct.unpack_from("<II", data, at)
            if length in (0, 0xFFFFFFFF):
                at += 4
                continue
            if back:
                found = _range(address + at + 8, data[at + 8 : at + 24], self._encoding(address + at + 4 - back))
                if found:
                    yield found
            at += 4 + length


def _range(address: int, data: bytes, encoding: int) -> tuple[int, int] | None:
    form = FORMS.get(encoding & 15)
    size = struct.calcsize("<" + form) if form else 0
    if form is None or len(data) < 2 * size or encoding & 0x70 not in (0, RELATIVE_TO_ITSELF):
        return None
    (start,) = struct.unpack_from("<" + form, data)
    (length,) = struct.unpack_from("<" + form.upper(), data, size)
    start = (start + address if encoding & RELATIVE_TO_ITSELF else start) & 0xFFFFFFFFFFFFFFFF
    return start, start + length


def _pointer_encoding(body: bytes) -> int:
    """The encoding of addresses in the FDEs of a CIE, from its augmentation ("zPLR")."""
    text, _, rest = body[1:].partition(b"\0")
    if not text.startswith(b"z"):
        return 0
    at = 0
    for _ in range(2):  # the alignment factors of code and data
        at = _skip_leb(rest, at)
    at = _skip_leb(rest, at)  # the return address's register: one byte in version 1, the same for small numbers
    at = _skip_leb(rest, at)  # the length of what follows
    for letter in text[1:].decode(errors="replace"):
        if letter == "R":
            return rest[at] if at < len(rest) else 0
        if letter == "L":
            at += 1
        elif letter == "P":
            form = FORMS.get(rest[at] & 15, "Q") if at < len(rest) else "Q"
            at += 1 + struct.calcsize("<" + form)
    return 0


def _skip_leb(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0x80:
        at += 1
    return at + 1
