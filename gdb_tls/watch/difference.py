"""What has happened between two looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gdb_tls.watch.model import CHANGING, Event, Look, Row, Seen, ThreadKey

EXITED, NOT_YET = "exited", "being-created"


def settled(before: Look, after: Look) -> Look:
    """The later look, where what was changing at its time has the state that it had before.

    So a value that no two reads agree on is no event, and what becomes of it later is one.
    """
    if not any(CHANGING in row.marks for row in after.rows):
        return after
    known = {row.key: row for row in before.rows}
    positions = {thread.key: at for at, thread in enumerate(before.threads)}
    rows = []
    for row in after.rows:
        old = known.get(row.key)
        if old is not None and CHANGING in row.marks:
            row = row._replace(marks=_carried(row.marks, old.marks, after.threads, positions))
        rows.append(row)
    return after._replace(rows=rows)


def _carried(
    marks: Sequence[str], old: Sequence[str], threads: Sequence[Seen], positions: Mapping[ThreadKey, int]
) -> list[str]:
    found = list(marks)
    for index, mark in enumerate(marks):
        if mark == CHANGING:
            at = positions.get(threads[index].key)
            found[index] = mark if at is None else old[at]
    return found


def events(before: Look, after: Look) -> list[Event]:
    """What has happened, in the order in which it is told: modules, threads, states, alarms."""
    return list(_events(before, after))


def _events(before: Look, after: Look) -> Iterator[Event]:
    when = after.when
    for name in _more(after.modules, before.modules):
        yield Event(when, "module-loaded", text=name)
    for name in _more(before.modules, after.modules):
        yield Event(when, "module-unloaded", text=name)
    if before.threads is not after.threads:
        there, here = _alive(before), _alive(after)
        started = [one for key, one in here.items() if key not in there]
        ended = [one for key, one in there.items() if key not in here]
        if started:
            yield Event(when, "threads-started", started)
        if ended:
            # Until somebody joins it, such a thread is on the C library's lists, under the same pointer.
            left = {one.pointer for one in after.threads if one.life == EXITED}
            yield Event(when, "threads-ended", ended, more={"unjoined": sum(one.pointer in left for one in ended)})
    known = {row.key: row for row in before.rows}
    for row in after.rows:
        old = known.get(row.key)
        if old is not None:
            yield from _changes(when, old, row, before, after)
    for key, alarm in after.alarms.items():
        if key not in before.alarms:
            yield Event(when, "alarm", alarm=alarm)
    for key, alarm in before.alarms.items():
        if key not in after.alarms:
            yield Event(when, "alarm-over", alarm=alarm)


def _alive(look: Look) -> dict[ThreadKey, Seen]:
    return {one.key: one for one in look.threads if one.life not in (EXITED, NOT_YET)}


def _more(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """The names that are there more often than among the others."""
    return list((Counter(names) - Counter(others)).elements())


def _changes(when: float, old: Row, row: Row, before: Look, after: Look) -> Iterator[Event]:
    """One event for all threads in which the same has become of the same."""
    if old.marks is row.marks and before.threads is after.threads:
        return
    if before.threads is after.threads:
        pairs = enumerate(zip(old.marks, row.marks))
    else:
        known = dict(zip((one.key for one in before.threads), old.marks))
        pairs = enumerate((known.get(one.key, mark), mark) for one, mark in zip(after.threads, row.marks))
    found: dict[tuple[str, str], list[Seen]] = {}
    for index, (was, now) in pairs:
        if was != now and CHANGING not in (was, now):
            found.setdefault((was, now), []).append(after.threads[index])
    for (was, now), threads in found.items():
        yield Event(when, "state", threads, row, was, now)
