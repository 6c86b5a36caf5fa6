"""What the notes of a core dump say of the whole process."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from io import BytesIO

from gdb_tls.elf.file import ElfFile, NotElf
from gdb_tls.elf.headers import PT_NOTE
from gdb_tls.tuples import NamedTuple

# elf.h
NT_PRPSINFO, NT_AUXV, NT_FILE, NT_SIGINFO, NT_ARM_TLS = 3, 6, 0x46494C45, 0x53494749, 0x401

PAGE = 4096
MOST_MAPPINGS = 1_000_000


class Mapping(NamedTuple):
    """One entry of NT_FILE: a file that was mapped.

    Attributes:
        start: the first address.
        end: the first address after it.
        path: the file's name, as the program's kernel had it.
        offset: of the first byte in the file.
    """

    start: int
    end: int
    path: str
    offset: int = 0


def pairs(core: ElfFile, data: bytes) -> Iterator[tuple[int, int]]:
    """The pairs of words that a note holds (NT_AUXV)."""
    form = ("<" if core.byte_order == "little" else ">") + ("QQ" if core.pointer_size == 8 else "II")
    size = struct.calcsize(form)
    for at in range(0, len(data) - size + 1, size):
        key, value = struct.unpack_from(form, data, at)
        yield key, value


def mappings_in(core: ElfFile, data: bytes) -> Iterator[Mapping]:
    """NT_FILE (Linux's fs/binfmt_elf.c, fill_files_note): count, page size, three words each, the names."""
    order, word = "<" if core.byte_order == "little" else ">", "Q" if core.pointer_size == 8 else "I"
    size = core.pointer_size
    if len(data) < 2 * size:
        return
    count, page_size = struct.unpack_from(order + word * 2, data)
    if count > MOST_MAPPINGS or (2 + 3 * count) * size > len(data):
        return
    names = data[(2 + 3 * count) * size :].split(b"\0")
    for index, name in zip(range(count), names):
        start, end, page = struct.unpack_from(order + word * 3, data, (2 + 3 * index) * size)
        yield Mapping(start, end, os.fsdecode(name), page * page_size)


def build_id_at(core: ElfFile, address: int) -> str | None:
    """The build id of the ELF file whose first page was mapped there; the kernel writes that page into the core."""
    page = bytearray(core.at_address(address, PAGE) or b"")
    try:
        # e_shoff and e_shnum to e_shstrndx (gABI, "ELF Header"): the sections that they speak of are not in memory.
        for start, end in ((40, 48), (60, 64)) if core.pointer_size == 8 else ((32, 36), (48, 52)):
            page[start:end] = bytes(end - start)
        image = ElfFile("memory", BytesIO(page))
        whole = all(one.offset + one.file_size <= PAGE for one in image.segments if one.type == PT_NOTE)
        return image.build_id or ("" if whole else None)
    except NotElf:
        return None
