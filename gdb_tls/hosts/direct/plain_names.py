"""Names as the files' symbol tables have them: what is known without debug information; no types."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadArgument, BadPath
from gdb_tls.hosts.direct.demangling import demangled
from gdb_tls.hosts.direct.files import DEBUG_DIRECTORIES
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.kept_copies import kept_by_runtime
from gdb_tls.target.facts import DebugSymbol, OtherName, Part, PartInFrame
from gdb_tls.target.model import Path, Type

WITHOUT_TYPES = "Types need drgn, which is not installed: pip install 'gdb-tls[direct]'; or use --engine gdb."
SAME_FOR_ALL = "Every thread sees the same one."


class PlainNames:
    """Implements `gdb_tls.target.DebugInformation` with symbol tables only."""

    source = "dwarf"

    def __init__(self, objects: LoadedObjects) -> None:
        """Takes the loaded objects."""
        self._objects = objects

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """See `DebugInformation.describe`."""
        return None

    def function_of(self, symbol: ElfSymbol, object_path: str) -> str:
        """See `DebugInformation.function_of`."""
        return ""

    def in_frame(self, name: str) -> DebugSymbol | None:
        """See `DebugInformation.in_frame`: no frame is selected."""
        return None

    def part_in_frame(self, name: str) -> PartInFrame | None:
        """See `DebugInformation.part_in_frame`: no frame is selected."""
        return None

    def is_local(self, name: str) -> bool:
        """See `DebugInformation.is_local`."""
        return False

    def what_is(self, name: str) -> OtherName | None:
        """See `DebugInformation.what_is`."""
        if self._objects.symbol_address(f"__emutls_v.{name}"):
            return OtherName(f"emulated thread-local storage (__emutls_v.{name})", "It cannot be read here.")
        kept = kept_by_runtime(name, (one.file for one in self._objects.all if one.file))
        if kept is not None:
            return kept
        found = self._objects.symbol_address(name)
        if found is None:
            return None
        loaded, symbol, _ = found
        function = loaded.file.function_at(symbol.value) if loaded.file else None
        is_function = function is not None and function.value == symbol.value
        return OtherName("a function" if is_function else "a global variable", SAME_FOR_ALL)

    def type_of_global(self, name: str, address: int) -> str:
        """See `DebugInformation.type_of_global`."""
        return ""

    def demangle(self, names: Sequence[str]) -> list[str]:
        """See `DebugInformation.demangle`."""
        return demangled(names)

    def parse_type(self, text: str) -> Type:
        """See `DebugInformation.parse_type`."""
        raise BadArgument(f"--type {text} cannot be understood", WITHOUT_TYPES)

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        """See `DebugInformation.parse_path`."""
        raise BadPath(f"The path {text} into {root} cannot be followed", WITHOUT_TYPES)

    def part_at(self, kind: Type, offset: int) -> Part:
        """See `DebugInformation.part_at`."""
        return Part("", kind.name, offset, False)

    def separate_debug_file(self, object_path: str) -> str | None:
        """See `DebugInformation.separate_debug_file`: `program.module_symbols` looks in the usual places itself."""
        return None

    def debug_directories(self) -> Sequence[str]:
        """See `DebugInformation.debug_directories`."""
        return DEBUG_DIRECTORIES
