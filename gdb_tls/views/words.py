"""Numbers and names in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from gdb_tls.target.model import Thread


def count(number: int, noun: str) -> str:
    """A number and its noun: "1 thread", "2,000 threads"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def numbers(threads: Iterable[Thread], unlisted: str = "") -> str:
    """The threads' numbers as ranges ("1-3,7"), then `unlisted` where some are not listed."""
    listed = list(threads)
    known = ranges(thread.num for thread in listed if thread.num is not None)
    has_unlisted = unlisted and any(thread.num is None for thread in listed)
    return ",".join(part for part in (known, unlisted if has_unlisted else "") if part)


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as ranges: "1-3,7"."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
