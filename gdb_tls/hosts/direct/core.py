"""One core dump: its threads and what its notes say of them and of the process."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from gdb_tls.elf import core_notes
from gdb_tls.elf.core_notes import NT_ARM_TLS, NT_AUXV, NT_FILE, NT_PRPSINFO, NT_SIGINFO
from gdb_tls.elf.file import open_elf
from gdb_tls.elf.headers import PROGRAM_HEADER, PT_NOTE
from gdb_tls.elf.notes import notes_in
from gdb_tls.errors import UnsupportedTarget
from gdb_tls.hosts.direct.registers import layout_of, registers_in
from gdb_tls.hosts.native.core_file import open_core
from gdb_tls.hosts.native.thread_notes import HEAD, ThreadNote, process_notes, thread_notes

# `struct elf_prpsinfo` (Linux, elfcore.h): four characters, a word of flags, uid and gid, then pr_pid. The 32-bit one
# has ids of two bytes on x86 and arm.
PID_AT = {4: 12, 8: 24}
MOST_NOTES = 1 << 16
# So many threads' registers are read together.
TOGETHER = 1024


class Signal(NamedTuple):
    """What a core says of a signal: `siginfo_t`.

    Attributes:
        number: of the signal.
        code: `si_code`.
        address: `si_addr`, which has a meaning for some signals.
    """

    number: int
    code: int
    address: int


class Core:
    """A core dump.

    Raises:
        NotElf, OSError: where it cannot be read.
        UnsupportedTarget: where it is of an architecture that is not known.
    """

    def __init__(self, path: str) -> None:
        """Reads the headers."""
        self.path = path
        self.elf = open_elf(path)
        self.file = open_core(path)
        found = layout_of(self.elf.machine, self.elf.pointer_size, self.elf.byte_order)
        if found is None:
            raise UnsupportedTarget(
                f"The architecture of {path} (ELF machine {self.elf.machine}) is not known to gdb-tls"
            )
        self.architecture, self.layout = found
        self._order = "<" if self.elf.byte_order == "little" else ">"

    @cached_property
    def threads(self) -> list[ThreadNote]:
        """The threads in the order of their notes, which is that of GDB's numbers; each id once."""
        return list({note.lwp: note for note in thread_notes(self.path)}.values())

    @cached_property
    def by_lwp(self) -> dict[int, int]:
        """Thread id -> place in `threads`."""
        return {note.lwp: at for at, note in enumerate(self.threads)}

    def registers(self, at: int) -> Mapping[str, int]:
        """A thread's registers, and its thread pointer where the architecture keeps it in a note of its own."""
        note = self.threads[at]
        raw = self.elf.read(note.offset, note.size)
        found = dict(registers_in(self.layout, raw, self.elf.pointer_size, self.elf.byte_order))
        if self.architecture.name in ("aarch64", "arm"):
            for _, _, data in self._notes_of(at, NT_ARM_TLS):
                if len(data) >= self.elf.pointer_size:
                    word = struct.unpack_from(self._order + ("Q" if self.elf.pointer_size == 8 else "I"), data)[0]
                    found["tpidr" if self.architecture.name == "aarch64" else "tpidruro"] = word
        return found

    def signal(self, at: int) -> Signal | None:
        """The signal that a thread's notes tell of; None where there is none."""
        for _, _, data in self._notes_of(at, NT_SIGINFO):
            if len(data) >= 12 + self.elf.pointer_size:
                number, _, code = struct.unpack_from(self._order + "iii", data)
                form, place = ("Q", 16) if self.elf.pointer_size == 8 else ("I", 12)
                return Signal(number, code, struct.unpack_from(self._order + form, data, place)[0])
        return None

    def registers_only(self, threads: Sequence[ThreadNote]) -> Iterator[bytes]:
        """The pieces of a core dump of some threads' NT_PRSTATUS and the notes of the process, and of nothing else."""
        word = self.elf.pointer_size
        size = 64 if word == 8 else 52
        head = bytearray(self.elf.read(0, size))
        # e_phoff; e_shoff; e_phnum, e_shentsize, e_shnum, e_shstrndx (gABI, "ELF Header").
        form = self._order + ("QQ" if word == 8 else "II")
        struct.pack_into(form, head, 32 if word == 8 else 28, size, 0)
        struct.pack_into(f"{self._order}4H", head, size - 8, 1, 0, 0, 0)
        others = bytearray()
        for kind, name, data in self._process_notes:
            others += struct.pack(f"{self._order}III", len(name) + 1, len(data), kind)
            others += name + bytes(4 - len(name) % 4) + data + bytes(-len(data) % 4)
        sizes = sum(HEAD + (note.size + 3 & ~3) for note in threads)
        held, at = sizes + len(others), size + (56 if word == 8 else 32)
        fields = (PT_NOTE, 0, at, 0, 0, held, 0, 4) if word == 8 else (PT_NOTE, at, 0, 0, held, 0, 0, 4)
        yield bytes(head) + struct.pack(self._order + PROGRAM_HEADER[word], *fields)
        for start in range(0, len(threads), TOGETHER):
            for note_size, alike in groupby(threads[start : start + TOGETHER], key=attrgetter("size")):
                places = [note.offset - HEAD for note in alike]
                yield b"".join(self.file.read_at(places, HEAD + (note_size + 3 & ~3)))
        yield bytes(others)

    def _notes_of(self, at: int, *kinds: int) -> Sequence[tuple[int, bytes, bytes]]:
        """The notes that follow a thread's NT_PRSTATUS, up to the next thread's."""
        note = self.threads[at]
        end = note.end
        following = self.threads[at + 1].offset - HEAD if at + 1 < len(self.threads) else end + MOST_NOTES
        if not end <= following <= end + MOST_NOTES:
            following = end + MOST_NOTES
        segment = next((one for one in self.elf.segments if one.type == PT_NOTE and one.offset <= note.offset), None)
        last = segment.offset + segment.file_size if segment else end
        return list(notes_in(self.elf.read(end, max(min(following, last) - end, 0)), self._order, kinds))

    @cached_property
    def _process_notes(self) -> Sequence[tuple[int, bytes, bytes]]:
        return process_notes(self.path)

    @cached_property
    def auxiliary_vector(self) -> dict[int, int]:
        """NT_AUXV."""
        found = (data for kind, _, data in self._process_notes if kind == NT_AUXV)
        return {key: value for data in found for key, value in core_notes.pairs(self.elf, data)}

    @cached_property
    def mappings(self) -> list[core_notes.Mapping]:
        """NT_FILE: the mapped files, by address."""
        found = (data for kind, _, data in self._process_notes if kind == NT_FILE)
        return sorted(one for data in found for one in core_notes.mappings_in(self.elf, data))

    @cached_property
    def pid(self) -> int | None:
        """The process's id; where no note tells, the first thread's."""
        at = PID_AT[self.elf.pointer_size]
        for kind, _, data in self._process_notes:
            if kind == NT_PRPSINFO and len(data) >= at + 4:
                return int(struct.unpack_from(self._order + "i", data, at)[0])
        return self.threads[0].lwp if self.threads else None
