"""Numbers of DWARF's base types as GDB prints them: floating-point numbers of all formats, complex ones, characters.

Sources: IEEE 754-2019, 3.4; System V ABI, AMD64 supplement, 3.1.2 (the x87's format, which has its first bit in the
number); 64-bit ELF V2 ABI for Power, 2.1.2.1 (a number that is the sum of two).
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

from gdb_tls.hosts.native.dwarf_types import ATE_COMPLEX, ATE_DECIMAL, ATE_FLOAT, ATE_LO_USER, DwarfType
from gdb_tls.tuples import NamedTuple


class Format(NamedTuple):
    """A binary floating-point format.

    Attributes:
        size: in bytes, without padding.
        exponent: bits of it.
        fraction: bits of it.
        is_whole: whether the fraction has the first bit, too.
    """

    size: int
    exponent: int
    fraction: int
    is_whole: bool = False


IEEE = {2: Format(2, 5, 10), 4: Format(4, 8, 23), 8: Format(8, 11, 52), 16: Format(16, 15, 112)}
X87 = Format(10, 15, 64, True)
BRAIN = Format(2, 8, 7)
# The names by which the sixteen bytes of IEEE are told from the ABI's own long double.
QUAD = ("_Float128", "__float128", "__ieee128")
# Bytes: bits of the exponent, and what is taken from it (IEEE 754-2019, 3.5; the coefficient is a binary number).
DECIMAL = {4: (8, 101), 8: (10, 398), 16: (14, 6176)}
# Of these processors' ABIs; others have the digits in tens.
WITH_BINARY_COEFFICIENT = ("x86-64", "i386", "aarch64")


def text_of(bare: DwarfType, raw: bytes, architecture: str, is_little: bool) -> str | None:
    """A floating-point or complex number; None for other numbers, and for a format that is not known."""
    half = len(raw) // 2
    if bare.encoding == ATE_LO_USER and bare.qualified.startswith("complex"):  # GCC's complex integers
        signed, order = "unsigned" not in bare.qualified, "little" if is_little else "big"
        first, second = (int.from_bytes(part, order, signed=signed) for part in (raw[:half], raw[half:]))  # type: ignore[arg-type]
        return f"{first} + {second}i"
    if bare.encoding == ATE_COMPLEX:
        name = bare.qualified.replace("complex ", "")
        parts = [_real(part, name, architecture, is_little) for part in (raw[:half], raw[half:])]
        return None if None in parts else f"{parts[0]} + {parts[1]}i"
    if bare.encoding == ATE_DECIMAL and architecture in WITH_BINARY_COEFFICIENT and len(raw) in DECIMAL:
        return _decimal(int.from_bytes(raw, "little" if is_little else "big"), len(raw))
    return _real(raw, bare.qualified, architecture, is_little) if bare.encoding == ATE_FLOAT else None


def _decimal(bits: int, size: int) -> str:
    (width, bias), whole = DECIMAL[size], 8 * size
    sign = bits >> (whole - 1)
    if bits >> (whole - 3) & 3 == 3:
        special = {0x1E: "inf", 0x1F: "nan"}.get(bits >> (whole - 6) & 0x1F)
        if special:
            return f"{'-' * sign}{special}"
        rest = whole - 3 - width
        coefficient = 1 << (rest + 3) | bits & ((1 << rest) - 1)
    else:
        rest = whole - 1 - width
        coefficient = bits & ((1 << rest) - 1)
    digits = tuple(map(int, str(coefficient)))
    return str(Decimal((sign, digits, (bits >> rest & ((1 << width) - 1)) - bias)))


def _real(raw: bytes, name: str, architecture: str, is_little: bool) -> str | None:
    if len(raw) == 16 and architecture == "ppc64le" and not any(one in name for one in (*QUAD, "_Float64x")):
        high, low = (value_of(part, IEEE[8], is_little) for part in (raw[:8], raw[8:]))
        return shown(high + low if isinstance(high, Fraction) and isinstance(low, Fraction) else high, 106)
    is_x87 = architecture in ("x86-64", "i386") and len(raw) in (12, 16) and not any(one in name for one in QUAD)
    is_brain = len(raw) == 2 and ("bf16" in name or "bfloat" in name)
    form = X87 if is_x87 else BRAIN if is_brain else IEEE.get(len(raw))
    if form is None:
        return None
    return shown(value_of(raw, form, is_little), form.fraction + (not form.is_whole))


def value_of(raw: bytes, form: Format, is_little: bool) -> Fraction | str:
    """The number's exact value, or what is said of it: an infinity, no number."""
    bits = int.from_bytes(raw[: form.size] if is_little else raw, "little" if is_little else "big")
    fraction, exponent = bits & ((1 << form.fraction) - 1), bits >> form.fraction & ((1 << form.exponent) - 1)
    sign = -1 if bits >> (form.fraction + form.exponent) & 1 else 1
    width = form.fraction - form.is_whole
    if exponent == (1 << form.exponent) - 1:
        rest = fraction & ((1 << width) - 1)
        return f"{'-' if sign < 0 else ''}{f'nan(0x{fraction:x})' if rest else 'inf'}"
    if not form.is_whole and exponent:
        fraction |= 1 << form.fraction
    power = max(exponent, 1) - ((1 << (form.exponent - 1)) - 1) - width
    if not fraction:
        return "-0" if sign < 0 else Fraction(0)
    return sign * fraction * (Fraction(2) ** power)


def shown(value: Fraction | str, precision: int) -> str:
    """A number with as many digits as tell it from all others of so many bits, as C's %g writes it."""
    if isinstance(value, str):
        return value
    digits = math.ceil(1 + precision * math.log10(2))
    context = Context(prec=digits)
    rounded = context.normalize(context.divide(Decimal(value.numerator), Decimal(value.denominator)))
    exponent = rounded.adjusted() if value else 0
    if -5 < exponent < digits:
        return f"{rounded:f}"
    mantissa = f"{rounded.scaleb(-exponent):f}"
    return f"{mantissa}e{exponent:+03d}"
