"""The program of the command that runs: functions in its expressions look at the same, instead of finding all anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import gdb

from gdb_tls.hosts.gdb import current_program, output

if TYPE_CHECKING:
    from gdb_tls.program.program import Program
    from gdb_tls.questions.keys.answer import KeyValue


class Look:
    """One look at a program, for the time in which it is stopped.

    Attributes:
        program: it.
        inferior: GDB's number of its inferior.
    """

    def __init__(self, program: Program) -> None:
        """Takes the program of the selected inferior."""
        self.program = program
        self.inferior = gdb.selected_inferior().num

    @cached_property
    def keys(self) -> dict[tuple[int, int | None], KeyValue]:
        """What each thread has for each key of `pthread_setspecific`, by the key and GDB's number of the thread."""
        from gdb_tls.questions.keys.answer import read_keys

        found = read_keys(self.program, self.program.unnamed_threads)
        return {(key.number, value.thread.num): value for key in found.keys for value in key.values}


_looks: list[Look] = []


@contextmanager
def sharing() -> Iterator[None]:
    """For the time of a command: `program` makes the looks that `look` gives to functions."""
    before = len(_looks)
    try:
        yield
    finally:
        del _looks[before:]


def program() -> Program:
    """A new look at the selected inferior, which is shared until the command ends."""
    _looks.append(Look(current_program(output.warn)))
    return _looks[-1].program


def look() -> Look:
    """That of the running command; a new one where none runs, or it has looked at another inferior."""
    if _looks and _looks[-1].inferior == gdb.selected_inferior().num:
        return _looks[-1]
    return Look(current_program())
