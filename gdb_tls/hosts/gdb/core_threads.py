"""GDB's threads of a large core, without asking GDB for all of them.

`Inferior.threads()` first lets libthread_db walk the program's list again, through GDB's own reads, which look
every address up among all segments one by one: seconds for ten thousand threads.  But GDB numbers the threads of
a core in the order of their notes (corelow.c, core_target_open), and the core itself says what these are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

import gdb

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import PT_NOTE
from gdb_tls.hosts.gdb.core_file import CoreFile, open_core
from gdb_tls.hosts.gdb.scatter import MOST_RANGES

# Fewer are asked for in no time.
FEW = 1000
NT_PRSTATUS = 1
NAME = b"CORE\0"
# `struct elf_prstatus` (Linux, elfcore.h) up to pr_pid, by the size of a word: elf_siginfo, pr_cursig, two words.
PID_AT = {4: 24, 8: 32}
SAMPLES = 8

_noted: list[gdb.InferiorThread | None] = []


def note_selected() -> None:
    """Keeps the selected thread; `thread apply` calls it, which changes no selection that a user sees."""
    _noted.append(gdb.selected_thread())


class CoreThreads(Mapping[int, gdb.InferiorThread]):
    """The threads by number; each is asked for when it is wanted.

    Attributes:
        lwps: the kernel's ids, in the order of the numbers, which begin at 1.
    """

    def __init__(self, lwps: list[int]) -> None:
        """Takes the ids."""
        self.lwps = lwps
        self._known: dict[int, gdb.InferiorThread] = {}

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
            _noted.clear()
            call = f"__import__('{__name__}', fromlist=['x']).{note_selected.__name__}()"
            gdb.execute(f"thread apply {number} -q -s python {call}", to_string=True)
            thread = _noted[0] if _noted else None
            if thread is None or thread.num != number or thread.ptid[1] != self.lwps[number - 1]:
                raise gdb.error(f"GDB's thread {number} is not the one with LWP {self.lwps[number - 1]}")
            self._known[number] = thread
        return self._known[number]


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
        found = CoreThreads(list(_lwps(path)))
        selected = gdb.selected_thread()
        if len(found) != int(count) or len(set(found.lwps)) != len(found) or selected is None:
            return None
        if selected.ptid[1] != found.lwps[selected.num - 1]:
            return None
        for number in {1, len(found), *range(1, len(found), len(found) // SAMPLES or 1)}:
            found[number]
        return found
    return None


def first_signal(path: str) -> int:
    """The signal's number in the first NT_PRSTATUS note, elf_siginfo's si_signo; 0 where it says none."""
    with suppress(NotElf, OSError, StopIteration):
        core, file = open_elf(path), open_core(path)
        form = struct.Struct(f"{'<' if core.byte_order == 'little' else '>'}III8xi")
        segment = next(one for one in core.segments if one.type == PT_NOTE)
        for raw in file.read_at([segment.offset], form.size):
            name_size, _, kind, number = form.unpack(raw)
            return int(number) if (name_size, kind) == (len(NAME), NT_PRSTATUS) else 0
    return 0


def _lwps(path: str) -> Iterator[int]:
    """The id in each NT_PRSTATUS note, in their order.

    Raises:
        NotElf, OSError: where the file cannot be read.
    """
    core, file = open_elf(path), open_core(path)
    for segment in core.segments:
        if segment.type == PT_NOTE:
            yield from _in_segment(core, file, segment.offset, segment.offset + segment.file_size)


def _in_segment(core: ElfFile, file: CoreFile, at: int, end: int) -> Iterator[int]:
    """Every thread has the same notes: after two of them, whole runs are read at the distance between these."""
    order = "<" if core.byte_order == "little" else ">"
    form = struct.Struct(f"{order}III8x{PID_AT[core.pointer_size]}xi")
    before = stride = 0
    following = at
    while at + form.size <= end:
        places = range(at, min(at + stride * MOST_RANGES, end), stride) if stride else range(at, at + 1)
        rows = [form.unpack(raw) for raw in file.read_at(places, form.size)]
        if not rows:
            return
        wanted = (len(NAME), rows[0][1], NT_PRSTATUS)
        count = next((number for number, row in enumerate(rows) if row[:3] != wanted), len(rows))
        if count:
            yield from (row[3] for row in rows[:count])
            last = places[count - 1]
            following = last + _note_size(*wanted[:2])
            stride = last - before if before and count == 1 else stride if count == len(places) else 0
            if last + stride + form.size > end:  # the first thread has more notes than the others
                stride = 0
            before = last
            at = last + stride if stride else following
        elif at != following:  # the distance has changed: on, note by note
            at, stride = following, 0
        else:
            at = following = at + _note_size(*rows[0][:2])


def _note_size(name_size: int, size: int) -> int:
    return 12 + (name_size + 3 & ~3) + (size + 3 & ~3)
