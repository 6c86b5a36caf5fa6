"""gdb-tls: thread-local variables in every thread, for GDB.

In GDB's Python, with a process or a core dump:

    >>> import gdb_tls
    >>> report = gdb_tls.inspect("swoole_websocket_buffer")
    >>> [instance.thread.num for instance in report.instances if instance.state == "null"]
    [1, 2, 3, 4, 5]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdb_tls.program.report import Report

__version__ = "0.1.0"


def inspect(
    name: str,
    via: str = "passive",
    threads: Sequence[int] | None = None,
    module: str | None = None,
    type: str | None = None,
) -> Report:
    """Looks at one variable in every thread of what GDB is debugging.

    Args:
        name: the variable, and perhaps a path into its value (`buffer->length`).
        via: the resolver: "passive", "gdb", "dlsym", "tls-get-addr" or "call".
        threads: GDB's numbers of the threads that are wanted; None for all.
        module: a pattern of the module's file name, or its id; None for all.
        type: what to take the variable for, such as "char *"; None for its own type.

    Returns:
        The report; `report.instances` has one entry for every thread.

    Raises:
        gdb_tls.errors.TlsError: where there is no answer for any thread.
    """
    from gdb_tls.hosts.gdb import current_program
    from gdb_tls.hosts.gdb.selection import own_language
    from gdb_tls.program import report
    from gdb_tls.program.instances import Instances

    numbers = None if threads is None else [range(number, number + 1) for number in threads]
    with own_language():
        found = report.inspect(current_program(), name, via, numbers, module, type)
        return found._replace(instances=Instances.of(found.instances))  # all of it, from now: the process may go on
