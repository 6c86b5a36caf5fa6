"""What a file needs to be loaded with it (gABI, "Shared Object Dependencies")."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gdb_tls.elf.dynamic import DT_STRSZ, DT_STRTAB, every_entry
from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import PT_DYNAMIC
from gdb_tls.tuples import NamedTuple

DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 14, 15, 29
ORIGIN = ("$ORIGIN", "${ORIGIN}")


class Needed(NamedTuple):
    """What a file says of other files.

    Attributes:
        name: what others call it (DT_SONAME); empty for none.
        names: the files that it needs, in their order.
        search: where these are looked for first; may contain $ORIGIN.
    """

    name: str
    names: Sequence[str]
    search: Sequence[str]

    def folders(self, path: str) -> list[str]:
        """Where they are looked for first, from where the file is itself."""
        found = []
        for one in self.search:
            for word in ORIGIN:
                one = one.replace(word, os.path.dirname(os.path.abspath(path)))
            found.append(one)
        return found


def needed_by(file: ElfFile) -> Needed:
    """What a file needs; nothing for one without a dynamic section."""
    segment = next((one for one in file.segments if one.type == PT_DYNAMIC), None)
    rows = every_entry(
        (file.at_address(segment.address, segment.file_size) if segment else None) or b"",
        file.pointer_size,
        "<" if file.byte_order == "little" else ">",
    )
    tables = dict(reversed(rows))
    strings = file.at_address(tables.get(DT_STRTAB, 0), tables.get(DT_STRSZ, 0)) or b""

    def texts(wanted: int) -> list[str]:
        found = [strings[value:].partition(b"\0")[0] for tag, value in rows if tag == wanted and value < len(strings)]
        return [os.fsdecode(one) for one in found]

    search = texts(DT_RUNPATH) or texts(DT_RPATH)
    return Needed(
        next(iter(texts(DT_SONAME)), ""),
        texts(DT_NEEDED),
        [one for text in search for one in text.split(":") if one],
    )
