"""The threads of a core: the NT_PRSTATUS note of each, without reading all that is in between."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import PT_NOTE
from gdb_tls.hosts.native.core_file import CoreFile, open_core
from gdb_tls.hosts.native.scatter import MOST_RANGES

NT_PRSTATUS = 1
NAME = b"CORE\0"
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


def thread_notes(path: str) -> Iterator[ThreadNote]:
    """The NT_PRSTATUS notes of a core, in their order.

    Raises:
        NotElf, OSError: where the file cannot be read.
    """
    core, file = open_elf(path), open_core(path)
    for segment in core.segments:
        if segment.type == PT_NOTE:
            yield from _in_segment(core, file, segment.offset, segment.offset + segment.file_size)


def first_signal(path: str) -> int:
    """The signal's number in the first NT_PRSTATUS note, elf_siginfo's si_signo; 0 where it says none."""
    with suppress(NotElf, OSError):
        note = next(thread_notes(path), None)
        form = "<i" if open_elf(path).byte_order == "little" else ">i"
        for raw in open_core(path).read_at([note.offset] if note else [], struct.calcsize(form)):
            return int(struct.unpack(form, raw)[0])
    return 0


def _in_segment(core: ElfFile, file: CoreFile, at: int, end: int) -> Iterator[ThreadNote]:
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
            data, data_size = form.size - 4 - PID_AT[core.pointer_size], rows[0][1]
            yield from (ThreadNote(row[3], place + data, data_size) for row, place in zip(rows[:count], places))
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
