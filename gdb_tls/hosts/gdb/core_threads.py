"""GDB's threads of a large core, without asking GDB for all of them.

`Inferior.threads()` first lets libthread_db walk the program's list again, through GDB's own reads, which look
every address up among all segments one by one: seconds for ten thousand threads.  But GDB numbers the threads of
a core in the order of their notes (corelow.c, core_target_open), and the core itself says what these are.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import gdb

from gdb_tls.elf.file import NotElf
from gdb_tls.hosts.native.thread_notes import thread_notes

# Fewer are asked for in no time.
FEW = 1000
SAMPLES = 8
# A command costs GDB ten times what one more thread in it does; Ctrl-C waits until it is over.
MOST_AT_ONCE = 256

_noted: list[gdb.InferiorThread | None] = []


def note_selected() -> None:
    """Keeps the selected thread; `thread apply` calls it, which changes no selection that a user sees."""
    _noted.append(gdb.selected_thread())


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Has Ctrl-C wait until the end: in a command of GDB's it would end the Python only, as an error."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class CoreThreads(Mapping[int, gdb.InferiorThread]):
    """The threads by number; each is asked for when it is wanted.

    Attributes:
        lwps: the kernel's ids, in the order of the numbers, which begin at 1.
    """

    def __init__(self, lwps: list[int]) -> None:
        """Takes the ids."""
        self.lwps = lwps
        self._known: dict[int, gdb.InferiorThread] = {}
        self._at_once = 1

    def __len__(self) -> int:
        return len(self.lwps)

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self.lwps) + 1))

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 < number <= len(self.lwps)

    def __getitem__(self, number: int) -> gdb.InferiorThread:
        if number not in self:
            raise KeyError(number)
        if number not in self._known:
            # Who has asked for the one before goes through all of them.
            self._at_once = min(2 * self._at_once, MOST_AT_ONCE) if number - 1 in self._known else 1
            self._ask(number, min(number + self._at_once - 1, len(self.lwps)))
        return self._known[number]

    def _ask(self, first: int, last: int) -> None:
        _noted.clear()
        call = f"__import__('{__name__}', fromlist=['x']).{note_selected.__name__}()"
        with _uninterrupted():
            gdb.execute(f"thread apply {first}-{last} -q -s python {call}", to_string=True)
        noted = {thread.num: thread for thread in _noted if thread is not None}
        for number in range(first, last + 1):
            thread = noted.get(number)
            if thread is None or thread.ptid[1] != self.lwps[number - 1]:
                raise gdb.error(f"GDB's thread {number} is not the one with LWP {self.lwps[number - 1]}")
            self._known[number] = thread


def find(path: str) -> CoreThreads | None:
    """The threads of the selected inferior; None where they are few, or where GDB numbers them in another way.

    Args:
        path: its core file.
    """
    if len(gdb.inferiors()) > 1:
        return None
    with suppress(NotElf, OSError, gdb.error, RuntimeError):
        # GDB has this variable from 11 on.
        count = gdb.convenience_variable("_inferior_thread_count")
        if count is None or int(count) < FEW:
            return None
        found = CoreThreads([note.lwp for note in thread_notes(path)])
        selected = gdb.selected_thread()
        if len(found) != int(count) or len(set(found.lwps)) != len(found) or selected is None:
            return None
        if selected.ptid[1] != found.lwps[selected.num - 1]:
            return None
        for number in {1, len(found), *range(1, len(found), len(found) // SAMPLES or 1)}:
            found[number]
        return found
    return None
