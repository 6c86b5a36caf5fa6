"""What two looks differ in, and how it is told; durations and addresses."""

from __future__ import annotations

import pytest

from gdb_tls.errors import BadArgument
from gdb_tls.watch.difference import events, settled
from gdb_tls.watch.model import CHANGING, Alarm, Event, Look, Row, Seen
from gdb_tls.watch.options import address, duration
from gdb_tls.watch.tally import tally
from gdb_tls.watch.words import document, line, sentence

MAIN, WORKER, OTHER = Seen(0x1000, 10, "main"), Seen(0x2000, 11, "worker"), Seen(0x2000, 12, "worker")
ALARM = Alarm("buffer", "server", "unset-copy", 80, "likely wrong", ["It is wrong."], [11])


def look(
    threads: list[Seen], *marks: str, when: float = 1.0, alarms: tuple[Alarm, ...] = (), modules: str = "server"
) -> Look:
    row = Row("buffer", "server", 0, list(marks))
    return Look(when, threads, [row], modules.split(), {one.key: one for one in alarms})


def said(before: Look, after: Look) -> list[str]:
    return [sentence(one) for one in events(before, settled(before, after))]


def test_nothing_is_no_event() -> None:
    assert said(look([MAIN], "set"), look([MAIN], "set")) == []


def test_states() -> None:
    before, after = look([MAIN, WORKER], "set", "set"), look([MAIN, WORKER], "null", "set shared")
    assert said(before, after) == [
        "buffer (server): set -> null in main 10",
        "buffer (server): set -> set shared in worker 11",
    ]
    assert said(before, look([MAIN, WORKER], "null", "null")) == [
        "buffer (server): set -> null in 2 threads (main 10, worker 11)"
    ]


def test_who_gets_the_stack_of_another_is_another() -> None:
    before, after = look([MAIN, WORKER], "set", "set"), look([MAIN, OTHER], "set", "null")
    assert said(before, after) == ["1 thread started: worker 12", "1 thread ended: worker 11"]


def test_threads_in_another_order() -> None:
    before, after = look([MAIN, WORKER], "set", "null"), look([WORKER, MAIN], "null", "set")
    assert said(before, after) == []


def test_an_ended_thread_stays_until_it_is_joined() -> None:
    left = WORKER._replace(lwp=None, life="exited")
    before, ended, joined = look([MAIN, WORKER], "set", "set"), look([MAIN, left], "set", "set"), look([MAIN], "set")
    (event,) = events(before, ended)
    assert (event.kind, event.threads, event.more) == ("threads-ended", [WORKER], {"unjoined": 1})
    assert said(ended, joined) == []
    stale = look([MAIN, WORKER._replace(life="exited")], "set", "set")
    assert said(before, stale) == ["1 thread ended: worker 11"]


def test_what_changes_is_no_event_but_what_becomes_of_it() -> None:
    before, between = look([MAIN], "set"), look([MAIN], CHANGING)
    assert said(before, between) == []
    assert said(settled(before, between), look([MAIN], "set")) == []
    assert said(settled(before, between), look([MAIN], "null")) == ["buffer (server): set -> null in main 10"]
    assert said(look([MAIN], CHANGING), look([MAIN], "null")) == []


def test_modules_and_alarms() -> None:
    before, after = look([MAIN], "set"), look([MAIN], "set", alarms=(ALARM,), modules="server libx.so")
    assert said(before, after) == ["loaded: libx.so", "ALARM: buffer: It is wrong."]
    assert said(after, before) == ["unloaded: libx.so", "alarm over: buffer (unset-copy)"]


def test_documents() -> None:
    (event,) = events(look([MAIN], "set"), look([MAIN], "null", when=2.5))
    assert document(event) == {
        "schema": "gdb-tls/watch/1",
        "time": 2.5,
        "event": "state",
        "variable": "buffer",
        "module": "server",
        "before": "set",
        "after": "null",
        "threads": [{"lwp": 10, "name": "main", "thread_pointer": "0x1000"}],
    }
    assert document(Event(1, "alarm", alarm=ALARM, more={"again": True}))["alarm"]["sentences"] == ["It is wrong."]
    assert "\x1b" not in line(Event(1, "threads-started", [MAIN._replace(name="\x1b[31m")]))


def test_tally() -> None:
    found = tally(Row("x", "y", 0, ["set", "set shared", "null", CHANGING, "set shared dangling"]))
    assert (found.states["set"], found.states["null"], found.changing) == (3, 1, 1)
    assert found.remarkable == {"shared": 2, "dangling": 1}


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("1s", 1), ("1.5s", 1.5), ("5m", 300), ("1h", 3600)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "1", "s", "-1s", "1 s", "1w", "1ms", "0s", "9999d", "nan", "1e3s", "٣s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(BadArgument, match="--for"):
        duration(text, "--for")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9100", "127.0.0.1", 9100),
        (":9100", "127.0.0.1", 9100),
        ("0.0.0.0:9100", "0.0.0.0", 9100),
        ("[::1]:0", "::1", 0),
        ("localhost:1", "localhost", 1),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert address(text) == (host, port)


@pytest.mark.parametrize("text", ["", ":", "host", "1:65536", "::1:9100", "host:-1", "host:9 ", "http://x:1"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(BadArgument, match="--metrics"):
        address(text)
