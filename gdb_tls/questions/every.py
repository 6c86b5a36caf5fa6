"""The list of all commands."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.questions.access import spec as access
from gdb_tls.questions.audit import spec as audit
from gdb_tls.questions.command import CommandSpec
from gdb_tls.questions.diff import spec as diff
from gdb_tls.questions.exit import spec as exit
from gdb_tls.questions.inspect import spec as inspect
from gdb_tls.questions.keys import spec as keys
from gdb_tls.questions.map import spec as map
from gdb_tls.questions.modules import spec as modules
from gdb_tls.questions.symbols import spec as symbols
from gdb_tls.questions.table import spec as table
from gdb_tls.questions.thread import spec as thread
from gdb_tls.questions.verify import spec as verify
from gdb_tls.questions.whatis import spec as whatis


def every() -> Sequence[CommandSpec]:
    """All commands, in the order in which help and README show them."""
    questions = (inspect, audit, table, map, thread, diff, access, modules, symbols, keys, exit, whatis, verify)
    return [question.SPEC for question in questions]
