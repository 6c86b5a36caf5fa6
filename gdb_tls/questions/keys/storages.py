"""What libraries keep for others behind one key of their own: many variables, each with a value in every thread."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.questions.keys.names import KeyVariable
from gdb_tls.target.model import Thread
from gdb_tls.tuples import NamedTuple


class StoredValue(NamedTuple):
    """One such variable in one thread.

    Attributes:
        thread: the thread.
        value: the pointer, 0 for none; None where it is not known.
        reason: why it is not known; None where it is.
    """

    thread: Thread
    value: int | None
    reason: str | None = None


class Storage(NamedTuple):
    """One such variable in all threads.

    Attributes:
        kind: its class, "QThreadStorage" or "boost::thread_specific_ptr".
        number: by which the library knows it (Qt); None where that is its address.
        variables: the objects that it may be: more than one where some are destroyed already, or not constructed yet.
        values: one for every thread.
    """

    kind: str
    number: int | None
    variables: Sequence[KeyVariable]
    values: Sequence[StoredValue]


class Storages(NamedTuple):
    """All that is known of them.

    Attributes:
        storages: those of one library after those of the other.
        problems: why not all is known; empty where it is, or where there is no such library.
    """

    storages: Sequence[Storage] = ()
    problems: Sequence[str] = ()

    def of(self, kind: str) -> list[Storage]:
        """Those of one class."""
        return [one for one in self.storages if one.kind == kind]
