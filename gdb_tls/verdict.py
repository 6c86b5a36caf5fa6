"""A report in plain words: what the pattern of states over the threads means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gdb_tls.model import Flag, Instance, Report, State


def verdict(report: Report) -> list[str]:
    """Sentences for the end of the report, the most important first."""
    rows = report.instances
    counts = Counter(instance.state for instance in rows)
    sentences = [*_null(report, rows, counts), *_gaps(report, rows, counts), *_flags(rows)]
    if not sentences:
        sentences.append(_count("Set", rows, len(rows)) if rows else "There is no thread to look at.")
    return sentences


def numbers(instances: Iterable[Instance]) -> str:
    """The threads' numbers as ranges ("1-3,7"); ended threads are only counted."""
    return ranges(instance.thread.num for instance in instances if instance.thread.num is not None)


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as ranges: "1-3,7"."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _null(report: Report, rows: Sequence[Instance], counts: Counter[State]) -> list[str]:
    null = [instance for instance in rows if instance.state is State.NULL]
    if not null:
        return []
    sentences = [_count("NULL", null, len(rows))]
    have = [instance for instance in rows if instance.state is State.SET]
    if not have and len(null) == len(rows):
        sentences.append("No thread has it set: it has not been initialised, or has been cleared everywhere.")
    elif len(have) == 1 and _is_main(have[0], report):
        sentences.append("Set only in the main thread: initialised once for the process, not once for each thread.")
    elif len(have) == 1:
        sentences.append(f"Set only in {_who(have)}: the others never initialised it.")
    elif have and len(null) == 1 and _is_main(null[0], report):
        sentences.append("Null only in the main thread: the workers have their own.")
    elif have and len(null) < len(have):
        sentences.append("A minority of the threads is null: look at what these did not run.")
    return sentences


def _gaps(report: Report, rows: Sequence[Instance], counts: Counter[State]) -> list[str]:
    sentences = []
    module = report.variable.module.name
    untouched = [instance for instance in rows if instance.state is State.UNALLOCATED]
    if untouched:
        if len(untouched) == len(rows):
            sentences.append(f"No thread has touched {module}, so no block exists yet.")
        else:
            sentences.append(f"{_count('Unallocated', untouched, len(rows))[:-1]}: never touched {module}.")
        if report.starts_null:
            sentences.append("A new block would start null: the first access there finds a null pointer.")
    for state, words in ((State.UNREADABLE, "Unreadable"), (State.UNRESOLVED, "Unresolved")):
        bad = [instance for instance in rows if instance.state is state]
        if bad:
            sentences.append(_count(words, bad, len(rows)))
            sentences += [
                f"  {reason}" for reason, _ in Counter(instance.reason or "" for instance in bad).most_common(3)
            ]
    if sentences and counts[State.SET] and not counts[State.NULL]:
        sentences.append(f"Set in the other {counts[State.SET]}." if counts[State.SET] > 1 else "Set in the other one.")
    return sentences


def _flags(rows: Sequence[Instance]) -> list[str]:
    sentences = []
    shared = [instance for instance in rows if Flag.SHARED in instance.flags]
    if shared:
        objects = len({instance.text if instance.value is None else instance.value for instance in shared})
        what = "share one object" if objects == 1 else f"share {objects} objects"
        if len(shared) == 1:
            what = "shares its object with another thread"
        sentences.append(f"{_who(shared).capitalize()} {what}: it is not each thread's own.")
    dangling = [instance for instance in rows if Flag.DANGLING in instance.flags]
    if dangling:
        sentences.append(f"Dangling in {_who(dangling)}: it points to memory that is not mapped.")
    ended = [instance for instance in rows if Flag.EXITED in instance.flags]
    if ended:
        words = "1 thread has" if len(ended) == 1 else f"{len(ended)} threads have"
        sentences.append(f"{words} ended without being joined.")
    return sentences


def _count(what: str, some: Sequence[Instance], of: int) -> str:
    if len(some) == of:
        return (
            f"{what} in the only thread."
            if of == 1
            else f"{what} in both threads."
            if of == 2
            else f"{what} in all {of:,} threads."
        )
    which = numbers(some)
    return f"{what} in {len(some):,} of {of:,} threads{': ' + which if which else ''}."


def _who(some: Sequence[Instance]) -> str:
    """Threads in words: "thread 2", "threads 1-3 and an ended thread"."""
    ended = sum(instance.thread.num is None for instance in some)
    listed = len(some) - ended
    words = [f"thread{'s' if listed > 1 else ''} {numbers(some)}"] if listed else []
    words += ["an ended thread" if ended == 1 else f"{ended} ended threads"] if ended else []
    return " and ".join(words)


def _is_main(instance: Instance, report: Report) -> bool:
    # Linux: the main thread's LWP is the process id.
    return instance.thread.lwp is not None and instance.thread.lwp == report.target.pid
