"""Characters and strings as GDB writes them, of one byte, two and four."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gdb_tls.hosts.native.dwarf_types import ATE_BOOLEAN, TAG_BASE, DwarfType
from gdb_tls.program.scalars import PREFIXES

# `set print repeats`.
REPEATS = 10
ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033", 92: "\\\\"}
# A byte that is no part of a character in UTF-8, as Python's surrogateescape has it.
BYTES = range(0xDC80, 0xDD00)


def width_of(kind: DwarfType) -> int:
    """How many bytes a character has; 0 for what is none.  C's wide characters are numbers with other names."""
    bare = kind.bare
    if bare.tag != TAG_BASE or bare.encoding == ATE_BOOLEAN:
        return 0
    return bare.size if bare.size == 1 or (bare.size in (2, 4) and kind.typed(PREFIXES)) else 0


def units_of(raw: bytes, width: int, is_little: bool) -> list[int]:
    """Characters as Unicode numbers them; of one byte they are taken for UTF-8."""
    if width == 1:
        return [ord(one) for one in raw.decode("utf-8", "surrogateescape")]
    if width == 2:
        return [ord(one) for one in raw.decode(f"utf-16-{'le' if is_little else 'be'}", "surrogatepass")]
    order = "little" if is_little else "big"
    return [int.from_bytes(raw[at : at + width], order) for at in range(0, len(raw), width or 1)]  # type: ignore[arg-type]


def runs(units: Sequence[int]) -> str:
    """Quoted text in which what is repeated often stands by itself."""
    parts: list[str] = []
    pending: list[int] = []
    for unit, same in groupby(units):
        count = sum(1 for _ in same)
        if count > REPEATS:
            if pending:
                parts.append(quoted(pending))
                pending = []
            parts.append(f"'{characters([unit], chr(39))}' <repeats {count} times>")
        else:
            pending += [unit] * count
    if pending or not parts:
        parts.append(quoted(pending))
    return ", ".join(parts)


def quoted(units: Sequence[int]) -> str:
    """Text between quotes."""
    return f'"{characters(units, chr(34))}"'


def characters(units: Sequence[int], quote: str, width: int = 4) -> str:
    """Characters as C writes them; of a width of one, each is a byte."""
    return "".join(_character(unit, quote, width) for unit in units)


def _character(unit: int, quote: str, width: int) -> str:
    if unit in ESCAPES:
        return ESCAPES[unit]
    if unit < 128 and chr(unit) == quote:
        return "\\" + quote
    if 32 <= unit < 127 or (width > 1 and 127 < unit < 0x110000 and chr(unit).isprintable()):
        return chr(unit)
    unit = unit - BYTES[0] + 0x80 if unit in BYTES else unit
    # GDB's valprint.c, print_wchar: what does not fit in three octal digits is in hexadecimal ones.
    return f"\\{unit:03o}" if unit <= 0o777 else f"\\x{unit:x}"
