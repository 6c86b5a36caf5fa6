"""ELF's own tables: file header, program headers, section headers (gABI, "Object Files").

A core of ten thousand threads has twenty thousand program headers, and the first command of a session reads
the headers of every library: whole tables are unpacked at once, with no object in between.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gdb_tls.tuples import NamedTuple, tuples_of

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PF_X, PF_W = 1, 2
MAGIC = b"\x7fELF"
ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
EM_X86_64, EM_AARCH64 = 62, 183
SHT_NOBITS = 8
SHF_COMPRESSED = 0x800
DT_SONAME, DT_FLAGS_1, DF_1_PIE = 14, 0x6FFFFFFB, 0x08000000

# In the header, where the true number stands in section header 0.
PN_XNUM, SHN_XINDEX = 0xFFFF, 0xFFFF
LARGEST_HEADER = 64

FILE_HEADER = {4: "16xHHI3II6H", 8: "16xHHI3QI6H"}
PROGRAM_HEADER = {4: "8I", 8: "II6Q"}
SECTION_HEADER = {4: "10I", 8: "II4QII2Q"}


class ProgramHeader(NamedTuple):
    """One program header.

    Attributes:
        type: `p_type` (PT_...).
        flags: `p_flags` (PF_...).
        offset: in the file.
        address: `p_vaddr`, without the load base.
        file_size: bytes in the file.
        size: bytes in memory.
        alignment: `p_align`.
    """

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    size: int
    alignment: int


class SectionHeader(NamedTuple):
    """One section header.

    Attributes:
        name: the offset of its name in the names' section.
        type: `sh_type` (SHT_...).
        address: in memory, without the load base; 0 where it is not loaded.
        offset: in the file.
        size: in bytes.
        link: the index of the section that belongs to it.
        info: `sh_info`.
        flags: `sh_flags` (SHF_...).
    """

    name: int
    type: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    flags: int = 0


class FileHeader(NamedTuple):
    """What the file header says; the numbers are those of the header itself (see `PN_XNUM`).

    Attributes:
        pointer_size: 4 or 8, in bytes.
        order: "<" or ">", as `struct` has it.
        type: `e_type` (ET_...).
        machine: `e_machine` (EM_...).
        program_headers: their offset in the file.
        program_header_count: how many there are.
        section_headers: their offset in the file; 0 for none.
        section_header_count: how many there are.
        names: the index of the section of the sections' names.
    """

    pointer_size: int
    order: str
    type: int
    machine: int
    program_headers: int
    program_header_count: int
    section_headers: int
    section_header_count: int
    names: int


def read_file_header(data: bytes) -> FileHeader:
    """Reads the beginning of a file.

    Args:
        data: its first bytes, `LARGEST_HEADER` of them where there are as many.

    Raises:
        ValueError: where they are no ELF header; the text says why.
    """
    if data[:4] != MAGIC:
        raise ValueError("it does not begin as one")
    width, order = data[4:5], data[5:6]  # EI_CLASS, EI_DATA
    if width not in (b"\1", b"\2") or order not in (b"\1", b"\2"):
        raise ValueError("its width or byte order is unknown")
    pointer_size, sign = (8 if width == b"\2" else 4), ("<" if order == b"\1" else ">")
    form = struct.Struct(sign + FILE_HEADER[pointer_size])
    if len(data) < form.size:
        raise ValueError("it ends in its header")
    kind, machine, _, _, programs, sections, _, _, program_size, count, section_size, section_count, names = (
        form.unpack_from(data)
    )
    if count and program_size != struct.calcsize(sign + PROGRAM_HEADER[pointer_size]):
        raise ValueError("its program headers have an unknown size")
    if section_size != struct.calcsize(sign + SECTION_HEADER[pointer_size]):
        sections = section_count = 0
    return FileHeader(pointer_size, sign, kind, machine, programs, count, sections, section_count, names)


def program_headers(data: bytes, pointer_size: int, order: str) -> list[ProgramHeader]:
    """Unpacks a table of program headers; what is left of one at the end is passed over."""
    # The fields stand in the order of the wide table; p_paddr is left out.
    form = struct.Struct(order + {4: "IIIxxxxIIII", 8: "IIQQ8xQQQ"}[pointer_size])
    rows: Iterator[tuple[int, ...]] = form.iter_unpack(data[: len(data) // form.size * form.size])
    if pointer_size == 4:
        narrow = rows
        rows = (
            (kind, flags, offset, address, file_size, size, alignment)
            for kind, offset, address, file_size, size, flags, alignment in narrow
        )
    return tuples_of(ProgramHeader, rows)


def section_headers(data: bytes, pointer_size: int, order: str) -> Iterator[SectionHeader]:
    """Unpacks a table of section headers; what is left of one at the end is passed over."""
    form = struct.Struct(order + SECTION_HEADER[pointer_size])
    for name, kind, flags, address, offset, size, link, info, _, _ in form.iter_unpack(
        data[: len(data) // form.size * form.size]
    ):
        yield SectionHeader(name, kind, address, offset, size, link, info, flags)


def table_size(count: int, pointer_size: int, form: dict[int, str]) -> int:
    """The bytes of a table of `count` headers (`form`: `PROGRAM_HEADER` or `SECTION_HEADER`)."""
    return count * struct.calcsize("<" + form[pointer_size])


class TlsSegment(NamedTuple):
    """A file's PT_TLS program header (ELF gABI, "Program Header"): the initial image.

    Attributes:
        address: `p_vaddr`, without the load base.
        image_size: `p_filesz`: bytes of `.tdata`; the rest of the block starts as zeros.
        size: `p_memsz`: bytes of a block.
        alignment: `p_align`, at least 1.
    """

    address: int
    image_size: int
    size: int
    alignment: int
