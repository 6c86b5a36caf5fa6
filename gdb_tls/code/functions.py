"""The functions of a file: where they lie, what belongs to them, and their names where the file has any."""

from __future__ import annotations

from functools import cached_property

from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import PF_X, PT_LOAD
from gdb_tls.elf.unwind import CallSite, UnwindTable, call_sites
from gdb_tls.tuples import NamedTuple

# Code that no table describes is looked at up to this far from a place that is of interest.
LONGEST_UNKNOWN = 4096
# x86-64: the entries' own table of calls begins with a push, and with a frame as a part that was moved away has it.
_PROCEDURE_LINKAGE_TABLE = b"\xff\x35"


class CodeRange(NamedTuple):
    """A piece of code without gaps.

    Attributes:
        start: its first address, as the file is linked.
        end: the first one behind it.
        continues: a part that was moved away from its function.
        known: whether a table says so; without one, `start` may be in the middle of a function.
    """

    start: int
    end: int
    continues: bool = False
    known: bool = True


class Functions:
    """The functions of one file, looked up by an address in them."""

    def __init__(self, file: ElfFile) -> None:
        """Reads nothing yet."""
        self._file = file

    @cached_property
    def _unwind(self) -> UnwindTable:
        return UnwindTable(self._file)

    @cached_property
    def starts(self) -> frozenset[int]:
        """Where the unwind tables say that functions begin, or parts of them."""
        return frozenset(self._unwind.starts)

    @cached_property
    def executable(self) -> list[tuple[int, bytes]]:
        """(address, bytes) of every executable segment."""
        found = []
        for header in self._file.segments:
            if header.type == PT_LOAD and header.flags & PF_X:
                code = self._file.at_address(header.address, header.file_size)
                if code:
                    found.append((header.address, code))
        return found

    def code(self, start: int, end: int) -> bytes:
        """The bytes of a piece of code."""
        for address, data in self.executable:
            if address <= start < address + len(data):
                return data[start - address : end - address]
        return b""

    def at(self, address: int) -> CodeRange:
        """The piece of code in which an address lies: a function, or a part of one that was moved away."""
        entry = self._unwind.at(address)
        if entry:
            moved = entry.continues and self.code(entry.start, entry.start + 2) != _PROCEDURE_LINKAGE_TABLE
            return CodeRange(entry.start, entry.end, moved)
        symbol = self._file.function_at(address)
        if symbol and symbol.size and address < symbol.value + symbol.size:
            return CodeRange(symbol.value, symbol.value + symbol.size, ".cold" in symbol.name)
        following = self._unwind.following(address) or address + LONGEST_UNKNOWN
        return CodeRange(address, min(following, address + LONGEST_UNKNOWN), False, False)

    def call_sites(self, start: int) -> list[CallSite]:
        """The calls in the piece that begins at an address whose exceptions come to a handler."""
        entry = self._unwind.at(start)
        return call_sites(entry, self._handlers) if entry and entry.start == start else []

    @cached_property
    def _handlers(self) -> tuple[int, bytes] | None:
        return self._file.section_contents(".gcc_except_table")

    def name(self, start: int) -> str | None:
        """The name of the function that begins at an address, as the linker has it; None where there is none."""
        symbol = self._file.function_at(start)
        return symbol.name if symbol and symbol.value == start else None
