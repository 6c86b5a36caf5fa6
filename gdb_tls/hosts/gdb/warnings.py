"""What GDB warns of in each of many threads, said once.

A core of a kernel that is newer than GDB has "Section `.reg-xstate/4243' in core file too small." for every thread
whose registers are read, in the middle of whatever is being shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import gdb

Result = TypeVar("Result")

_RUN = f"python __import__({__name__!r}, fromlist=['run']).run()"
_work: list[Callable[[], None]] = []


# All commands of a session know it, as GDB does.
_said: set[str] = set()


class Warnings:
    """Remembers what has been said; what differs in numbers only has been."""

    def __init__(self, said: set[str] = _said) -> None:
        """Takes what has been said already."""
        self._said = said

    def once(self, work: Callable[[], Result]) -> Result:
        """Does something during which GDB may warn; raises what it raises."""
        result: list[Result] = []
        errors: list[BaseException] = []

        def keeping() -> None:
            try:
                result.append(work())
            except BaseException as error:  # GDB would print it, and raise another one
                errors.append(error)

        _work.append(keeping)
        try:
            # Of all that GDB has for this, only a command's text has its errors' stream in it, too.
            said = gdb.execute(_RUN, to_string=True)
        finally:
            _work.clear()
        self._say(said)
        if errors:
            raise errors[0]
        return result[0]

    def _say(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            alike = re.sub(r"0x[0-9a-f]+|\d+", "", line)
            # The language is set for the time of a command, and frames have theirs.
            if alike not in self._said and "current language does not match" not in alike:
                self._said.add(alike)
                gdb.write(line, gdb.STDERR)


def run() -> Any:
    """Called by GDB: does what `Warnings.once` was given."""
    _work[-1]()
