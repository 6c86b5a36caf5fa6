"""Who looks at a program: gdb, or gdb-tls itself."""

from __future__ import annotations

import os
import shutil

from gdb_tls.cli.arguments import Wanted
from gdb_tls.errors import BadArgument

GDB, DIRECT = "gdb", "direct"
WITHOUT_GDB = "Leave --engine direct out, or use --engine gdb."


def chosen(wanted: Wanted) -> str:
    """The engine that was asked for, or the one that can answer.

    That is gdb for what only gdb can, and where the names of types would be missing without it.

    Raises:
        BadArgument: where the engine that was asked for cannot.
    """
    own = wanted.own
    if wanted.asks_gdb and own.engine == DIRECT:
        raise BadArgument(f"{wanted.words[0]} asks gdb itself here, which the direct engine does without", WITHOUT_GDB)
    if own.engine:
        return str(own.engine)
    if wanted.asks_gdb or own.gdb or own.debuginfod:
        return GDB
    has_gdb = shutil.which(os.environ.get("GDB") or GDB) is not None
    return GDB if has_gdb else DIRECT
