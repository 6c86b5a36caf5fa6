"""The commands for editors: `-tls-inspect` and the like in GDB/MI, which answer the JSON documents as MI values.

GDB has what this needs (`gdb.MICommand`) from 13 on; before, there are none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gdb

from gdb_tls.questions.command import CommandSpec, Settings


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
            from gdb_tls.hosts.gdb.sentences import one_run

            with one_run(self._spec.name, for_screen=False):
                from gdb_tls.hosts.gdb.machine_answer import answer

                return answer(self._spec, words, settings())

    return [TlsMachineCommand(spec) for spec in specs]
