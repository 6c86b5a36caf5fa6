"""The one `gdb.Command`: it runs every command from its spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb import output, shared
from gdb_tls.hosts.gdb.completion import candidates
from gdb_tls.hosts.gdb.progress import TerminalProgress
from gdb_tls.hosts.gdb.selection import all_inferiors, own_language
from gdb_tls.hosts.gdb.sentences import STATUS, one_run
from gdb_tls.hosts.native.output import UNLIMITED, save, written
from gdb_tls.program.program import Program
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Request, Settings
from gdb_tls.questions.rooms import Rooms
from gdb_tls.views.screen import Screen


class TlsCommand(gdb.Command):
    """A command of the product, made from its spec."""

    def __init__(self, spec: CommandSpec, settings: Callable[[], Settings]) -> None:
        """Registers the command with GDB."""
        self._help = self.__doc__ = command_line.help_text(spec)
        self.spec = spec
        self._rooms = Rooms(spec)
        self._settings = settings
        super().__init__(spec.name, gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Runs the command; every error ends as one sentence."""
        del from_tty
        with one_run(self.spec.name):
            self._run(argument)

    def _run(self, argument: str) -> None:
        if self.spec.is_raw:
            rest, options = command_line.without_options(self.spec, argument)
            words = gdb.string_to_argv(" ".join(options))
        else:
            rest, words = "", _joined(gdb.string_to_argv(argument))
        if "--help" in words:
            output.write([self._help, "\n"])
            return
        arguments = command_line.parsed(self.spec, words, rest)
        programs: list[Program] = []

        def program() -> Program:
            programs.append(shared.program())
            return programs[-1]

        request = Request(arguments, self._settings(), program, TerminalProgress(), all_inferiors)
        answer = self._rooms.query(request)
        screen = output.screen() if arguments.output is None else Screen(UNLIMITED, False)
        title = command_line.title(self.spec, arguments)
        # Several programs have a heading each.
        target = programs[0].target if len(programs) == 1 else None
        text = written(self._rooms, answer, arguments.format, screen, title, target)
        if arguments.output is not None:
            save(arguments.output, text)
        else:
            output.write(text)
        gdb.set_convenience_variable(STATUS, self._rooms.status(answer))

    def complete(self, text: str, word: str) -> object:
        """Completes options, their values, names, members and files."""
        last = text.rsplit(" ", 1)[-1]
        # GDB breaks words at dashes and colons: it wants what follows its own break.
        skip = len(last) - len(word)
        try:
            with own_language():
                found = candidates(self.spec, text.split(), last)
                return [one[skip:] for one in dict.fromkeys(found) if one.startswith(last)]
        except (TlsError, gdb.error):
            return gdb.COMPLETE_NONE


def _joined(words: Sequence[str]) -> list[str]:
    """Joins `NAME ->str`, which people type with blanks, so that the arrow is not read as an option."""
    found: list[str] = []
    for word in words:
        if word.startswith("->") and found:
            found[-1] += word
        else:
            found.append(word)
    return found
