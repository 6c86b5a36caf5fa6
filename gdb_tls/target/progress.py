"""Long work that says how far it is, and that the user can stop without losing what it has found."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol


class Task:
    """One piece of long work: a context in which Ctrl-C ends the work, not the command.

    Attributes:
        interrupted: whether the user stopped it.
    """

    def __init__(self) -> None:
        self.interrupted = False

    def __enter__(self) -> Task:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Ends; an interrupt by the user goes no further than here."""
        self.interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        return self.interrupted

    def advance(self, count: int = 1) -> None:
        """Says that `count` more steps are done."""


class Progress(Protocol):
    """Shows how far work is; `gdb_tls.hosts.gdb.progress` does so on a terminal."""

    def task(self, what: str, steps: int) -> Task:
        """Makes a task of so many steps, to be used in a `with`."""
        ...


class Silent:
    """Shows nothing; the work can be stopped all the same."""

    def task(self, what: str, steps: int) -> Task:
        """See `Progress.task`."""
        del what, steps
        return Task()


SILENT = Silent()
