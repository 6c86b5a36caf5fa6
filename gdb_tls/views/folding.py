"""Text in less room than it needs: where a line may end, and what is left of one that is cut.

C++ names are longer than a column of a screen is wide.  They are broken behind `::`, and a number is never broken: half
of one is another number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import east_asian_width

MORE = "…"
# A line may end behind these, the first of them rather than those that follow.
ENDS = tuple(map(re.compile, (r"\s+", r"::(?=[\w~])|->", r"[,;/({=&|]", r"_(?=[^_])|\.(?=\D)|-(?=\D)|\b(?<![.\dx])")))
# What is kept together: a word, or what ends in `::`, `->`, `_`, `-`, `,` or `/`.
PARTS = re.compile(r"(?:(?!::|->|_[^_])[^\s,/-])+(?:::|->|[_,/-])?|::|[,/-]")
# So much of a line is filled at least, before a better end is preferred to a later one; in hundredths.
FILLED = (30, 25, 45, 30)
NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?")


def width(text: str) -> int:
    """How many columns a line takes; East Asian characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def fits(text: str, room: int, start: int = 0) -> int:
    """The position up to which a text fits into so many columns, from `start` on; one character at least."""
    if text.isascii():
        return min(len(text), max(start + room, start + 1))
    at, taken = start, 0
    while at < len(text):
        taken += width(text[at])
        if taken > room:
            break
        at += 1
    return max(at, min(start + 1, len(text)))


def folded(text: str, room: int) -> Iterator[tuple[int, int]]:
    """The lines that a text takes, none wider than `room`, as the positions of their beginnings and ends.

    The blanks at which a line ends are on neither.
    """
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        at = start
        while width(text[at:end]) > room:
            cut = _end(text, at, fits(text[:end], room, at))
            yield at, at + len(text[at:cut].rstrip())
            at = cut
            while at < end and text[at] == " ":
                at += 1
        yield at, end
        start = end + 1


def longest_part(text: str, most: int) -> int:
    """How wide the widest part is that stands on a line of its own where there is no room; `most` at most."""
    return min(most, max(map(width, PARTS.findall(text)), default=0))


def _end(text: str, start: int, most: int) -> int:
    """Where the best line ends that begins at `start` and has no more than fits."""
    if text[most : most + 1] == " ":
        return most
    for pattern, filled in zip(ENDS, FILLED):
        least = start + max((most - start) * filled // 100, 1)
        found = [match.end() for match in pattern.finditer(text, start, most + 1) if least <= match.end() <= most]
        if found:
            return found[-1]
    return _before_a_number(text, start, most)


def _before_a_number(text: str, start: int, cut: int) -> int:
    """A cut that is not inside a number; where nothing else is there, as it was."""
    for match in NUMBER.finditer(text, start):
        if match.start() < cut < match.end():
            return match.start() if match.start() > start else cut
        if match.start() >= cut:
            break
    return cut


def cut(text: str, room: int) -> int:
    """How much of a text is left where it is cut to fit with a mark behind it."""
    end = fits(text, max(room - 1, 0)) if room > 1 else 0
    whole = _before_a_number(text, 0, end)
    return len(text[:whole].rstrip()) if whole else end


def qualified(name: str) -> list[int]:
    """Where the parts of a qualified name begin, outside of `<...>` and `(...)`: of `a::b<c::d>::e`, 0, 3 and 12."""
    found, depth, at = [0], 0, 0
    while at < len(name):
        if name[at] in "<({":
            depth += 1
        elif name[at] in ">)}":
            depth = max(depth - 1, 0)
        elif not depth and name.startswith("::", at):
            at += 2
            found.append(at)
            continue
        at += 1
    return found


def without_arguments(name: str) -> str:
    """A function's name without what stands in `<...>`; `operator<` and its kin are left as they are."""
    if "operator" in name or name.count("<") != name.count(">"):
        return name
    kept, depth = [], 0
    for character in name:
        depth += character == "<"
        if not depth:
            kept.append(character)
        depth -= character == ">"
    return "".join(kept) or name


def shortened(name: str, room: int) -> str:
    """A qualified name with as many of its scopes left out in front as is needed: the end tells what it is.

    Where the last part alone is too long its end is cut.
    """
    if width(name) <= room:
        return name
    parts = qualified(name)
    for at in parts[1:]:
        if width(name[at:]) + 1 <= room:
            return MORE + name[at:]
    last = name[parts[-1] :]
    if len(parts) > 1 and width(last) <= room:
        return last
    return last[: cut(last, room)] + MORE
