"""Who looks at a program: gdb, or gdb-tls itself."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

from gdb_tls.cli.arguments import Wanted
from gdb_tls.errors import BadArgument
from gdb_tls.program.names import split_path

GDB, DIRECT = "gdb", "direct"
WITHOUT_GDB = f"--engine {DIRECT}, which reads what is there"
# What takes expressions and types as GDB understands them.
OF_EXPRESSIONS = ("tls-whatis", "tls-verify", "tls-table")
PASSIVE = (None, "passive")


def chosen(wanted: Wanted) -> str:
    """The engine that was asked for, or the one that can answer.

    That is gdb for what only gdb can, and where nothing but gdb unwinds stacks; else none is started.

    Raises:
        BadArgument: where the engine that was asked for cannot.
    """
    own = wanted.own
    why = _only_gdb(wanted)
    if own.stop and (own.engine == GDB or wanted.way.name != "pid"):
        raise BadArgument("--stop is for gdb-tls pid without gdb", "gdb stops a process in any case.")
    if own.engine:
        if own.engine == DIRECT and why:
            raise BadArgument(f"{why} needs GDB", "Leave --engine direct out, or use --engine gdb.")
        return str(own.engine)
    has_gdb = shutil.which(own.gdb or os.environ.get("GDB") or GDB) is not None
    if own.gdb or (has_gdb and (why or _has_index(wanted))):
        return GDB
    if own.stop:
        return DIRECT
    return DIRECT if find_spec("drgn") or not has_gdb else GDB


def _only_gdb(wanted: Wanted) -> str:
    """What of the command line only gdb can do; empty for nothing."""
    own = wanted.own
    options = {"via": "--via", "type": "--type", "core": "--core", "debuginfod": "--debuginfod", "verbose": "--verbose"}
    if wanted.words[0] in OF_EXPRESSIONS:
        return wanted.words[0]
    for name, option in options.items():
        value = getattr(own, name, None)
        if value and not (name == "via" and value in PASSIVE):
            return option
    return ""


def _has_index(wanted: Wanted) -> bool:
    """Whether elements are asked for: those of most containers GDB's pretty printers find."""
    return any("[" in split_path(word)[1] for word in wanted.words[1:2])
