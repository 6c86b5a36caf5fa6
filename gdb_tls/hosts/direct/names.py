"""Names and types of variables, out of the files' own debug information."""

from __future__ import annotations

from contextlib import suppress

from gdb_tls.elf.dwarf import AT_DECL_FILE, AT_DECL_LINE, AT_TYPE, BadDwarf, Dwarf, Entry
from gdb_tls.elf.dwarf_names import variables_called
from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadPath
from gdb_tls.hosts.direct.described import describe
from gdb_tls.hosts.direct.paths import compile_path, part_at
from gdb_tls.hosts.direct.plain_names import PlainNames
from gdb_tls.hosts.direct.types import DwarfType, declaration
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.module_symbols import debug_file
from gdb_tls.program.names import SUFFIXES
from gdb_tls.program.type_names import language_of
from gdb_tls.target.model import Path, Type
from gdb_tls.target.protocol import DebugSymbol, Part

UNREADABLE = (BadDwarf, IndexError, ValueError, RecursionError)


class DwarfNames(PlainNames):
    """Implements `gdb_tls.target.DebugInformation` with DWARF, variable by variable."""

    def __init__(self, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        super().__init__(objects)
        self._read: dict[str, Dwarf | None] = {}

    def _dwarf(self, object_path: str) -> Dwarf | None:
        if object_path not in self._read:
            self._read[object_path] = None
            with suppress(NotElf):
                file = open_elf(object_path)
                own = file if file.has_debug_info else debug_file(file, self)
                self._read[object_path] = Dwarf(own) if own is not None else None
        return self._read[object_path]

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """See `DebugInformation.describe`."""
        if symbol.emulated:
            return None
        dwarf = self._dwarf(object_path)
        if dwarf is None:
            return None
        try:
            found = [(entry, declaration(dwarf, entry)) for entry, _ in dwarf.variables_at(symbol.value)]
            bare = SUFFIXES.sub("", symbol.name)
            for entry, declared in found:
                # The name of a variable is a part of its symbol's, whatever language mangles it.
                fits = declared.name in bare if bare.startswith(("_Z", "_R", "_D")) else declared.name == bare
                if declared.name and fits:
                    return self._described(dwarf, entry, declared, name if "::" in name else declared.name)
            # Of a second name of one place (an alias) compilers say nothing.
            for entry, declared in found:
                return self._described(dwarf, entry, declared, name)
            without_place = list(variables_called(dwarf, bare))
            if len(without_place) == 1:  # of several it is not known which
                return self._described(dwarf, without_place[0], declaration(dwarf, without_place[0]), name)
        except UNREADABLE:
            return None
        return None

    def _described(self, dwarf: Dwarf, entry: Entry, declared: Entry, name: str) -> DebugSymbol:
        at = entry.attributes.get(AT_TYPE, declared.attributes.get(AT_TYPE))
        file, line = "", 0
        for one in (entry, declared):
            number, found = one.attributes.get(AT_DECL_FILE), one.attributes.get(AT_DECL_LINE)
            if isinstance(found, int):
                number = number if isinstance(number, int) else declared.attributes.get(AT_DECL_FILE, 0)
                file, line = dwarf.file_name(dwarf.unit_of(one.offset), number), found
                break
        kind: Type | None = None
        with suppress(*UNREADABLE):
            kind = describe(DwarfType(dwarf, dwarf.entry(at)), language_of(file)) if isinstance(at, int) else None
        return DebugSymbol(name, kind, file, line, None)

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        """See `DebugInformation.parse_path`."""
        if not isinstance(start.debugger_type, DwarfType):
            return super().parse_path(root, start, text)
        try:
            return compile_path(root, start.debugger_type, text)
        except UNREADABLE as error:
            raise BadPath(f"The path {text} into {root} cannot be followed ({error})", "Use --engine gdb.") from error

    def part_at(self, kind: Type, offset: int) -> Part:
        """See `DebugInformation.part_at`."""
        if not isinstance(kind.debugger_type, DwarfType):
            return super().part_at(kind, offset)
        return part_at(kind.debugger_type, offset)
