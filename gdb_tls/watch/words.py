"""An event as one line, and as a document of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gdb_tls.views.text import safe
from gdb_tls.views.words import count
from gdb_tls.watch.model import Alarm, Event, Seen

SCHEMA = "gdb-tls/watch/1"
# Of many threads a line names the first.
MOST_NAMED = 4


def line(event: Event) -> str:
    """What has happened, with the time of day before it."""
    moment = time.strftime("%H:%M:%S", time.localtime(event.when)) + f".{int(event.when % 1 * 1000):03d}"
    return f"{moment}  {safe(sentence(event))}"


def sentence(event: Event) -> str:
    """What has happened."""
    if event.kind == "threads-started":
        return f"{count(len(event.threads), 'thread')} started: {who(event.threads)}"
    if event.kind == "threads-ended":
        return f"{count(len(event.threads), 'thread')} ended: {who(event.threads)}"
    if event.kind == "state" and event.row:
        which = f"{event.row.name} ({event.row.module})"
        return f"{which}: {event.before} -> {event.after} in {who(event.threads, counted=True)}"
    if event.kind == "module-loaded":
        return f"loaded: {event.text}"
    if event.kind == "module-unloaded":
        return f"unloaded: {event.text}"
    if event.kind == "alarm" and event.alarm:
        more = " (once more)" if event.more.get("again") else ""
        return f"ALARM{more}: {event.alarm.name}: {' '.join(event.alarm.sentences)}"
    if event.kind == "alarm-over" and event.alarm:
        return f"alarm over: {event.alarm.name} ({event.alarm.rule})"
    return event.text


def who(threads: Sequence[Seen], counted: bool = False) -> str:
    """Threads by name and id; of many the first, and how many there are."""
    named = ", ".join(map(_name, threads[:MOST_NAMED]))
    if len(threads) > MOST_NAMED:
        named += ", ..."
    return f"{count(len(threads), 'thread')} ({named})" if counted and len(threads) > 1 else named


def _name(thread: Seen) -> str:
    number = "an ended thread" if thread.lwp is None else str(thread.lwp)
    return f"{thread.name} {number}".strip()


def document(event: Event) -> dict[str, Any]:
    """The event for programs: a line of --jsonl."""
    found: dict[str, Any] = {"schema": SCHEMA, "time": round(event.when, 3), "event": event.kind}
    if event.row:
        found.update(variable=event.row.name, module=event.row.module, before=event.before, after=event.after)
    if event.threads or event.kind in ("state", "threads-started", "threads-ended"):
        found["threads"] = [
            {"lwp": one.lwp, "name": one.name, "thread_pointer": None if one.pointer is None else hex(one.pointer)}
            for one in event.threads
        ]
    if event.alarm:
        found["alarm"] = alarm_document(event.alarm)
    if event.text:
        found["module" if event.kind.startswith("module-") else "text"] = event.text
    found.update(event.more)
    return found


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """An alarm, as it also is in an event."""
    return {
        "name": alarm.name,
        "module": alarm.module or None,
        "rule": alarm.rule,
        "score": alarm.score,
        "level": alarm.level,
        "sentences": list(alarm.sentences),
        "threads": list(alarm.threads),
    }
