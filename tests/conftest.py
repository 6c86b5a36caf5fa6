"""What holds for all tests, however they are started."""

from __future__ import annotations

import os
import signal


def pytest_configure() -> None:
    """Undoes what a background job, nohup or cron hand down, for the programs that tests start and send signals to."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o022)
