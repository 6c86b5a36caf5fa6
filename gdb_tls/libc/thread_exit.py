"""The destructors of thread-local objects that will run when a thread ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gdb_tls.tuples import NamedTuple


class Registered(NamedTuple):
    """What was given to `__cxa_thread_atexit_impl`, and has not run yet.

    Attributes:
        entry: the address of the library's record of it.
        function: what will be called; None where it cannot be told.
        object: its argument.
        link_map: of the object file that must stay loaded for it.
        problem: why the function is not known; empty where it is.
    """

    entry: int
    function: int | None
    object: int
    link_map: int
    problem: str = ""


class DestructorList(NamedTuple):
    """One thread's list.

    Attributes:
        records: in the order in which they will run; those that could be read.
        problem: why there may be others; empty where these are all.
    """

    records: Sequence[Registered]
    problem: str = ""


@runtime_checkable
class KeepsDestructors(Protocol):
    """A C library that keeps a list of them for each thread."""

    def destructors(self, thread_pointers: Sequence[int]) -> list[DestructorList]:
        """Each thread's list, or why it is not known."""
        ...
