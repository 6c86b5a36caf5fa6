"""The commands for editors: `-tls-inspect` and the like in GDB/MI, which answer the JSON documents as MI values.

GDB has what this needs (`gdb.MICommand`) from 13 on; before, there are none of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gdb

from gdb_tls.hosts.gdb import shared
from gdb_tls.hosts.gdb.selection import all_inferiors
from gdb_tls.hosts.gdb.sentences import STATUS, one_run
from gdb_tls.hosts.native.output import UNLIMITED, save, written
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Request, Settings
from gdb_tls.questions.rooms import Rooms
from gdb_tls.target.progress import SILENT
from gdb_tls.views.screen import Screen

# What GDB takes for the name of a result (python/py-micmd.c, is_valid_key_name).
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def machine_commands(specs: Sequence[CommandSpec], settings: Callable[[], Settings]) -> list[Any]:
    """Registers the commands; none where this GDB has no such thing."""
    base: Any = getattr(gdb, "MICommand", None)
    if base is None:
        return []

    class TlsMachineCommand(base):  # type: ignore[misc]
        """`-tls-NAME`."""

        def __init__(self, spec: CommandSpec) -> None:
            self._spec = spec
            super().__init__(f"-{spec.name}")

        def invoke(self, words: list[str]) -> dict[str, Any]:
            """Answers the command's JSON document, and its status."""
            with one_run(self._spec.name, for_screen=False):
                return answer(self._spec, words, settings())

    return [TlsMachineCommand(spec) for spec in specs]


def answer(spec: CommandSpec, words: Sequence[str], settings: Settings) -> dict[str, Any]:
    """The document of one run, as MI has it, with `status`; with --output, the name of the file that was written.

    Raises:
        TlsError: where there is no answer.
    """
    if "--help" in words:
        return {"help": command_line.help_text(spec)}
    arguments = command_line.parsed_words(spec, words)
    form = arguments.format if arguments.output is not None else "json"
    arguments.format = form
    rooms = Rooms(spec)
    found = rooms.query(Request(arguments, settings, shared.program, SILENT, all_inferiors))
    status = rooms.status(found)
    if arguments.output is not None:
        title = command_line.title(spec, arguments)
        # Several programs have a heading each.
        target = None if getattr(arguments, "all_inferiors", False) else shared.look().program.target
        save(arguments.output, written(rooms, found, form, Screen(UNLIMITED, False), title, target))
        result = {"output": arguments.output}
    else:
        result = value(rooms.document(found))
    gdb.set_convenience_variable(STATUS, status)
    return {**result, "status": str(status)}


def value(found: Any) -> Any:
    """Anything that JSON has, as MI has it: texts, lists and tuples of named results.

    Booleans are `true` and `false`.  MI has no null: in a tuple its name is left out, in a list it is an empty text.
    A mapping of which a key is no name of MI's is a list of tuples with `key` and `value`.
    """
    if isinstance(found, str):
        return found
    if isinstance(found, Mapping):
        if all(NAME.fullmatch(key) for key in found):
            return {key: value(one) for key, one in found.items() if one is not None}
        return [{"key": key, "value": value(one)} for key, one in found.items()]
    if isinstance(found, Sequence):
        return [value(one) for one in found]
    if isinstance(found, bool):
        return "true" if found else "false"
    if found is None or (isinstance(found, float) and not math.isfinite(found)):
        return ""
    return str(found)
