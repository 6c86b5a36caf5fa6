"""The notes of a core: the NT_PRSTATUS of each thread, and those of the process, without reading all in between."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import repeat

from gdb_tls.elf.core_notes import NT_AUXV, NT_FILE, NT_PRPSINFO
from gdb_tls.elf.file import ElfFile, NotElf, open_elf, version
from gdb_tls.elf.headers import PT_NOTE
from gdb_tls.elf.notes import notes_in
from gdb_tls.hosts.native.core_file import CoreFile, open_core
from gdb_tls.hosts.native.reads import MOST_RANGES
from gdb_tls.target.model import Life, Thread
from gdb_tls.tuples import NamedTuple, tuples_of

NT_PRSTATUS = 1
NAME = b"CORE\0"
# A note's three words, and that name.
HEAD = 12 + 8
# As many threads with equal distances have the same notes.
FEWEST_ALIKE = 16
# `struct elf_prstatus` (Linux, elfcore.h) up to pr_pid, by the size of a word: elf_siginfo, pr_cursig, two words.
PID_AT = {4: 24, 8: 32}


class ThreadNote(NamedTuple):
    """One thread's NT_PRSTATUS.

    Attributes:
        lwp: the kernel's id.
        offset: of the note's contents in the core file.
        size: of them, in bytes.
    """

    lwp: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """Where in the file the following note is."""
        return self.offset + (self.size + 3 & ~3)


def thread_notes(path: str) -> Sequence[ThreadNote]:
    """The NT_PRSTATUS notes of a core, in their order; read once for as long as it does not change on disk.

    Raises:
        NotElf, OSError: where the file cannot be read.
    """
    return _thread_notes(path, version(path))


@lru_cache(maxsize=1)
def _thread_notes(path: str, at: tuple[int, int, int]) -> list[ThreadNote]:
    del at
    core, file = open_elf(path), open_core(path)
    parts = [(one.offset, one.offset + one.file_size) for one in core.segments if one.type == PT_NOTE]
    return [note for start, end in parts for note in _in_segment(core, file, start, end)]


def numbered(lwps: Sequence[int], thread_pointers: Mapping[int, int]) -> list[Thread]:
    """The threads of a core as GDB numbers them, in the order of their notes, with the pointers that are known."""
    columns = (range(1, len(lwps) + 1), lwps, repeat(""), map(thread_pointers.get, lwps))
    return tuples_of(Thread, zip(*columns, repeat(Life.LISTED), repeat(False), repeat("")))


def process_notes(path: str) -> Sequence[tuple[int, bytes, bytes]]:
    """NT_AUXV, NT_FILE and NT_PRPSINFO: (type, name, contents); read once for as long as the core does not change.

    The kernel writes them behind the first thread's registers, GDB before the first and behind the last thread: so what
    lies between two threads is read only where that is not as much as between all others.

    Raises:
        NotElf, OSError: where the file cannot be read.
    """
    return _process_notes(path, version(path))


@lru_cache(maxsize=1)
def _process_notes(path: str, at: tuple[int, int, int]) -> list[tuple[int, bytes, bytes]]:
    del at
    core = open_elf(path)
    order = "<" if core.byte_order == "little" else ">"
    threads = thread_notes(path)
    found: list[tuple[int, bytes, bytes]] = []
    for segment in core.segments:
        if segment.type == PT_NOTE:
            end = segment.offset + segment.file_size
            inside = [one for one in threads if segment.offset <= one.offset < end]
            for low, high in _outside(inside, segment.offset, end):
                found += notes_in(core.read(low, high - low), order, (NT_AUXV, NT_FILE, NT_PRPSINFO))
    return found


def _outside(threads: Sequence[ThreadNote], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The ranges of a segment in which there may be other notes than those that each thread has."""
    if not threads:
        yield start, end
        return
    gaps = [following.offset - one.offset for one, following in zip(threads, threads[1:])]
    usual = {gap for gap, count in Counter(gaps[1:]).items() if count >= FEWEST_ALIKE}
    yield start, threads[0].offset - HEAD
    for number, (one, gap) in enumerate(zip(threads, gaps)):
        if not number or gap not in usual:
            yield one.end, one.offset + gap - HEAD
    yield threads[-1].end, end


def first_signal(path: str) -> int:
    """The signal's number in the first NT_PRSTATUS note, elf_siginfo's si_signo; 0 where it says none."""
    with suppress(NotElf, OSError):
        notes = thread_notes(path)[:1]
        form = "<i" if open_elf(path).byte_order == "little" else ">i"
        for raw in open_core(path).read_at([note.offset for note in notes], struct.calcsize(form)):
            return int(struct.unpack(form, raw)[0])
    return 0


def _in_segment(core: ElfFile, file: CoreFile, at: int, end: int) -> Iterator[ThreadNote]:
    """Every thread has the same notes: after two of them, whole runs are read at the distance between these."""
    order = "<" if core.byte_order == "little" else ">"
    form = struct.Struct(f"{order}III8x{PID_AT[core.pointer_size]}xi")
    before = stride = 0
    following = at
    end = min(end, file.length)
    while at + form.size <= end:
        places = range(at, min(at + stride * MOST_RANGES, end), stride) if stride else range(at, at + 1)
        rows = list(form.iter_unpack(b"".join(file.read_at(places, form.size))))
        if not rows:
            return
        wanted = (len(NAME), rows[0][1], NT_PRSTATUS)
        count = next((number for number, row in enumerate(rows) if row[:3] != wanted), len(rows))
        if count:
            data, data_size = form.size - 4 - PID_AT[core.pointer_size], rows[0][1]
            yield from [ThreadNote(row[3], place + data, data_size) for row, place in zip(rows[:count], places)]
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
