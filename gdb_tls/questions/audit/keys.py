"""What the C library's table of keys adds to a crash that came from pthread_getspecific."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.program.program import Program
from gdb_tls.questions.keys.answer import KeyReport, KeyState, read_keys
from gdb_tls.target.model import Thread
from gdb_tls.views.words import count

# glibc and musl: PTHREAD_KEYS_MAX (limits.h) is 1024 in the one, 128 in the other.
MOST_KEYS = {"glibc": 1024, "musl": 128}


def about_key(program: Program, number: int, crashed: Thread, threads: Sequence[Thread]) -> Iterator[str]:
    """Sentences about a key: whether it exists, and who has a value for it."""
    found = read_keys(program, threads)
    if found.problem:
        return
    existing = [one for one in found.keys if one.in_use]
    report = next((one for one in found.keys if one.number == number), None)
    most = MOST_KEYS.get(program.info.libc, 1024)
    if report is None or not report.in_use:
        yield from _no_such_key(number, report, len(existing), most)
    else:
        yield from _who_has_it(report, crashed)
    if len(existing) >= most:
        without = sum(all(value.state is not KeyState.SET for value in one.values) for one in existing)
        yield (
            f"All {most:,} keys are in use, {without:,} of them without a value in any thread: "
            "pthread_key_create fails now. Are keys made that are never deleted?"
        )
    yield from _own_values(existing, number, crashed)


def _no_such_key(number: int, report: KeyReport | None, existing: int, most: int) -> Iterator[str]:
    if number >= most:
        yield f"{number} is no key's number: perhaps pthread_key_create had failed, or was not called."
        return
    stale = [value for value in report.values if value.state in (KeyState.STALE, KeyState.SET)] if report else []
    if stale:
        yield (
            f"Key {number} was deleted while {count(len(stale), 'thread')} still hold{'s' * (len(stale) == 1)} a value "
            "for it: pthread_getspecific gives null."
        )
    else:
        yield f"Key {number} does not exist, of {existing:,} that do: it was deleted, or is used before it was created."


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


def _own_values(existing: Sequence[KeyReport], number: int, crashed: Thread) -> Iterator[str]:
    """Keys that only the crashed thread has a value for: it may have stored under a wrong number."""
    for report in existing:
        have = [value.thread.num for value in report.values if value.state is KeyState.SET]
        if have == [crashed.num] and report.number != number and len(report.values) > 2:
            yield f"Thread {crashed.num} alone has a value for key {report.number}: stored under a wrong number?"
