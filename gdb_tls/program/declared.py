"""What the files' own debug information says of a variable, by its place in the block; no debugger is asked.

Debuggers know a variable by its name, which optimisers, linkers and split files lose; its place is what all agree on.
"""

from __future__ import annotations

from contextlib import suppress

from gdb_tls.elf.dwarf import AT_DECL_FILE, AT_DECL_LINE, AT_TYPE, BadDwarf, Entry
from gdb_tls.elf.dwarf_files import DwarfFiles
from gdb_tls.elf.dwarf_names import is_left_out, variables_called
from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.program.module_symbols import debug_file
from gdb_tls.program.names import SUFFIXES
from gdb_tls.target.protocol import DebugInformation
from gdb_tls.tuples import NamedTuple

AT_LINKAGE_NAME = 0x6E
UNREADABLE = (BadDwarf, IndexError, ValueError, RecursionError)


class Declared(NamedTuple):
    """A variable in debug information.

    Attributes:
        name: as the source has it, without scopes; empty where it is not known.
        function: that it is a static variable of; empty for none.
        file: the source file, without its folder; empty where it is not known.
        line: in the file; 0 where it is not known.
        type: the offset of its type's entry; None where it is not known.
        dwarf: where that is.
    """

    name: str
    function: str
    file: str
    line: int
    type: int | None
    dwarf: DwarfFiles


class Declarations:
    """Finds variables in the debug information of object files.

    Attributes:
        packed: the files whose debug information is compressed in a way that nothing here unpacks.
    """

    def __init__(self, debug: DebugInformation) -> None:
        """Takes who knows where debug files are; reads nothing yet."""
        self._debug = debug
        self._read: dict[str, DwarfFiles | None] = {}
        self.packed: list[str] = []

    def at(self, symbol: ElfSymbol, object_path: str) -> Declared | None:
        """The declaration of a symbol; None where none is found, or it cannot be read here."""
        dwarf = None if symbol.emulated else self._dwarf(object_path)
        if dwarf is None:
            return None
        bare = SUFFIXES.sub("", symbol.name)
        first = None
        with suppress(*UNREADABLE):
            for entry, parents in dwarf.variables_at(symbol.value):
                found = _declared(dwarf, entry, parents)
                linkage = entry.attributes.get(AT_LINKAGE_NAME)
                if isinstance(linkage, str):
                    # What the linker has left out is, to its debug information, at the beginning of the block.
                    if SUFFIXES.sub("", linkage) == bare:
                        return found
                    first = first or found
                    continue
                # The name of a variable is a part of its symbol's, whatever language mangles it.
                mangled = bare.startswith(("_Z", "_R", "_D"))
                if found.name and (found.name in bare if mangled else bare in (found.name, _dotted(found))):
                    return found
                # Of a second name of one place (an alias) compilers say nothing.
                first = first or found
            without_place = [] if first else list(variables_called(dwarf, bare))
            if len(without_place) == 1:  # of several it is not known which
                return _declared(dwarf, without_place[0], ())
        return first._replace(name="") if first else None

    def is_left_out(self, name: str, object_path: str) -> bool:
        """Whether the source of an object has a variable of that name, which the compiler has left out."""
        dwarf = self._dwarf(object_path)
        with suppress(*UNREADABLE):
            return dwarf is not None and is_left_out(dwarf, name)
        return False

    def _dwarf(self, object_path: str) -> DwarfFiles | None:
        if object_path not in self._read:
            self._read[object_path] = None
            with suppress(NotElf):
                file = open_elf(object_path)
                own = file if file.has_debug_info else debug_file(file, self._debug)
                if own is not None and own.cannot_be_unpacked:
                    self.packed.append(own.path)
                self._read[object_path] = DwarfFiles(own, self._debug.debug_directories()) if own is not None else None
        return self._read[object_path]


def _dotted(found: Declared) -> str:
    """How clang calls a static variable of a C function."""
    return f"{found.function}.{found.name}"


def _declared(dwarf: DwarfFiles, entry: Entry, parents: tuple[int, ...]) -> Declared:
    declaration = dwarf.declaration(entry)
    file, line = "", 0
    for one in (entry, declaration):
        number, found = one.attributes.get(AT_DECL_FILE), one.attributes.get(AT_DECL_LINE)
        if isinstance(found, int):
            number = number if isinstance(number, int) else declaration.attributes.get(AT_DECL_FILE, 0)
            file, line = dwarf.file_name(one.offset, number), found
            break
    kind = entry.attributes.get(AT_TYPE, declaration.attributes.get(AT_TYPE))
    return Declared(
        declaration.name,
        dwarf.function_around(parents),
        file,
        line,
        kind if isinstance(kind, int) else None,
        dwarf,
    )
