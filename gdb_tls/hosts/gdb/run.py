"""One run of a command in GDB: from what was typed to what is seen."""

from __future__ import annotations

from collections.abc import Sequence

import gdb

from gdb_tls.hosts.gdb import output, shared
from gdb_tls.hosts.gdb.progress import TerminalProgress
from gdb_tls.hosts.gdb.selection import all_inferiors
from gdb_tls.hosts.gdb.sentences import STATUS
from gdb_tls.hosts.native.output import UNLIMITED, save, written
from gdb_tls.program.program import Program
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Request, Settings
from gdb_tls.questions.help import help_text
from gdb_tls.questions.rooms import Rooms
from gdb_tls.views.screen import Screen


def run(spec: CommandSpec, argument: str, settings: Settings) -> None:
    """Runs a command, inside of `sentences.one_run`."""
    if spec.is_raw:
        rest, options = command_line.without_options(spec, argument)
        words = gdb.string_to_argv(" ".join(options))
    else:
        rest, words = "", _joined(gdb.string_to_argv(argument))
    if "--help" in words:
        output.write([help_text(spec), "\n"])
        return
    arguments = command_line.parsed(spec, words, rest)
    rooms = Rooms(spec)
    programs: list[Program] = []

    def program() -> Program:
        programs.append(shared.program())
        return programs[-1]

    request = Request(arguments, settings, program, TerminalProgress(), all_inferiors)
    answer = rooms.query(request)
    screen = output.screen() if arguments.output is None else Screen(UNLIMITED, False)
    title = command_line.title(spec, arguments)
    # Several programs have a heading each.
    target = programs[0].target if len(programs) == 1 else None
    text = written(rooms, answer, arguments.format, screen, title, target)
    if arguments.output is not None:
        save(arguments.output, text)
    else:
        output.write(text)
    gdb.set_convenience_variable(STATUS, rooms.status(answer))


def _joined(words: Sequence[str]) -> list[str]:
    """Joins `NAME ->str`, which people type with blanks, so that the arrow is not read as an option."""
    found: list[str] = []
    for word in words:
        if word.startswith("->") and found:
            found[-1] += word
        else:
            found.append(word)
    return found
