"""The threads that a reader looks for first, whatever the question: who crashed, who is selected, who is main."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gdb_tls.errors import reason
from gdb_tls.target.model import Thread
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from gdb_tls.program.program import Program

# Who crashed is the first in a core (Linux fs/binfmt_elf.c, and GDB's gcore); in a process, GDB has selected it.
MOST_ASKED = 8


class Marked(NamedTuple):
    """GDB's numbers of some threads; None where there is no such thread, or it is not known.

    Attributes:
        crashed: which stopped on a signal of a program that went wrong.
        selected: which is GDB's selected one.
        main: which the process began with.
    """

    crashed: int | None = None
    selected: int | None = None
    main: int | None = None

    def names(self, thread: Thread) -> list[str]:
        """What is remarkable about a thread: "crashed", "main", "selected"."""
        return self.names_of(thread.num)

    def names_of(self, number: int | None) -> list[str]:
        """The same by GDB's number."""
        if number is None:
            return []
        which = (("crashed", self.crashed), ("main", self.main), ("selected", self.selected))
        return [name for name, its in which if its == number]

    def first(self, threads: Sequence[Thread]) -> list[int]:
        """The positions of the marked ones, in the order in which they are shown."""
        order = [number for number in dict.fromkeys(self) if number is not None]
        at = {thread.num: index for index, thread in enumerate(threads) if thread.num in order}
        return [at[number] for number in order if number in at]


def main_thread(threads: Iterable[Thread], pid: int | None) -> int | None:
    """GDB's number of the main thread: on Linux its LWP is the process id.

    None where no thread has that id: in a container it is another one than the debugger's.
    """
    return next((thread.num for thread in threads if thread.lwp is not None and thread.lwp == pid), None)


def marked(program: Program, threads: Iterable[Thread]) -> Marked:
    """Finds them; a signal that cannot be read ends no command."""
    target = program.target
    try:
        fault = target.fault(MOST_ASKED if target.kind == "core" else 1)
    except Exception as error:  # it only helps to tell the threads apart
        reason(error)
        fault = None
    return Marked(fault.num if fault else None, target.selected_thread(), main_thread(threads, target.pid))
