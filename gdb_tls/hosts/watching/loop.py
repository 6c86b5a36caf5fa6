"""The watch: look, tell, wait; until the process ends, the time is over or the user has seen enough."""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from gdb_tls.errors import TlsError
from gdb_tls.hosts.watching.observer import Observer
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count
from gdb_tls.watch.difference import events, settled
from gdb_tls.watch.model import AlarmKey, Event, Look

CALM, ALARMED = 0, 1
PROCESS, TIME, INTERRUPTED = "process", "time", "interrupted"


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


def watch(observer: Observer, times: Times, tellers: Sequence[Teller]) -> int:
    """Watches; the exit status.

    Raises:
        TlsError: where not even the first look is possible.
    """
    known: set[AlarmKey] = set()
    with _waiting(observer.pid) as wait:
        for look, happened in _looks(observer, times, wait, known):
            for teller in tellers:
                teller.tell(look, happened)
    return ALARMED if known else CALM


def _looks(
    observer: Observer, times: Times, wait: Callable[[float], str], known: set[AlarmKey]
) -> Iterator[tuple[Look | None, list[Event]]]:
    began = time.monotonic()
    before = observer.look()
    yield before, [Event(before.when, "began", text=_beginning(observer, before), more=_target(observer, before))]
    gc.collect()
    gc.freeze()  # what was found at the beginning stays
    number, trouble = 0, ""
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
        why = wait(min(following, end) - time.monotonic())
        if why == INTERRUPTED:
            yield None, [Event(time.time(), "ended", text="the watch was ended", more={"why": why})]
            return
        if why == PROCESS or observer.has_ended():
            text = f"process {observer.pid} has ended"
            yield None, [Event(time.time(), "ended", text=text, more={"why": PROCESS})]
            return
        if following >= end:
            yield None, [Event(time.time(), "ended", text="the time of --for is over", more={"why": TIME})]
            return
        try:
            after = settled(before, observer.look())
        except TlsError as error:
            if not observer.has_ended() and error.what != trouble:
                trouble = error.what
                yield None, [Event(time.time(), "unread", text=f"not readable just now: {trouble}")]
            continue
        trouble = ""
        yield after, [_known(event, known) for event in events(before, after)]
        before = after


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
def _waiting(pid: int) -> Iterator[Callable[[float], str]]:
    """Gives what waits some seconds: it says whether the process has ended meanwhile, or the user wants no more.

    A signal that ends the watch is kept until then: raised anywhere, it could be taken for a bad variable's error.
    """
    told, teller = os.pipe()
    os.set_blocking(teller, False)
    handle = -1
    with suppress(OSError, AttributeError):
        handle = os.pidfd_open(pid)
    poll = select.poll()
    for one in (told, handle):
        if one >= 0:
            poll.register(one, select.POLLIN)

    def enough(number: int, _: object) -> None:
        signal.signal(number, signal.default_int_handler)  # who cannot wait says so twice
        os.write(teller, b".")

    def wait(seconds: float) -> str:
        ready = {number for number, _ in poll.poll(max(seconds, 0) * 1000)}
        return INTERRUPTED if told in ready else PROCESS if handle in ready else ""

    before = {number: signal.signal(number, enough) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in (told, teller, handle):
            if one >= 0:
                os.close(one)
