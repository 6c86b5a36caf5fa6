"""Compares what gdb-tls says with what the compiler's code says; knows neither GDB nor files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Key = tuple[Any, ...]  # file, load base, offset in the block, thread


class Wrong(NamedTuple):
    """An answer that is not what the compiler's code says."""

    key: Key
    said: str
    true: int


class Result:
    """Counts of what was compared.

    Attributes:
        compared: instances for which both sides have an answer.
        wrong: those in which they differ.
        unresolved: why there was nothing to compare -> how often.
    """

    def __init__(self) -> None:
        self.compared = 0
        self.wrong: list[Wrong] = []
        self.unresolved: Counter[str] = Counter()

    def add(self, other: Result) -> None:
        self.compared += other.compared
        self.wrong += other.wrong
        self.unresolved += other.unresolved


def compare(truth: Iterable[Sequence[Any]], answers: Iterable[Sequence[Any]] | str, called: bool) -> Result:
    """Compares one look.

    Args:
        truth: [file, base, offset, thread, address or None, why] for each call of the compiler's code.
        answers: [file, base, offset, thread, state, address or None, reason] of gdb-tls; or why there are none.
        called: whether the answers are from after the calls.  Those make the blocks that were not there, so before
            them "unallocated" is no wrong answer; after them it is.
    """
    result = Result()
    missing = answers if isinstance(answers, str) else "gdb-tls does not list the variable"
    said = {} if isinstance(answers, str) else {tuple(row[:4]): row[4:] for row in answers}
    for row in truth:
        key, (true, why) = tuple(row[:4]), row[4:]
        state, address, reason = said.get(key, ("unresolved", None, missing))
        if true is None:
            result.unresolved[f"the code could not be called: {why}"] += 1
        elif address is not None or (state == "unallocated" and called):
            result.compared += 1
            if address != true:
                result.wrong.append(Wrong(key, state if address is None else hex(address), true))
        elif state == "unallocated":
            result.unresolved["unallocated, and the call allocated it"] += 1
        else:
            result.unresolved[reason] += 1
    return result
