"""The one `gdb.Command`: it is made from a spec; what it does is loaded when it is first typed."""

from __future__ import annotations

from collections.abc import Callable

import gdb

from gdb_tls.questions.command import CommandSpec, Settings
from gdb_tls.questions.help import help_text


class TlsCommand(gdb.Command):
    """A command of the product, made from its spec."""

    def __init__(self, spec: CommandSpec, settings: Callable[[], Settings]) -> None:
        """Registers the command with GDB."""
        self.__doc__ = help_text(spec)
        self.spec = spec
        self._settings = settings
        super().__init__(spec.name, gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Runs the command; every error ends as one sentence."""
        from gdb_tls.hosts.gdb.sentences import one_run

        del from_tty
        with one_run(self.spec.name):
            from gdb_tls.hosts.gdb.run import run

            run(self.spec, argument, self._settings())

    def complete(self, text: str, word: str) -> object:
        """Completes options, their values, names, members and files."""
        from gdb_tls.hosts.gdb.completion import completed

        return completed(self.spec, text, word)
