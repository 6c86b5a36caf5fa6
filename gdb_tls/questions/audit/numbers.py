"""Rules for what is no pointer: ids that are those of others, values that are as they began, what has a value or none.

They look at a variable's bytes in all threads, and say no more than these show; the debugger is asked for a type only
where something is remarkable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from gdb_tls.program.survey import Column
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.target.model import Kind, Thread
from gdb_tls.views.words import count, who

# Fewer threads than this make no pattern.
FEWEST = 3
ID_SCORE, START_SCORE, ZERO_SCORE, ONE_SCORE = 48, 45, 45, 25
ID_SIZES = (4, 8)
# Small numbers are equal to an id by accident: in a container the first processes have such.
SMALLEST_ID = 16
MOST_IDS = 1 << 31
RULES = ("stale-id", "starting-value", "zero-where-it-crashed", "no-value-where-it-crashed", "set-in-one")
NUMBERS = (Kind.INTEGER, Kind.BOOLEAN, Kind.ENUM, Kind.CHARACTER)
LONGEST_NUMBER = 8


class Values(NamedTuple):
    """One variable in the living threads.

    Attributes:
        held: its bytes in each thread, of a long one the first ones; empty where it has no value.
        different: those that are not empty, each once.
        initial: its initial image, as many bytes; None where that is not known.
        size: of the variable, in bytes.
        little: whether the program's byte order is that.
        kind: how the bytes are read; None where that is not known.
        is_signed: whether a number has a sign.
    """

    held: Sequence[bytes]
    different: frozenset[bytes]
    initial: bytes | None
    size: int
    little: bool
    kind: Kind | None = None
    is_signed: bool = False

    def number(self, raw: bytes) -> int:
        """The unsigned number that bytes are."""
        return int.from_bytes(raw, "little" if self.little else "big")

    def text(self, raw: bytes) -> str:
        """A value in words."""
        if self.kind is Kind.BOOLEAN:
            return "true" if any(raw) else "false"
        number = self.number(raw)
        signed = int.from_bytes(raw, "little" if self.little else "big", signed=True)
        if self.is_signed:
            return str(signed)
        return f"{number} (-1)" if signed == -1 else str(number)


class Ids:
    """The ids that a variable may hold, as its bytes would have them.

    Attributes:
        threads: all threads.
    """

    def __init__(self, threads: Sequence[Thread], pid: int | None) -> None:
        """Takes the threads, and the process id where it is known."""
        self.threads = threads
        self._pid = pid
        self._known: dict[tuple[int, bool], Noted] = {}

    def noted(self, size: int, little: bool) -> Noted:
        """Them in so many bytes, made once for all variables."""
        key = size, little
        if key not in self._known:
            order: Literal["little", "big"] = "little" if little else "big"
            numbers = [thread.lwp or 0 for thread in self.threads]
            first, *others = (
                one.to_bytes(size, order) if SMALLEST_ID <= one < MOST_IDS else b""
                for one in (self._pid or 0, *numbers)
            )
            self._known[key] = Noted(first, others, frozenset([first, *others]) - {b""})
        return self._known[key]


class Noted(NamedTuple):
    """The ids in one size, those that are too small to mean anything empty.

    Attributes:
        process: the process id.
        threads: that of each thread, by position.
        all: all that are not empty.
    """

    process: bytes
    threads: Sequence[bytes]
    all: frozenset[bytes]


def values_of(column: Column, ended: set[int], little: bool) -> Values:
    """A column as the rules want it, without its type."""
    held, different = column.raws(), column.different()
    if ended:
        held = [b"" if index in ended else raw for index, raw in enumerate(held)]
        different = frozenset(filter(None, held))
    length = max(map(len, different), default=0)
    initial = column.survey.symbols.initial_image(column.module, column.offset, length) if length else None
    return Values(held, different, initial, column.size, little)


def findings(values: Values, ids: Ids, crashed: int | None) -> list[Finding]:
    """What all rules say.

    Args:
        values: the variable.
        ids: those of the threads and of the process.
        crashed: the position of the thread that crashed; None for none.
    """
    return [
        *_stale_id(values, ids),
        *(_as_it_began(values, ids.threads, crashed) if crashed is not None else ()),
    ]


def findings_of_presence(
    have: Mapping[int, bool], threads: Sequence[Thread], crashed: int | None, words: tuple[str, str]
) -> Iterator[Finding]:
    """It has a value, or is true, in one thread only, or everywhere but where it crashed.

    Args:
        have: position in `Survey.threads` -> whether it has one there, of the living threads.
        threads: all threads.
        crashed: the position of the thread that crashed; None for none.
        words: what is said of it where it has one, and where it has none.
    """
    having = [index for index, has in have.items() if has]
    without = [index for index, has in have.items() if not has]
    has_one, has_none = words
    if without == [crashed] and len(having) >= FEWEST:
        here = f"only in thread {threads[without[0]].num}, which crashed"
        rest = f"it {has_one} in {count(len(having), 'other')}"
        yield Finding("no-value-where-it-crashed", START_SCORE, f"It {has_none} {here}; {rest}.", without)
    elif len(having) == 1 and len(without) >= FEWEST and crashed not in having:
        crash = (
            f", of which thread {threads[crashed].num} crashed" if crashed in without and crashed is not None else ""
        )
        rest = f"in {who([threads[one] for one in without])}{crash}{',' * bool(crash)} it {has_none}"
        yield Finding("set-in-one", ONE_SCORE, f"It {has_one} in {who([threads[having[0]]])} only; {rest}.", without)


def _stale_id(values: Values, ids: Ids) -> Iterator[Finding]:
    """The id of a thread that is not this one, where others have their own there."""
    if values.size not in ID_SIZES:
        return
    noted, threads = ids.noted(values.size, values.little), ids.threads
    if noted.all.isdisjoint(values.different):
        return
    raws = {index: raw for index, raw in enumerate(values.held) if raw}
    own = {index for index, raw in raws.items() if raw == noted.threads[index]}
    # In a process of one thread, and in its main thread, the two ids are the same.
    process = {index for index, raw in raws.items() if raw == noted.process}
    unset = (bytes(values.size), values.initial)
    for mine, what in ((own, "the number of its own thread (LWP)"), (process, "the process id")):
        odd = [index for index, raw in raws.items() if index not in mine and raw not in unset]
        if len(mine) < 2 or not 0 < len(odd) < len(mine):
            continue
        for raw, indices in _by_value(odd, raws).items():
            number = values.number(raw)
            owner = next((thread for thread in threads if thread.lwp == number), None)
            whose = f"that of thread {owner.num}" if owner else "that of no thread of this process"
            kept = "" if owner else ": kept from before a fork, in the child of which only one thread goes on?"
            yield Finding(
                "stale-id",
                ID_SCORE,
                f"In {who([threads[one] for one in sorted(mine)])} it is {what}; "
                f"in {who([threads[one] for one in indices])} "
                f"it is {number}, {whose}{kept or '.'}",
                indices,
            )
        return


def _by_value(indices: Sequence[int], raws: Mapping[int, bytes]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for index in indices:
        found.setdefault(raws[index], []).append(index)
    return found


def _as_it_began(values: Values, threads: Sequence[Thread], crashed: int) -> Iterator[Finding]:
    """It has its starting value in the thread that crashed, and only there; or only one other thread has set it."""
    held, own = values.held, values.held[crashed]
    if not own or own != values.initial or len(values.different) < 2 or len(held) - held.count(b"") <= FEWEST:
        return
    others = [index for index, raw in enumerate(held) if raw and index != crashed]
    changed = [index for index in others if held[index] != own]
    num = threads[crashed].num
    here = f"only in thread {num}, which crashed"
    if values.size > LONGEST_NUMBER or values.kind not in NUMBERS:
        if not any(own) and len(changed) == len(others) and values.size > LONGEST_NUMBER:
            size = len(own)
            part = (
                f"All its {size:,} bytes" if size == values.size else f"The first {size:,} of its {values.size:,} bytes"
            )
            sentence = f"{part} are zero {here}; {_set_in(len(others))}."
            yield Finding("zero-where-it-crashed", ZERO_SCORE, sentence, [crashed])
        return
    if len(changed) == len(others):
        sentence = (
            f"It still has its starting value, {values.text(own)}, {here}; {_set_in(len(others))}{_to(values, others)}."
        )
        yield Finding("starting-value", START_SCORE, sentence, [crashed])
    elif len(changed) == 1:
        unset = [index for index, raw in enumerate(held) if raw == own]
        sentence = (
            f"It is {values.text(held[changed[0]])} in {who([threads[changed[0]]])} only; "
            f"{who([threads[one] for one in unset])}, of which thread {num} crashed, "
            f"have its starting value, {values.text(own)}."
        )
        yield Finding("set-in-one", ONE_SCORE, sentence, unset)


def _set_in(number: int) -> str:
    return f"{count(number, 'other')} have set it"


def _to(values: Values, others: Sequence[int]) -> str:
    """What they have set it to, where that is one value."""
    found = {values.held[index] for index in others}
    return f" to {values.text(next(iter(found)))}" if len(found) == 1 else ""
