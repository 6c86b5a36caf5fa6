"""The names of source files in the head of a line table (DWARF 5, section 6.2.4)."""

from __future__ import annotations

from functools import lru_cache

STRING, LINE_STRP, STRP, UDATA, DATA1, DATA2, DATA4, DATA8, BLOCK, DATA16 = (
    *(0x08, 0x1F, 0x0E, 0x0F, 0x0B, 0x05, 0x06, 0x07, 0x09, 0x1E),
)
SIZES = {DATA1: 1, DATA2: 2, DATA4: 4, DATA8: 8, DATA16: 16}
PATH = 1
MOST_NAMES = 1_000_000


@lru_cache(maxsize=256)
def file_names(
    lines: bytes, at: int, order: str, strings: bytes, line_strings: bytes, address_size: int
) -> tuple[str, ...]:
    """The files of a line table by their numbers; below version 5 these begin at 1, and 0 is empty.

    Args:
        lines: .debug_line.
        at: where the table begins.
        order: "<" or ">", as `struct` has it.
        strings: .debug_str.
        line_strings: .debug_line_str.
        address_size: of the unit.
    """
    try:
        return tuple(_Head(lines, at, order, strings, line_strings).names())
    except (IndexError, ValueError):
        return ()


class _Head:
    def __init__(self, lines: bytes, at: int, order: str, strings: bytes, line_strings: bytes) -> None:
        self._data, self._at = lines, at
        self._order = order
        self._strings, self._line_strings = strings, line_strings
        self._width = 4

    def _number(self, size: int) -> int:
        raw = self._data[self._at : self._at + size]
        if len(raw) < size:
            raise ValueError
        self._at += size
        return int.from_bytes(raw, "little" if self._order == "<" else "big")

    def _leb(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 70:
                return value

    def _text(self) -> str:
        end = self._data.index(b"\0", self._at)
        found = self._data[self._at : end].decode(errors="replace")
        self._at = end + 1
        return found

    def names(self) -> list[str]:
        if self._number(4) == 0xFFFFFFFF:
            self._width = 8
            self._at += 8
        version = self._number(2)
        if version >= 5:
            self._at += 2
        self._at += self._width  # header_length
        self._at += 6 if version >= 4 else 5
        self._at += self._data[self._at - 1] - 1  # standard_opcode_lengths, less the first that does not exist
        if version >= 5:
            self._table()
            return self._table()
        while self._text():
            pass
        found = [""]
        while len(found) < MOST_NAMES:
            name = self._text()
            if not name:
                return found
            self._leb(), self._leb(), self._leb()
            found.append(name.rpartition("/")[2])
        return found

    def _table(self) -> list[str]:
        """The names of a table of directories or files of version 5."""
        forms = [(self._leb(), self._leb()) for _ in range(self._number(1))]
        found = []
        for _ in range(min(self._leb(), MOST_NAMES)):
            name = ""
            for content, form in forms:
                value = self._value(form)
                if content == PATH and isinstance(value, str):
                    name = value.rpartition("/")[2]
            found.append(name)
        return found

    def _value(self, form: int) -> object:
        if form == STRING:
            return self._text()
        if form in (STRP, LINE_STRP):
            at = self._number(self._width)
            data = self._strings if form == STRP else self._line_strings
            return data[at : data.index(b"\0", at)].decode(errors="replace")
        if form in SIZES:
            self._at += SIZES[form]
        elif form == UDATA:
            self._leb()
        elif form == BLOCK:
            size = self._leb()
            self._at += size
        else:
            raise ValueError
        return None
