"""Names and types of variables, out of the files' own debug information."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadPath
from gdb_tls.hosts.direct.described import describe
from gdb_tls.hosts.direct.plain_names import PlainNames
from gdb_tls.hosts.native.dwarf_types import DwarfType
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.declared import UNREADABLE, Declarations
from gdb_tls.program.type_names import language_of
from gdb_tls.target.facts import LEFT_OUT, DebugSymbol, OtherName, Part
from gdb_tls.target.model import Path, Type


class DwarfNames(PlainNames):
    """Implements `gdb_tls.target.DebugInformation` with DWARF, variable by variable."""

    def __init__(self, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        super().__init__(objects)
        self._declarations = Declarations(self)

    @property
    def packed(self) -> Sequence[str]:
        """The files whose debug information was wanted, and is compressed in a way that nothing here unpacks."""
        return self._declarations.packed

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """See `DebugInformation.describe`."""
        found = self._declarations.at(symbol, object_path)
        if found is None:
            return None
        kind: Type | None = None
        with suppress(*UNREADABLE):
            if found.type is not None:
                kind = describe(DwarfType(found.dwarf, found.dwarf.entry(found.type)), language_of(found.file))
        shown = name if "::" in name or symbol.name.startswith("_D") or not found.name else found.name
        return DebugSymbol(shown, kind, found.file, found.line, None)

    def function_of(self, symbol: ElfSymbol, object_path: str) -> str:
        """See `DebugInformation.function_of`."""
        found = self._declarations.at(symbol, object_path)
        return found.function if found is not None else ""

    def what_is(self, name: str) -> OtherName | None:
        """See `DebugInformation.what_is`."""
        known = super().what_is(name)
        if known is not None or not name.isidentifier():
            return known
        paths = [one.path for one in self._objects.all if one.path]
        return LEFT_OUT if any(self._declarations.is_left_out(name, path) for path in paths) else None

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        """See `DebugInformation.parse_path`."""
        if not isinstance(start.debugger_type, DwarfType):
            return super().parse_path(root, start, text)
        from gdb_tls.hosts.direct.paths import compile_path

        try:
            return compile_path(root, start.debugger_type, text)
        except UNREADABLE as error:
            raise BadPath(f"The path {text} into {root} cannot be followed ({error})", "Use --engine gdb.") from error

    def part_at(self, kind: Type, offset: int) -> Part:
        """See `DebugInformation.part_at`."""
        if not isinstance(kind.debugger_type, DwarfType):
            return super().part_at(kind, offset)
        from gdb_tls.hosts.direct.paths import part_at

        return part_at(kind.debugger_type, offset)
