"""The process for work that may crash or never end."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from gdb_tls.hosts.direct import helper
from gdb_tls.hosts.direct.helper import Helper, HelperFailed


class Worker:
    """What lives in the process."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> tuple[int, dict[tuple[int, bool], str]]:
        self.count += number
        return self.count, {(number, True): "x" * 100_000}

    def own_id(self) -> int:
        return os.getpid()

    def fail(self) -> None:
        raise ValueError("no\nsuch page")

    def crash(self, number: int) -> None:
        os.write(2, b"free(): invalid pointer\n")
        os.kill(os.getpid(), number)

    def never_end(self) -> None:
        while True:
            pass

    def grow(self) -> int:
        return len(bytes(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4))


def test_it_answers_from_another_process() -> None:
    asked = Helper(Worker)
    assert asked.ask("add", 2)[0] == 2
    assert asked.ask("add", 3) == (5, {(3, True): "x" * 100_000})
    assert asked.ask("own_id") != os.getpid()


def test_an_error_is_one_answer_that_is_missing() -> None:
    asked = Helper(Worker)
    with pytest.raises(HelperFailed, match=r"^no such page$"):
        asked.ask("fail")
    assert asked.ask("add", 1)[0] == 1


def test_what_cannot_be_made_answers_nothing() -> None:
    def make() -> Any:
        raise OSError("not a core dump")

    asked = Helper(make)
    for _ in range(2):
        with pytest.raises(HelperFailed, match=r"^not a core dump$"):
            asked.ask("add", 1)


def test_a_crash_costs_the_answers_only(capfd: pytest.CaptureFixture[str]) -> None:
    asked = Helper(Worker)
    for _ in range(2):
        with pytest.raises(HelperFailed, match=r"^it ended by SIGSEGV$"):
            asked.ask("crash", int(signal.SIGSEGV))
    assert capfd.readouterr() == ("", "")


def test_a_loop_ends_by_the_time_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "MOST_SECONDS", 1)
    with pytest.raises(HelperFailed, match="came to no end in 1 s of processor time"):
        Helper(Worker).ask("never_end")


def test_a_length_out_of_a_damaged_file_takes_no_memory() -> None:
    asked = Helper(Worker)
    with pytest.raises(HelperFailed, match="MemoryError"):
        asked.ask("grow")
    assert asked.ask("add", 1)[0] == 1


def test_it_ends_with_who_asks() -> None:
    asked = Helper(Worker)
    pid = asked.ask("own_id")
    del asked
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
