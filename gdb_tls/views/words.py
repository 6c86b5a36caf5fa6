"""Numbers and names in sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count as counted
from itertools import product
from string import ascii_uppercase

from gdb_tls.program.marked import Marked
from gdb_tls.target.model import Life, Module, Thread

# Nobody reads five thousand numbers: so many tell what is meant, and the answer for programs has all.
MOST_LISTED = 12
# What stands where there are more.
MORE = "..."
# From so many threads on a share says more than the two numbers.
SHARE_FROM = 50
MOST_PATTERNS = 3
SHARED_LINE = "Threads that are alike share a line; --all shows each, --format csv writes each."


def count(number: int, noun: str) -> str:
    """A number and its noun: "1 thread", "2,000 threads"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def storage(module: Module) -> str:
    """Which thread-local storage a module's is: "static TLS"."""
    return "static or dynamic TLS" if module.storage == "unknown" else f"{module.storage} TLS"


def share(part: int, whole: int) -> str:
    """A part in per cent, with a blank before it; empty where the two numbers say enough."""
    if whole < SHARE_FROM or part == whole:
        return ""
    percent = 100 * part / whole
    said = "<1" if percent < 1 else ">99" if percent > 99 else f"{percent:.0f}"
    return f" ({said} %)"


def numbers(threads: Iterable[Thread], unlisted: str = "", most: int | None = MOST_LISTED) -> str:
    """The threads' numbers as ranges ("1-3,7"), then `unlisted` where some are not listed.

    Args:
        threads: whose.
        unlisted: what stands for those without a number.
        most: how many numbers are written at most; None for no limit.
    """
    listed = list(threads)
    known = ranges((thread.num for thread in listed if thread.num is not None), most)
    has_unlisted = unlisted and any(thread.num is None for thread in listed)
    return ",".join(part for part in (known, unlisted if has_unlisted else "") if part)


def ranges(numbers: Iterable[int], most: int | None = None) -> str:
    """Numbers as ranges: "1-3,7"; where more than `most` numbers would be written, the first ones and "..."."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    texts = []
    written = 0
    for first, last in found:
        written += 1 if first == last else 2
        if most is not None and written > most:
            texts.append(MORE)
            break
        texts.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(texts)


def ended(sentence: str) -> str:
    """A sentence with its full stop; where more was left out there are stops enough."""
    return sentence if sentence.endswith(MORE) else f"{sentence}."


def who(threads: Sequence[Thread], capital: bool = False) -> str:
    """Threads in a sentence: "thread 2", "3 threads (1-3) and an ended thread"."""
    listed = [thread for thread in threads if thread.num is not None]
    words = []
    if len(listed) == 1:
        words.append(f"thread {listed[0].num}")
    elif listed:
        words.append(f"{count(len(listed), 'thread')} ({numbers(listed)})")
    ended = sum(thread.num is None and thread.life is Life.EXITED for thread in threads)
    others = len(threads) - len(listed) - ended
    words += [_some(ended, "an ended thread", "ended threads")] if ended else []
    words += [_some(others, "a thread that GDB does not list", "threads that GDB does not list")] if others else []
    found = " and ".join(words)
    return found[:1].upper() + found[1:] if capital else found


def _some(number: int, one: str, several: str) -> str:
    return one if number == 1 else f"{number:,} {several}"


def alike(threads: Sequence[Thread], what: str) -> str:
    """For which others a thread stands: "and 4,990 threads WHAT: 2,4,..."; those that ended have no numbers."""
    listed = [thread for thread in threads if thread.num is not None]
    ended = sum(thread.num is None and thread.life is Life.EXITED for thread in threads)
    noun = "ended thread" if ended == len(threads) else "thread"
    found = f"and {len(threads):,} more {noun}{'' if len(threads) == 1 else 's'} {what}".rstrip()
    return f"{found}: {numbers(listed)}" if listed else found


def with_marks(threads: Sequence[Thread], marked: Marked, unlisted: str = "-") -> str:
    """Numbers for a cell of a table: "*1 crashed, 3 main, 4,996 more: 2,4,9,..."; the star is the selected thread's."""
    first = marked.first(threads)
    own = [mark(threads[at].num, marked) for at in first]
    left = set(first)
    rest = [thread for index, thread in enumerate(threads) if index not in left]
    if not rest:
        return ", ".join(own)
    listed = numbers(rest, unlisted)
    if MORE in listed:
        listed = f"{len(rest):,}{' more' if own else ''}: {listed}"
    return ", ".join([*own, listed])


def group_names() -> Iterator[str]:
    """Short names for groups of threads: A to Z, AA, AB, ..."""
    return ("".join(letters) for length in counted(1) for letters in product(ascii_uppercase, repeat=length))


def spread(values: Mapping[float, int]) -> str:
    """Numbers, each with how many have it, by the lowest, the highest and the commonest: "0 to 36, mostly 4 (120)"."""
    low, high = min(values), max(values)
    common, number = max(values.items(), key=lambda one: one[1])
    if number == 1:
        return f"{low:,} to {high:,}, all different"
    word = "mostly" if 2 * number > sum(values.values()) else "most often"
    return f"{low:,} to {high:,}, {word} {common:,} ({number:,})"


def not_shown(files: Mapping[str, int], guards: int) -> str:
    """How many variables of which files are left out, and of the compiler's guards; empty for none."""
    words = [f"{name} ({number:,})" for name, number in files.items() if number]
    words += [f"the compiler's guards ({guards:,})"] if guards else []
    return f"Variables that are not shown (--all shows them): {', '.join(words)}." if words else ""


def copies_hidden(number: int) -> str:
    """That definitions which no code uses are left out; empty where there are none."""
    if not number:
        return ""
    verb, them = ("is", "it") if number == 1 else ("are", "them")
    copies = "1 copy" if number == 1 else f"{number:,} copies"
    return f"{copies} that no code is bound to {verb} not shown: --copies shows {them}."


def mark(number: int | None, marked: Marked) -> str:
    """A thread's number with what is remarkable about it: "*1 crashed", "3 main"."""
    names = marked.names_of(number)
    star = "*" if "selected" in names else ""
    return " ".join([f"{star}{'-' if number is None else number}", *(name for name in names if name != "selected")])


def patterns(names: Iterable[str]) -> str:
    """Names of which only numbers differ as one: "worker-* (4,990), main"; the commonest first."""
    alike: dict[str, Counter[str]] = {}
    for name in names:
        alike.setdefault(re.sub(r"\d+", "*", name), Counter())[name] += 1
    found = sorted(alike.items(), key=lambda one: -sum(one[1].values()))
    texts = []
    for pattern, its in found[:MOST_PATTERNS]:
        name = pattern if len(its) > 1 else next(iter(its))
        total = sum(its.values())
        texts.append(f"{name} ({total:,})" if len(found) > 1 and total > 1 else name)
    return ", ".join([*texts, *([MORE] if len(found) > MOST_PATTERNS else [])])
