"""What the table of keys, and the code that uses them, add to a crash that came from pthread_getspecific."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from gdb_tls.evidence.sources import Specific
from gdb_tls.program.program import Program
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.keys.answer import KeyReport, KeysReport, KeyState, read_keys
from gdb_tls.questions.keys.names import KeyVariable, key_names
from gdb_tls.questions.keys.words import MOST_KEYS, called, exhausted
from gdb_tls.target.model import Thread
from gdb_tls.views.words import count, who

NONE_LEFT = "keys-exhausted"
EXHAUSTED_SCORE = 60
CRASHED_SCORE, STALE_SCORE, ONE_SCORE = 45, 40, 20
# Fewer threads than this make no pattern.
FEWEST = 3
# The slots of all keys of more threads take long to read.
MOST_THREADS = 4096


class OddKey(NamedTuple):
    """A key that looks wrong.

    Attributes:
        number: it; None for all keys together.
        name: what it is called.
        findings: why.
        is_proven: whether it is more than a pattern of values.
    """

    number: int | None
    name: str
    findings: Sequence[Finding]
    is_proven: bool


class Keys:
    """The keys of a program, as an audit asks about them; nothing is read before."""

    def __init__(self, program: Program, threads: Sequence[Thread]) -> None:
        """Reads nothing yet."""
        self._program = program
        self._threads = threads

    @cached_property
    def _report(self) -> KeysReport:
        return read_keys(self._program, self._threads, key_names(self._program))

    @cached_property
    def _values(self) -> KeysReport:
        return read_keys(self._program, self._threads)

    def variables(self, place: Specific) -> list[KeyVariable]:
        """The variable whose key a call asked for; where that is not known, those that hold the key's number."""
        here = [one for one in self._report.names.variables if place.at in one.places and one.number == place.key]
        own = self._of(place.key)
        return here or list(own.variables if own else ())

    def title(self, place: Specific) -> str:
        """What the key of a call is called."""
        if place.key is None:
            return "a pthread key"
        found = self.variables(place)
        names = ", ".join(map(called, found)) if len(found) == 1 else ""
        return f"pthread key {place.key}" + (f" ({names})" if names else "")

    def title_of(self, number: int) -> str:
        """What a key is called."""
        return self.title(Specific(0, number))

    def odd(self, crashed: int | None, named: bool) -> Iterator[OddKey]:
        """Keys that look wrong by the values that threads have, and that there are none left.

        Args:
            crashed: the position of the thread that crashed; None for none.
            named: whether the keys' names are wanted, for which code is read.
        """
        if len(self._threads) > MOST_THREADS:
            return
        report = self._report if named else self._values
        spent = list(exhausted(report))
        if spent:
            spent = spent if named else list(exhausted(self._report))
            findings = [Finding(NONE_LEFT, EXHAUSTED_SCORE, text, []) for text in spent]
            yield OddKey(None, "pthread keys", findings, True)
            return
        for key in report.keys:
            findings = list(_odd(key, self._threads, crashed))
            if findings:
                name = self.title_of(key.number) if named else f"pthread key {key.number}"
                yield OddKey(key.number, name, findings, False)

    def about(self, place: Specific, crashed: Thread) -> Iterator[str]:
        """Sentences about the key of a call: whether it exists, and who has a value for it."""
        found, number = self._report, place.key
        if found.problem or number is None:
            return
        existing = [one for one in found.keys if one.in_use]
        report = self._of(number)
        most = MOST_KEYS.get(self._program.info.libc, 1024)
        holder = next(iter(self.variables(place)), None)
        if report is None or not report.in_use:
            yield from _no_such_key(number, report, len(existing), most, holder)
        elif holder is not None and holder not in report.variables:
            yield self._another_key(report, holder)
        else:
            yield from _who_has_it(report, crashed)
        yield from exhausted(found)
        yield from self._own_values(existing, number, crashed)

    def _of(self, number: int | None) -> KeyReport | None:
        return next((one for one in self._report.keys if one.number == number), None)

    def _another_key(self, report: KeyReport, holder: KeyVariable) -> str:
        others = ", ".join(map(called, report.variables))
        whose = f"that of {others}" if others else "another one: it has another destructor"
        return (
            f"{called(holder)} holds {report.number}, but that key is {whose}. The key of {called(holder)} does not "
            "exist: it was used before it was created, or was deleted."
        )

    def _own_values(self, existing: Sequence[KeyReport], number: int, crashed: Thread) -> Iterator[str]:
        """Keys that only the crashed thread has a value for: it may have stored under a wrong number."""
        for report in existing:
            have = [value.thread.num for value in report.values if value.state is KeyState.SET]
            if have == [crashed.num] and report.number != number and len(report.values) > 2:
                name = self.title_of(report.number).removeprefix("pthread ")
                yield f"Thread {crashed.num} alone has a value for {name}: stored under a wrong number?"


