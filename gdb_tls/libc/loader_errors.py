"""What dlopen and its kin said last in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gdb_tls.tuples import NamedTuple


class LoaderError(NamedTuple):
    """What dlerror gave, or would give.

    Attributes:
        text: the whole message.
        was_asked: whether the program has called dlerror for it.
    """

    text: str
    was_asked: bool


@runtime_checkable
class KeepsLoaderErrors(Protocol):
    """A C library that keeps the message in each thread, where it can be found."""

    def loader_errors(self, thread_pointers: Sequence[int]) -> list[LoaderError | None]:
        """The last error in each thread; None where there is none, or it cannot be read."""
        ...
