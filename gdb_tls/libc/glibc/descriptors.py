"""glibc's description of its own structures.

nptl_db/structs.def lists what libthread_db needs to know of glibc's private structures; the compiler's answers are
in the library as the `_thread_db_*` objects.
"""

from __future__ import annotations

import struct

from gdb_tls.elf.file import ElfFile
from gdb_tls.errors import CorruptMemory
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.target.protocol import Target
from gdb_tls.tuples import NamedTuple

PREFIX = "_thread_db_"
LARGEST_STRUCTURE = 1 << 16


class Field(NamedTuple):
    """A structure's field: `uint32[3] = {bits, count, byte offset}` of nptl_db/db_info.c."""

    bits: int
    elements: int
    offset: int


class Descriptors:
    """The `_thread_db_*` objects of one libc, read from its file (a core often lacks them)."""

    def __init__(self, owner: LoadedObject, fields: dict[str, bytes], order: str) -> None:
        """Takes the raw objects, by name without the prefix."""
        self.owner = owner
        self._raw = fields
        self._order = order

    @classmethod
    def find(cls, target: Target, objects: LoadedObjects) -> Descriptors | None:
        """Finds them in libc.so.6 (from 2.34), libpthread.so.0 (before) or a static executable."""
        del target
        likely = sorted(objects.all, key=lambda loaded: not loaded.name.startswith(("libc.so", "libc-2", "libpthread")))
        for loaded in likely:
            file = loaded.file
            if file and (raw := cls._read(file)):
                return cls(loaded, raw, "<" if file.byte_order == "little" else ">")
        return None

    @staticmethod
    def _read(file: ElfFile) -> dict[str, bytes]:
        raw = {}
        if file.symbols([PREFIX + "sizeof_pthread"]):
            for name, symbol in file.symbols_with_prefix(PREFIX).items():
                data = file.at_address(symbol.value, min(symbol.size, 12))
                if data:
                    raw[name[len(PREFIX) :]] = data
        return raw

    def field(self, name: str) -> Field:
        """The field's place.

        Raises:
            CorruptMemory: where this libc does not describe it.
        """
        found = self.find_field(name)
        if found is None:
            raise CorruptMemory(f"{self.owner.path} does not describe {PREFIX}{name}", "The file may be damaged.")
        return found

    def find_field(self, name: str) -> Field | None:
        """The field's place; None where this libc has none of that name.

        Raises:
            CorruptMemory: where no structure has such a field.
        """
        raw = self._raw.get(name, b"")
        if len(raw) != 12:
            return None
        found = Field(*struct.unpack(self._order + "3I", raw))
        if not 8 <= found.bits <= 8 * LARGEST_STRUCTURE or found.offset > LARGEST_STRUCTURE:
            raise CorruptMemory(f"{self.owner.path} has garbage in {PREFIX}{name}", "The file is damaged.")
        return found

    def fields(self, prefix: str) -> dict[str, Field]:
        """All fields whose names begin so, without that beginning."""
        names = [name for name, raw in self._raw.items() if name.startswith(prefix) and len(raw) == 12]
        return {name[len(prefix) :]: self.field(name) for name in names}

    def number(self, name: str) -> int:
        """A `uint32` object, such as `sizeof_pthread`.

        Raises:
            CorruptMemory: where this libc does not describe it.
        """
        raw = self._raw.get(name, b"")
        if len(raw) != 4:
            raise CorruptMemory(f"{self.owner.path} does not describe {PREFIX}{name}", "The file may be damaged.")
        found = int(struct.unpack(self._order + "I", raw)[0])
        if not 0 < found <= LARGEST_STRUCTURE:
            raise CorruptMemory(f"{self.owner.path} has garbage in {PREFIX}{name}", "The file is damaged.")
        return found
