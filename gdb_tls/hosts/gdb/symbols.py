"""GDB's knowledge of names and types; implements `gdb_tls.target.DebugInformation`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import gdb

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadArgument
from gdb_tls.hosts.gdb import paths, types
from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.target.model import Path, Type
from gdb_tls.target.protocol import DebugSymbol, Part

_demangled: dict[str, str] = {}


class GdbSymbols:
    """Looks names up in GDB's symbol tables; reads no thread and no memory."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._described: dict[str, bool] = {}

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """See `DebugInformation.describe`."""
        if not self._has_debug_info(object_path):
            # Asking GDB for each of a library's hundreds of names takes long, and no answer could be right.
            return None
        for found in self._declarations(symbol, name, object_path):
            # An aarch64 compiler leaves a thread-local variable without a location: "unresolved".
            if not found.is_variable and found.addr_class not in (
                gdb.SYMBOL_LOC_COMPUTED,
                gdb.SYMBOL_LOC_UNRESOLVED,
            ):
                continue
            if not _is_of(found, object_path) or not _is_named(found, symbol):
                continue
            file = found.symtab.filename if found.symtab else ""
            if symbol.file and file and os.path.basename(symbol.file) != os.path.basename(file):
                continue
            kind = types.describe(found.type, types.language_of(file)) if found.type is not None else None
            return DebugSymbol(
                found.print_name.split("[abi:")[0] if "::" not in name else name, kind, file, found.line, found
            )
        return None

    def _has_debug_info(self, object_path: str) -> bool:
        if object_path not in self._described:
            try:
                own = open_elf(object_path).has_debug_info
            except NotElf:
                own = False
            self._described[object_path] = own or self.separate_debug_file(object_path) is not None
        return self._described[object_path]

    def _declarations(self, symbol: ElfSymbol, name: str, object_path: str) -> Iterator[gdb.Symbol]:
        bare = re.sub(r"\.\d+$", "", name)
        untagged = re.sub(r"\[abi:[^\]]*\]", "", bare)
        for spelling in dict.fromkeys([bare, untagged, symbol.name]):
            for objfile in _objfiles(object_path):
                for found in (objfile.lookup_global_symbol(spelling), objfile.lookup_static_symbol(spelling)):
                    if found is not None:
                        yield found
            yield from _static_symbols(spelling)
        match = re.match(r"(.*\))(?: const)?::([^()]+)$", untagged)
        if match:
            yield from self._in_function(match.group(1), match.group(2))
        elif bare != name and symbol.file:
            yield from self._in_file(symbol, bare)

    def _in_function(self, signature: str, name: str) -> Iterator[gdb.Symbol]:
        """Static variables inside a function: GDB lists them in the function's blocks only."""
        for spelling in (signature, signature.split("(", 1)[0]):
            function = gdb.lookup_global_symbol(spelling)
            functions = [function] if function is not None else _static_symbols(spelling)
            for found in functions:
                yield from _locals(found, name)

    def _in_file(self, symbol: ElfSymbol, name: str) -> Iterator[gdb.Symbol]:
        """A C function's static variable (`counter.0`): its function is not in its name, its offset tells."""
        with suppress(gdb.error, RuntimeError):
            for line in gdb.decode_line(f"'{symbol.file}':1")[1] or ():
                if line.symtab is not None:
                    for block in (line.symtab.global_block(), line.symtab.static_block()):
                        for function in block:
                            if function.is_function and self.locals_of(function.name).get(name) == symbol.value:
                                yield from _locals(function, name)

    def locals_of(self, function: str) -> Mapping[str, int]:
        """See `DebugInformation.locals_of`; only the text of `info scope` has the offsets."""
        try:
            scope = gdb.execute(f"info scope {function}", to_string=True)
        except gdb.error:
            return {}
        found = re.findall(r"Symbol (\S+) is .*?thread-local variable at offset 0x([0-9a-f]+)", scope)
        return {name: int(offset, 16) for name, offset in found}

    def what_is(self, name: str) -> str | None:
        """See `DebugInformation.what_is`."""
        with suppress(gdb.error):
            found = gdb.lookup_global_symbol(name) or next(iter(_static_symbols(name)), None)
            if found is not None and found.addr_class == gdb.SYMBOL_LOC_COMPUTED:
                return None  # thread-local, though not in an object of this program
            if found is not None:
                return (
                    "a function"
                    if found.is_function
                    else "a type"
                    if found.addr_class == gdb.SYMBOL_LOC_TYPEDEF
                    else "a global variable"
                )
            # Without debug information only the symbol table knows it.
            with suppress(gdb.error):
                kind = str(gdb.parse_and_eval(f"&'{name}'").type)
                if "thread local" in kind or "tls" in kind:
                    return None
                return "a function" if "text variable" in kind or "(" in kind else "a global variable"
        return None

    def demangle(self, names: Sequence[str]) -> list[str]:
        """See `DebugInformation.demangle`."""
        for name in names:
            if name not in _demangled:
                _demangled[name] = _demangle(name) if name.startswith(("_Z", "_R")) else name
        return [_demangled[name] for name in names]

    def parse_type(self, text: str) -> Type:
        """See `DebugInformation.parse_type`."""
        problem = ""
        for language in ("c", "c++"):
            with setting("language", language):
                try:
                    return types.describe(gdb.parse_and_eval(f"({text} *) 0").type.target(), language)
                except (gdb.error, RuntimeError) as error:
                    problem = str(error)
        raise BadArgument(
            f"--type {text} is not a type that GDB knows ({problem.rstrip('.')})",
            "Try a type of the program, or 'char *'.",
        )

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        """See `DebugInformation.parse_path`."""
        return paths.compile_path(root, start.debugger_type, text, start.language)

    def part_at(self, kind: Type, offset: int) -> Part:
        """See `DebugInformation.part_at`."""
        if kind.debugger_type is None:
            return Part("", kind.name, offset, False)
        return types.part_at(kind.debugger_type, offset)

    def separate_debug_file(self, object_path: str) -> str | None:
        """See `DebugInformation.separate_debug_file`."""
        wanted = os.path.realpath(object_path)
        for objfile in gdb.objfiles():
            # GDB may have found the same file by another of its names (/lib, /usr/lib).
            if objfile.owner is not None and os.path.realpath(objfile.owner.filename or "") == wanted:
                return str(objfile.filename)
        return None

    def debug_directories(self) -> Sequence[str]:
        """See `DebugInformation.debug_directories`."""
        return [place for place in (gdb.parameter("debug-file-directory") or "").split(os.pathsep) if place]


