"""`tls`: the list of the commands, and `tls inspect` for `tls-inspect`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import gdb

from gdb_tls.hosts.gdb import output
from gdb_tls.hosts.gdb.command import TlsCommand
from gdb_tls.questions import command_line
from gdb_tls.views.text import safe


class Family(gdb.Command):
    """`tls`, in front of all commands."""

    def __init__(self, commands: Sequence[TlsCommand]) -> None:
        """Registers `tls`, and `tls WORD` for each command `tls-WORD`."""
        self.__doc__ = (
            "Thread-local variables in every thread.\nUsage: tls\n\n"
            "Lists the commands of gdb-tls.  Each may be typed in two words, too:\ntls inspect NAME."
        )
        super().__init__("tls", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)
        self._specs = [command.spec for command in commands]
        self._words = [_Word(command) for command in commands]

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Lists the commands; what is typed behind `tls` is none of them."""
        del from_tty
        if argument.strip() in ("", "help", "--help"):
            lines = [*command_line.listing(self._specs), "", "Type help tls-inspect, or the like, for what one takes."]
            output.write([line + "\n" for line in lines])
            return
        words = argument.split()
        known = [spec.name.removeprefix("tls-") for spec in self._specs]
        near = difflib.get_close_matches(words[0], known, 1)
        raise gdb.GdbError(
            safe(f"There is no command tls-{words[0]}. ")
            + (
                safe(" ".join([f"Did you mean tls-{near[0]}", *words[1:]]) + "?")
                if near
                else safe(f"For a variable: tls-inspect {argument.strip()}.")
            )
        )


class _Word(gdb.Command):
    """`tls WORD`: the same as `tls-WORD`, in all."""

    def __init__(self, command: TlsCommand) -> None:
        self._command = command
        self.__doc__ = command.__doc__
        super().__init__(command.spec.name.replace("-", " ", 1), gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self._command.invoke(argument, from_tty)

    def complete(self, text: str, word: str) -> object:
        return self._command.complete(text, word)
