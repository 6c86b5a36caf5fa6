"""What holds for all tests, however they are started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from limits import LIMIT_SECONDS

# nohup asks for the first, for the whole run; Python itself ignores the others, and restores them in its children.
STAY = {signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ}


def pytest_configure() -> None:
    """Undoes what a background job, nohup or cron hand down, for the programs that tests start and send signals to."""
    for number in signal.valid_signals() - STAY:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o022)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Ends a test that hangs where it waits without a limit of its own."""

    def give_up(*_: object) -> None:
        pytest.fail(f"{item.nodeid} hangs")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(2 * LIMIT_SECONDS)
    yield
    signal.alarm(0)
