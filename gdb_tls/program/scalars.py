"""Numbers, characters and enumerators in words, where they stand alone."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

# What C writes before the quotes of a character that is no `char`.
PREFIXES = {"wchar_t": "L", "char16_t": "u", "char32_t": "U"}
ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 39: "\\'", 92: "\\\\"}
MOST_DIGITS = 9
STRING_TEXT = r"""(L|u8?|U)?("|'(\\.[^']*|[^'])' <repeats )"""


def is_string(text: str) -> bool:
    """Whether a value's text is a string's, which its host has cut where it is long."""
    return re.match(STRING_TEXT, text) is not None


def character(value: int, size: int, kind: str) -> str:
    """A character by its number and, in quotes, as C writes it; a byte above 127 is no character by itself."""
    unit = value % (1 << 8 * size)
    prefix = next((PREFIXES[word] for word in kind.split() if word in PREFIXES), "")
    if unit in ESCAPES:
        shown = ESCAPES[unit]
    elif unit < 0x110000 and (unit < 127 if size == 1 else True) and chr(unit).isprintable():
        shown = chr(unit)
    else:
        shown = f"\\{unit:03o}" if unit <= 0o777 else f"\\x{unit:x}"
    return f"{value} {prefix}'{shown}'"


def without_width(value: int) -> str:
    """A number of which it is not known how many of its bits count: the others may be anything."""
    return f"0x{value:x} (how many of its bits count is not known)"


def real(value: float, size: int) -> str:
    """A floating-point number with as few digits as tell it from all others of its size."""
    if size == 4 and value - value == 0:
        for digits in range(6, MOST_DIGITS):
            short = float(f"{value:.{digits}g}")
            if struct.pack("f", short) == struct.pack("f", value):
                return repr(short)
        return repr(float(f"{value:.{MOST_DIGITS}g}"))
    return repr(value)


def enumerator(enumerators: Mapping[int, str], value: int) -> str:
    """An enumerator's name; of a value that is none, the flags that it is made of where all enumerators are flags."""
    if value in enumerators:
        return enumerators[value]
    known = [(flag, name) for flag, name in enumerators.items() if flag > 0 and flag & (flag - 1) == 0]
    if not value or len(known) < len([one for one in enumerators if one]):
        return str(value)
    found = [name for flag, name in known if value & flag]
    rest = value
    for flag, _ in known:
        rest &= ~flag
    if not found:
        return f"(unknown: 0x{value:x})" if rest and enumerators else str(value)
    return "(" + " | ".join([*found, *([f"unknown: 0x{rest:x}"] if rest else [])]) + ")"