def _demangle(name: str) -> str:
    for language in ("c++", "rust"):
        with suppress(gdb.error):
            return str(gdb.execute(f"demangle -l {language} -- {name}", to_string=True)).strip()
    return name


def _objfiles(object_path: str) -> list[gdb.Objfile]:
    """GDB's objects for a file: the file itself, and its separate debug files."""
    wanted = os.path.realpath(object_path)
    return [one for one in gdb.objfiles() if one.is_valid() and os.path.realpath(_own_name(one)) == wanted]


def _own_name(objfile: gdb.Objfile) -> str:
    return str((objfile.owner or objfile).filename)


def _static_symbols(name: str) -> list[gdb.Symbol]:
    try:
        return list(gdb.lookup_static_symbols(name))
    except gdb.error:
        return []


def _locals(function: gdb.Symbol, name: str) -> Iterator[gdb.Symbol]:
    """Static variables of one name in all blocks of a function; a gdb.Block cannot list its inner ones."""
    with suppress(gdb.error, RuntimeError):
        address = function.value().address
        outer = gdb.block_for_pc(int(address)) if address is not None else None
        seen = set()
        lines = [entry.pc for entry in function.symtab.linetable() if outer and outer.start <= entry.pc < outer.end]
        for pc in lines:
            block = gdb.block_for_pc(pc)
            while block is not None and not block.is_static and not block.is_global:
                if (block.start, block.end) not in seen:
                    seen.add((block.start, block.end))
                    yield from (symbol for symbol in block if symbol.name.rsplit("::", 1)[-1] == name)
                block = block.superblock


def _is_named(found: gdb.Symbol, symbol: ElfSymbol) -> bool:
    """Whether a declaration is that of a linkage name, not of a namesake elsewhere."""
    linkage = found.linkage_name or ""
    # C statics have no linkage name in DWARF, and GDB gives their plain name.
    return linkage == symbol.name or not linkage.startswith("_Z") or "Z" not in symbol.name[:2] + linkage[:2]


def _is_of(found: gdb.Symbol, object_path: str) -> bool:
    objfile = found.symtab.objfile if found.symtab else None
    if objfile is None:
        return True
    return os.path.realpath(_own_name(objfile)) == os.path.realpath(object_path)
