"""What can be typed next: options, their values, names, members of values, files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb import current_program, paths
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.questions.command import CommandSpec, Option

# `request->head.siz`: what has the member, how it is reached, and the part of its name that is there.
MEMBER = re.compile(r"(?P<before>.*[\w\])>'])(?P<arrow>->|\.)(?P<name>[A-Za-z_]\w*|)$", re.DOTALL)


# `(a + b->c`: what is after the last operator, bracket or comma; an arrow is none.
LAST_NAME = re.compile(r"(?:[\w.:'@~]|->|\[\w*\])*$")


def completed(spec: CommandSpec, text: str, word: str) -> object:
    """What GDB asks for: `gdb.Command.complete`."""
    last = text.rsplit(" ", 1)[-1]
    # GDB breaks words at dashes and colons: it wants what follows its own break.
    skip = len(last) - len(word)
    try:
        with own_language():
            found = candidates(spec, text.split(), last)
            return [one[skip:] for one in dict.fromkeys(found) if one.startswith(last)]
    except (TlsError, gdb.error):
        return gdb.COMPLETE_NONE


def candidates(spec: CommandSpec, words: Sequence[str], last: str) -> list[str]:
    """All that the last word may become.

    Args:
        spec: of the command.
        words: all of the line's words.
        last: the one that is being typed; empty after a blank.
    """
    before = words[-1] if words and not last else words[-2] if len(words) > 1 else ""
    by_name = {option.name: option for option in spec.options}
    name, equals, value = last.partition("=")
    if equals and name.startswith("-") and name in by_name:
        return [f"{name}={one}" for one in _values(by_name[name], value)]
    option = by_name.get(before)
    if option is not None and before.startswith("-") and option.settings.get("action") != "store_true":
        return _values(option, last)
    if last.startswith("-"):
        return [name for name in by_name if name.startswith("-")] + ["--help"]
    positional = next((option for option in spec.options if not option.name.startswith("-")), None)
    return _values(positional, last) if positional else []


def _values(option: Option, last: str) -> list[str]:
    if "choices" in option.settings:
        return list(option.settings["choices"])
    if option.complete == "names":
        prefix = last[: len(last) - len(last.lstrip("*&"))]
        return [*(prefix + name for name in current_program().symbols().names()), *_members(last)]
    if option.complete == "expressions":
        return _in_expression(last)
    if option.complete == "modules":
        return sorted({module.name for module in current_program().symbols().modules})
    if option.complete == "threads":
        return [str(thread.num) for thread in current_program().target.threads()]
    return list(_files(last)) if option.complete == "files" else []


def _in_expression(last: str) -> list[str]:
    """What the last name of an expression may become: a variable, a member, a macro."""
    from gdb_tls.questions.table import macros

    start = LAST_NAME.search(last)
    before, name = (last[: start.start()], start[0]) if start else (last, "")
    if name.startswith("@"):
        return [f"{before}@{one}" for one in macros.names(name[1:].partition(".")[0])]
    return [before + one for one in [*current_program().symbols().names(), *_members(name)]]


def _members(last: str) -> list[str]:
    """The members of the value before the last dot or arrow."""
    match = MEMBER.match(last)
    if not match:
        return []
    with suppress(TlsError):
        program = current_program()
        found = program.symbols().find(match["before"].lstrip("*&"))
        kind = found.variable.type
        if kind is not None and found.path:
            kind = program.target.debug.parse_path(found.variable.name, kind, found.path).type
        if kind is not None and kind.debugger_type is not None:
            start = match["before"] + match["arrow"]
            return [start + name for name in paths.members(kind.debugger_type, match["arrow"])]
    return []


def _files(last: str) -> Iterator[str]:
    """The files whose names begin so; of a folder that alone does, what is in it: else a blank would follow it."""
    found = sorted(_beginning(last))
    if len(found) == 1 and found[0].endswith("/"):
        found = sorted(_beginning(found[0])) or found
    yield from found


def _beginning(text: str) -> Iterator[str]:
    folder, start = os.path.split(text)
    place = os.path.expanduser(folder) if folder else "."
    with suppress(OSError):
        for entry in os.scandir(place):
            if entry.name.startswith(start) and (start or not entry.name.startswith(".")):
                yield os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