def _no_such_key(
    number: int, report: KeyReport | None, existing: int, most: int, holder: KeyVariable | None
) -> Iterator[str]:
    if number >= most:
        yield f"{number} is no key's number: perhaps pthread_key_create had failed, or was not called."
        return
    stale = [value for value in report.values if value.state in (KeyState.STALE, KeyState.SET)] if report else []
    if stale:
        yield (
            f"Key {number} was deleted while {count(len(stale), 'thread')} still hold{'s' * (len(stale) == 1)} a value "
            "for it: pthread_getspecific gives null."
        )
    elif holder is not None:
        yield (
            f"{called(holder)} holds {number}, but there is no key {number} ({existing:,} others are there): it was "
            "deleted, or is used before it was created."
        )
    else:
        yield f"Key {number} does not exist ({existing:,} others do): it was deleted, or is used before it was created."


def _who_has_it(report: KeyReport, crashed: Thread) -> Iterator[str]:
    own = next((value for value in report.values if value.thread.num == crashed.num), None)
    have = [value for value in report.values if value.state is KeyState.SET]
    stale = [value for value in report.values if value.state is KeyState.STALE]
    if stale:
        yield (
            f"{count(len(stale), 'thread')} still hold{'s' * (len(stale) == 1)} a value of an earlier key "
            f"{report.number}, which was deleted and created again: pthread_getspecific gives null for it."
        )
    if own is None or own.state is KeyState.SET:
        return
    word = "not set" if own.state is KeyState.UNSET else "null"
    where = f"set in {count(len(have), 'other thread')}" if have else "set in no thread"
    yield f"Key {report.number} is {word} in thread {crashed.num}, and {where}."


def _odd(key: KeyReport, threads: Sequence[Thread], crashed: int | None) -> Iterator[Finding]:
    """What the values that living threads have for a key look like."""
    living = [(index, one) for index, one in enumerate(key.values) if not one.thread.exited]
    have = [index for index, one in living if one.state is KeyState.SET]
    without = [index for index, one in living if one.state in (KeyState.UNSET, KeyState.NULL, KeyState.STALE)]
    stale = [index for index, one in living if one.state is KeyState.STALE]
    if stale:
        which = who([threads[one] for one in stale], capital=True)
        verb = "has" if len(stale) == 1 else "have"
        yield Finding(
            "key-stale",
            STALE_SCORE,
            f"{which} {verb} a value of an earlier key of that number, which was deleted: pthread_getspecific gives "
            "null, and no destructor will run for it.",
            stale,
        )
    if not key.in_use or key.in_use is None:
        return
    if crashed is not None and without == [crashed] and len(have) >= FEWEST:
        sentence = f"Only thread {threads[crashed].num}, which crashed, has no value; {len(have):,} others have set it."
        yield Finding("key-unset-where-it-crashed", CRASHED_SCORE, sentence, [crashed])
    elif len(have) == 1 and len(without) >= FEWEST:
        sentence = f"It is set in {who([threads[have[0]]])} only, of {len(living):,} threads."
        yield Finding("key-set-in-one", ONE_SCORE, sentence, without)
