"""The watch: look, tell, wait; until the process ends, the time is over or the user has seen enough."""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Protocol

from gdb_tls.errors import NoProcess, TlsError
from gdb_tls.hosts.watching.observer import Observer
from gdb_tls.views.words import count
from gdb_tls.watch.difference import events, settled
from gdb_tls.watch.model import AlarmKey, Event, Look

CALM, ALARMED = 0, 1


class Teller(Protocol):
    """What tells what has happened: a terminal, a file, a server."""

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Takes a look, None where there is none now, and what has happened since the one before."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Times(NamedTuple):
    """How often to look, and how long; in seconds.

    Attributes:
        interval: from one look to the next.
        total: None for as long as the process lives.
    """

    interval: float
    total: float | None


class _Enough(Exception):
    """The user wants no more."""


def watch(observer: Observer, times: Times, tellers: Sequence[Teller]) -> int:
    """Watches; the exit status.

    Raises:
        TlsError: where not even the first look is possible.
    """
    known: set[AlarmKey] = set()
    with _process_end(observer.pid) as ends, _until_told():
        try:
            for look, happened in _looks(observer, times, ends, known):
                for teller in tellers:
                    teller.tell(look, happened)
        except (KeyboardInterrupt, _Enough):
            for teller in tellers:
                teller.tell(
                    None, [Event(time.time(), "ended", text="the watch was ended", more={"why": "interrupted"})]
                )
    return ALARMED if known else CALM


def _looks(
    observer: Observer, times: Times, ends: Callable[[float], bool], known: set[AlarmKey]
) -> Iterator[tuple[Look | None, list[Event]]]:
    began = time.monotonic()
    before = observer.look()
    yield before, [Event(before.when, "began", text=_beginning(observer, before), more=_target(observer, before))]
    gc.collect()
    gc.freeze()  # what was found at the beginning stays
    number, troubled = 0, ""
    while True:
        observer.audit()
        after = before._replace(alarms=observer.alarms)
        new = [_known(event, known) for event in events(before, after)]
        if new:
            yield after, new
        before = after
        number += 1
        following = began + number * times.interval
        if following < time.monotonic():
            number = int((time.monotonic() - began) / times.interval) + 1  # looks that came too late are left out
            following = began + number * times.interval
        end = began + times.total if times.total is not None else float("inf")
        if ends(min(following, end) - time.monotonic()) or observer.has_ended():
            yield None, [Event(time.time(), "ended", text=f"process {observer.pid} has ended", more={"why": "process"})]
            return
        if following >= end:
            yield None, [Event(time.time(), "ended", text="the time of --for is over", more={"why": "time"})]
            return
        try:
            after = settled(before, observer.look())
        except NoProcess as error:
            if observer.has_ended():
                continue
            after, troubled = before, _trouble(error, troubled)
        except TlsError as error:
            after, troubled = before, _trouble(error, troubled)
        else:
            troubled = ""
            yield after, [_known(event, known) for event in events(before, after)]
            before = after
            continue
        if troubled.startswith("!"):
            troubled = troubled[1:]
            yield None, [Event(time.time(), "unread", text=f"not readable just now: {troubled}")]


def _trouble(error: TlsError, troubled: str) -> str:
    """What is wrong; with a mark before it where that is news."""
    return error.what if error.what == troubled else "!" + error.what


def _known(event: Event, known: set[AlarmKey]) -> Event:
    """The event; an alarm that was there before says so."""
    if event.kind != "alarm" or event.alarm is None:
        return event
    if event.alarm.key in known:
        return event._replace(more={"again": True})
    known.add(event.alarm.key)
    return event


def _beginning(observer: Observer, look: Look) -> str:
    name = os.path.basename(observer.info.executable or "") or "process"
    what = count(len(look.rows), "variable")
    return f"watching {what} in {count(len(look.threads), 'thread')} of {name} ({observer.pid})"


def _target(observer: Observer, look: Look) -> dict[str, Any]:
    """The process, and what of it is watched."""
    from gdb_tls.watch.tally import tallies

    return {
        "target": observer.info._asdict(),
        "threads_at_first": len(look.threads),
        "variables": [
            {"name": one.row.name, "module": one.row.module, **one.states, **one.remarkable, "changing": one.changing}
            for one in tallies(look)
        ],
    }


@contextmanager
def _process_end(pid: int) -> Iterator[Callable[[float], bool]]:
    """Gives what waits some seconds, or until the process ends: whether it has."""
    handle = -1
    with suppress(OSError, AttributeError):
        handle = os.pidfd_open(pid)
    if handle < 0:
        yield _sleep
        return
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    try:
        yield lambda seconds: bool(poll.poll(max(seconds, 0) * 1000))
    finally:
        os.close(handle)


def _sleep(seconds: float) -> bool:
    time.sleep(max(seconds, 0))
    return False


@contextmanager
def _until_told() -> Iterator[None]:
    """While in it, SIGTERM and SIGHUP end the watch as Ctrl-C does: cleanly."""

    def enough(*_: object) -> None:
        raise _Enough

    before = {number: signal.signal(number, enough) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
