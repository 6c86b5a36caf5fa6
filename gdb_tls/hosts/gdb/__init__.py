"""The edge: the only package that imports gdb.

Its parts turn gdb's objects into the product's plain data at once, and everything that
is printed goes out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdb_tls.program.program import Program


def current_program(announce: Callable[[str], None] = lambda text: None) -> Program:
    """What GDB is debugging now.

    Args:
        announce: see `Program`.

    Raises:
        NoProcess: where that is nothing.
        UnsupportedTarget: where its architecture is not known.
    """
    from gdb_tls.hosts.gdb.target import GdbTarget
    from gdb_tls.program.program import Program

    return Program(GdbTarget(), announce)
