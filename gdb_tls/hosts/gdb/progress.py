"""Progress on the terminal: only where there is one, and only for what takes longer than a moment."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from gdb_tls.target.progress import Task

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_UNTIL_SHOWN = 1.0
SECONDS_BETWEEN = 0.1
STDERR = 2


class TerminalProgress:
    """Implements `gdb_tls.progress.Progress`."""

    def task(self, what: str, steps: int) -> Task:
        """See `Progress.task`."""
        return TerminalTask(what, steps) if _is_terminal() and find_spec("rich") else Task()


class TerminalTask(Task):
    """A bar that comes after a second and is gone at the end.

    It is drawn by the thread that works: another one might get the signal of Ctrl-C, which is GDB's.
    """

    def __init__(self, what: str, steps: int) -> None:
        super().__init__()
        self._what = what
        self._steps = steps
        self._done = 0
        self._next = time.monotonic() + SECONDS_UNTIL_SHOWN
        self._bar: Progress | None = None
        self._file: TextIO | None = None

    def advance(self, count: int = 1) -> None:
        """See `Task.advance`."""
        self._done += count
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN
        with suppress(OSError):
            if self._bar is None:
                self._bar = self._begin()
            self._bar.update(self._bar.task_ids[0], completed=self._done, refresh=True)

    def _begin(self) -> Progress:
        from rich.console import Console
        from rich.progress import Progress

        # GDB's sys.stderr is no terminal to Python, whatever it is to the user.
        self._file = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="replace")
        bar = Progress(console=Console(file=self._file, force_terminal=True), transient=True, auto_refresh=False)
        bar.add_task(f"{self._what} (Ctrl-C shows what was found so far)", total=self._steps)
        bar.start()
        return bar

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """See `Task.__exit__`; takes the bar away."""
        with suppress(OSError):
            if self._bar is not None:
                self._bar.stop()
            if self._file is not None:
                self._file.close()
        return super().__exit__(kind, error, trace)


def _is_terminal() -> bool:
    try:
        return os.isatty(STDERR) and os.environ.get("TERM", "dumb") != "dumb"
    except OSError:
        return False
