"""Whether a file is the one that the program has loaded: a variable's offset in another build is a wrong answer."""

from __future__ import annotations

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import PT_DYNAMIC, PT_LOAD, PT_TLS, ProgramHeader
from gdb_tls.objects.images import Images
from gdb_tls.target.facts import FoundFile

COMPARED = (PT_LOAD, PT_DYNAMIC, PT_TLS)


def objection(images: Images, load_base: int, found: FoundFile, wanted: str) -> str:
    """Why a file cannot be used for the object at a load base; empty where it can.

    Args:
        images: the program's memory.
        load_base: the object's.
        found: the file.
        wanted: what the object is called in the sentence.
    """
    try:
        file = open_elf(found.path)
        in_memory, in_file = images.build_id(load_base), file.build_id
        if in_memory and in_file and in_memory != in_file:
            return f"{found.path} is another build (build id {in_file}) than the program's {wanted}"
        if in_memory and in_file:
            return ""
        if file.is_debug_only:
            return f"{found.path} has debug information only, and no build id tells that it is the program's {wanted}"
        if found.is_mapped:
            return ""
        if found.is_mapped is False:
            return f"{found.path} is another file than the one that the program has loaded as {wanted}"
        if in_file and not in_memory and images.notes_are_readable(load_base):
            return f"{found.path} is another build (build id {in_file}) than the program's {wanted}, which has none"
        return _difference(images, load_base, file, wanted)
    except NotElf as error:
        return str(error)


def _difference(images: Images, load_base: int, file: ElfFile, wanted: str) -> str:
    """Compares what memory has of the file: its program headers, and the rest of its first page."""
    in_memory = _compared(images.headers(load_base))
    if in_memory and in_memory != _compared(file.segments):
        return f"{file.path} is another build than the program's {wanted} (its program headers differ)"
    for offset, data in images.beginning(load_base).items():
        if file.read(offset, len(data)) != data:
            return f"{file.path} is another build than the program's {wanted} (its first page differs)"
    return ""


def _compared(headers: list[ProgramHeader]) -> list[ProgramHeader]:
    return [header for header in headers if header.type in COMPARED]
