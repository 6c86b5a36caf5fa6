"""What holds for all tests, however they are started."""

from __future__ import annotations

import os
import signal

# nohup asks for the first, for the whole run; Python itself ignores the others, and restores them in its children.
STAY = {signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ}


def pytest_configure() -> None:
    """Undoes what a background job, nohup or cron hand down, for the programs that tests start and send signals to."""
    for number in signal.valid_signals() - STAY:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o022)
