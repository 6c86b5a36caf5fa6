"""What the commands for editors answer: the JSON documents as MI values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import gdb

from gdb_tls.hosts.gdb import shared
from gdb_tls.hosts.gdb.selection import all_inferiors
from gdb_tls.hosts.gdb.sentences import STATUS
from gdb_tls.hosts.native.output import UNLIMITED, save, written
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Request, Settings
from gdb_tls.questions.help import help_text
from gdb_tls.questions.rooms import Rooms
from gdb_tls.target.progress import SILENT
from gdb_tls.views.screen import Screen

# What GDB takes for the name of a result (python/py-micmd.c, is_valid_key_name).
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def answer(spec: CommandSpec, words: Sequence[str], settings: Settings) -> dict[str, Any]:
    """The document of one run, as MI has it, with `status`; with --output, the name of the file that was written.

    Raises:
        TlsError: where there is no answer.
    """
    if "--help" in words:
        return {"help": help_text(spec)}
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
