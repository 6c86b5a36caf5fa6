"""Times of the C++ library: what a duration or a point in time is, in words."""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta, timezone
from fractions import Fraction

from gdb_tls.hosts.native.library_objects import Kind, Object
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.program.type_names import first_arguments

# [time.duration.io]: what is written behind a number of so many seconds.
UNITS = {
    **{Fraction(1, 10**power): name for power, name in ((18, "as"), (15, "fs"), (12, "ps"), (9, "ns"), (6, "us"))},
    **{Fraction(1, 1000): "ms", Fraction(1, 100): "cs", Fraction(1, 10): "ds", Fraction(1): "s", Fraction(60): "min"},
    **{Fraction(3600): "h", Fraction(86400): "d"},
}
FLOATS = {("float", 4): "f", ("double", 8): "d"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def duration(one: Object[Kind]) -> str:
    """A number with its unit.

    Raises:
        NotLaidOut: where it is none that is known.
    """
    number = one.found("__r", "__rep_")
    return f"{_amount(number)}{_unit(one.full_name)}"


def _amount(number: Object[Kind]) -> int | float:
    size, name = number.reader.size(number.kind), number.full_name
    raw = number.reader.number(number.address, size)
    if (name, size) in FLOATS:
        return float(struct.unpack("<" + FLOATS[name, size], raw.to_bytes(size, "little"))[0])
    if "double" in name or "float" in name or number.reader.is_class(number.kind):
        raise NotLaidOut(f"a duration of {name}")
    return raw - (1 << 8 * size) if raw >> (8 * size - 1) and "unsigned" not in name else raw


def _unit(name: str) -> str:
    period = re.search(r"ratio<(\d+)l*, *(\d+)l* *> *>", name)
    seconds = Fraction(int(period[1]), int(period[2])) if period else Fraction(1)
    return UNITS.get(seconds, f"[{seconds}]s")


def time_point(one: Object[Kind]) -> str:
    """A date where the clock is the system's; else how long it is after the clock's epoch.

    Raises:
        NotLaidOut: where it is none that is known.
    """
    inside = one.found("__d", "__d_")
    number = inside.found("__r", "__rep_")
    amount, unit = _amount(number), _unit(inside.full_name)
    length = next((seconds for seconds, name in UNITS.items() if name == unit), None)
    if "system_clock" in first_arguments(one.full_name)[0] and isinstance(amount, int) and length is not None:
        seconds, rest = divmod(amount * length, 1)
        try:
            date = EPOCH + timedelta(seconds=int(seconds))
        except OverflowError:
            return f"{amount}{unit} since 1970"
        behind = f"{int(rest * 10**9):09}".rstrip("0")
        return f"{date:%Y-%m-%d %H:%M:%S}{'.' * bool(behind)}{behind} UTC"
    return f"{amount}{unit} since its clock's epoch"
