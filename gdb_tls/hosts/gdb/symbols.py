"""GDB's knowledge of names and types; implements `gdb_tls.target.DebugInformation`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress

import gdb

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadArgument
from gdb_tls.hosts.gdb import function_locals, types
from gdb_tls.hosts.gdb.definitions import defined_at
from gdb_tls.hosts.gdb.files import is_own
from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.hosts.native.dwarf_types import DwarfType
from gdb_tls.program.declared import UNREADABLE, Declarations, Declared
from gdb_tls.program.kept_copies import kept_by_runtime
from gdb_tls.program.names import OPTIMISED, RUST_DETAILS, SUFFIXES, rust_spellings, source_name, without_rust_details
from gdb_tls.program.type_names import language_of
from gdb_tls.target.facts import LEFT_OUT, DebugSymbol, OtherName, Part, PartInFrame
from gdb_tls.target.model import Path, Type

_demangled: dict[str, str] = {}
# Each costs GDB a look through all names of all files.
MOST_IN_VAIN = 8
# Bytes of a file: more debug information takes seconds to search.
LARGEST_SEARCHED = 1 << 28
# How GDB writes where a thread-local variable is (dwarf2/loc.c): at an offset, or so many bytes behind one.
IN_SCOPE = (
    r"Symbol {} is (?:a variable )?.*?(?:thread-local variable at offset 0x([0-9a-f]+)"
    r"|DWARF expression:\s+\d+: DW_OP_const\d[us] (\d+)\s+\d+: DW_OP_(?:form|GNU_push)_tls_address"
    r"(?:\s+\d+: DW_OP_plus_uconst (\d+))?\s*,)"
)


class GdbSymbols:
    """Looks names up in GDB's symbol tables; reads no thread and no memory."""

    source = "gdb"

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._described: dict[str, bool] = {}
        self._in_files = Declarations(self)
        self._in_vain: Counter[str] = Counter()

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        """See `DebugInformation.describe`."""
        # GDB looks a name up as one of Ada, too (13: ada_fold_name), and warns of letters that are not Latin-1's.
        with nullcontext() if name.isascii() else setting("ada source-charset", "UTF-8"):
            return self._describe(symbol, name, object_path)

    def _describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        if not self._has_debug_info(object_path):
            # Asking GDB for each of a library's hundreds of names takes long, and no answer could be right.
            return None
        fitting: dict[tuple[str, int, str], tuple[gdb.Symbol, bool]] = {}
        for found, is_global in self._declarations(symbol, name, object_path):
            if _fits(found, symbol, object_path):
                fitting.setdefault((_file(found), found.line, str(found.type)), (found, is_global))
        joined = _is_joined(object_path)
        # A search through all debug information: only for what GDB is known to lose, or knows several of.
        is_lost = not fitting and (symbol.name.startswith("_D") or SUFFIXES.search(symbol.name))
        declared = self._in_files.at(symbol, object_path) if joined or is_lost or len(fitting) > 1 else None
        chosen = _chosen(symbol, list(fitting.values()), declared)
        if not chosen and declared is not None:
            shown = name if symbol.name.startswith("_D") else declared.name or name
            return DebugSymbol(shown, self._plain_type(declared), declared.file, declared.line, None)
        if not chosen or self._is_namesakes(chosen, symbol, name, object_path):
            return None
        found = chosen[0]
        if declared is None and not _file(found):  # dwz's common units have no line table that GDB reads
            declared = self._in_files.at(symbol, object_path)
        file, line = (declared.file, declared.line) if declared is not None else (_file(found), found.line)
        kind = types.describe(found.type, language_of(file)) if found.type is not None else None
        shown = name if "::" in name or symbol.name.startswith("_D") else found.print_name.split("[abi:")[0]
        if len(chosen) > 1:
            # Which of them it is, is not known: only what they have in common is said.
            return DebugSymbol(shown, kind, "", 0, None) if len({str(one.type) for one in chosen}) == 1 else None
        if joined and declared is None:
            return DebugSymbol(shown, kind, "", 0, found)
        place = self._defined_at(found, object_path) or (file, line if file else 0)
        return DebugSymbol(shown, kind, *place, found)

    def _plain_type(self, declared: Declared) -> Type | None:
        """The type of what GDB does not find by its name, where it is one of the language's own.

        Of others the name is not enough: another file may have another of that name.
        """
        with suppress(*UNREADABLE, BadArgument):
            if declared.type is not None:
                found = DwarfType(declared.dwarf, declared.dwarf.entry(declared.type))
                return self.parse_type(found.written()) if found.is_plain else None
        return None

    def _is_namesakes(self, chosen: Sequence[gdb.Symbol], symbol: ElfSymbol, name: str, object_path: str) -> bool:
        """Whether the only declaration is that of another symbol, which is of its file and this one is not.

        In a static executable the C library has no debug information, and names of its own.
        """
        declared = os.path.basename(_file(chosen[0]))
        if len(chosen) > 1 or not symbol.is_local or symbol.emulated or os.path.basename(symbol.file) == declared:
            return False
        symbols = [one for one in open_elf(object_path).tls_symbols() if name in one.name and one.value != symbol.value]
        names = self.demangle([one.name for one in symbols])
        return any(source == name and os.path.basename(one.file) == declared for one, source in zip(symbols, names))

    def _defined_at(self, found: gdb.Symbol, object_path: str) -> tuple[str, int] | None:
        """Where a declaration is defined; on aarch64 DWARF is silent, and asking for all would be in vain."""
        if found.addr_class != gdb.SYMBOL_LOC_UNRESOLVED or self._in_vain[object_path] >= MOST_IN_VAIN:
            return None
        place = defined_at(found, open_elf(object_path).source_files)
        if place and place[0].startswith("<"):  # gcc's link-time optimisation has no better name for it
            return None
        self._in_vain[object_path] += 0 if place else 1
        return place

    def _has_debug_info(self, object_path: str) -> bool:
        if object_path not in self._described:
            try:
                own = open_elf(object_path).has_debug_info
            except NotElf:
                own = False
            self._described[object_path] = own or self.separate_debug_file(object_path) is not None
        return self._described[object_path]

    def _declarations(self, symbol: ElfSymbol, name: str, object_path: str) -> Iterator[tuple[gdb.Symbol, bool]]:
        """What may declare a symbol, each with whether it is visible to other files."""
        bare = SUFFIXES.sub("", name)
        untagged = re.sub(r"\[abi:[^\]]*\]", "", bare)
        source = SUFFIXES.sub("", source_name(symbol.name, name))
        spaced = untagged.replace("(anonymous namespace)::", "")
        spellings = [bare, untagged, spaced, source, symbol.name]
        if symbol.name.startswith("_R") or re.search(r"17h[0-9a-f]{16}E", symbol.name):
            spellings = [*rust_spellings(bare)]
        for spelling in dict.fromkeys(spellings):
            objfiles = _objfiles(object_path)
            visible = list(filter(None, (one.lookup_global_symbol(spelling) for one in objfiles)))
            static = list(filter(None, (one.lookup_static_symbol(spelling) for one in objfiles)))
            yield from ((found, True) for found in visible)
            yield from ((found, False) for found in static)
            # For all of them GDB reads every file that mentions the name: of a header's variable, nearly all.
            if static or not any(_fits(found, symbol, object_path) for found in visible):
                yield from ((found, False) for found in _static_symbols(spelling))
        match = re.match(r"(.*\))(?: const)?::([^()]+)$", untagged)
        dotted = re.match(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)$", bare)  # clang's static local of a C function
        if match or dotted:
            with suppress(gdb.error):
                signature, local = (match or dotted).groups()  # type: ignore[union-attr]
                yield from ((found, False) for found in function_locals.by_signature(signature, local))
            yield from ((found, False) for found in function_locals.by_linkage(symbol.name))
        elif bare != name:
            # A C function's static variable (`counter.0`): its function is not in its name.
            function = self.function_of(symbol, object_path)
            with suppress(gdb.error):
                yield from ((found, False) for found in function_locals.by_signature(function, bare) if function)

    def function_of(self, symbol: ElfSymbol, object_path: str) -> str:
        """See `DebugInformation.function_of`."""
        found = self._in_files.at(symbol, object_path)
        return found.function if found is not None else ""

    def in_frame(self, name: str) -> DebugSymbol | None:
        """See `DebugInformation.in_frame`."""
        with suppress(gdb.error, RuntimeError):
            for found in _visible(gdb.selected_frame(), name):
                if is_thread_local(found):
                    return DebugSymbol(found.print_name, None, _file(found), found.line, found)
        return None

    def part_in_frame(self, name: str) -> PartInFrame | None:
        """See `DebugInformation.part_in_frame`; only the text of `info scope` has the offsets."""
        with suppress(gdb.error, RuntimeError):
            block: gdb.Block | None = gdb.selected_frame().block()
            while block is not None and not block.is_static and not block.is_global:
                # Fortran's names are in lower case in debug information.
                for found in block:
                    if found.name in (name, name.lower()) and is_thread_local(found):
                        return _part(found, gdb.execute(f"info scope *0x{block.start:x}", to_string=True))
                block = block.superblock
        return None

    def is_local(self, name: str) -> bool:
        """See `DebugInformation.is_local`."""
        with suppress(gdb.error, RuntimeError):
            found = next(_visible(gdb.selected_frame(), name), None)
            return found is not None and not is_thread_local(found)
        return False

    def what_is(self, name: str) -> OtherName | None:
        """See `DebugInformation.what_is`."""
        from gdb_tls.hosts.gdb import others

        if not name.isidentifier():
            return others.what_is(name)
        paths = [one.filename for one in gdb.objfiles() if one.filename and _is_quickly_read(one.filename)]
        known = kept_by_runtime(name, _opened(paths)) or others.what_is(name)
        if known is not None:
            return known
        # GDB's index has no variable without a place.
        return LEFT_OUT if any(self._in_files.is_left_out(name, path) for path in paths) else None

    def type_of_global(self, name: str, address: int) -> str:
        """See `DebugInformation.type_of_global`."""
        with suppress(gdb.error, RuntimeError):
            for found in filter(None, (gdb.lookup_global_symbol(name), *_static_symbols(name))):
                if found.addr_class == gdb.SYMBOL_LOC_STATIC and found.type is not None:
                    place = found.value().address
                    if place is not None and int(place) == address:
                        return str(found.type)
        return ""

    def demangle(self, names: Sequence[str]) -> list[str]:
        """See `DebugInformation.demangle`."""
        for name in names:
            if name not in _demangled:
                _demangled[name] = _demangle(name) if name.startswith(("_Z", "_R", "_D")) else name
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
        from gdb_tls.hosts.gdb.paths import compile_path

        return compile_path(root, start.debugger_type, text, start.language)

    def part_at(self, kind: Type, offset: int) -> Part:
        """See `DebugInformation.part_at`."""
        if kind.debugger_type is None:
            return Part("", kind.name, offset, False)
        return types.part_at(kind.storage.debugger_type if kind.storage else kind.debugger_type, offset)

    def separate_debug_file(self, object_path: str) -> str | None:
        """See `DebugInformation.separate_debug_file`."""
        for objfile in gdb.objfiles():
            # GDB may have found the same file by another of its names (/lib, /usr/lib).
            if objfile.owner is not None and is_own(objfile.owner.filename or "", object_path):
                return str(objfile.filename)
        return None

    def debug_directories(self) -> Sequence[str]:
        """See `DebugInformation.debug_directories`."""
        return [place for place in (gdb.parameter("debug-file-directory") or "").split(os.pathsep) if place]


def _demangle(name: str) -> str:
    languages = {"_D": ("d",), "_R": ("rust",)}.get(name[:2], ("c++", "rust"))
    for language in languages:
        with suppress(gdb.error):
            found = str(gdb.execute(f"demangle -l {language} -- {name}", to_string=True)).strip()
            return without_rust_details(found) if language == "rust" or RUST_DETAILS.search(found) else found
    return name


def _opened(paths: Sequence[str]) -> Iterator[ElfFile]:
    for path in paths:
        with suppress(NotElf):
            yield open_elf(path)


def _is_quickly_read(path: str) -> bool:
    """Whether a file is here, and not so large that nobody waits for a search through its debug information."""
    with suppress(OSError):
        return os.path.isabs(path) and os.path.getsize(path) < LARGEST_SEARCHED
    return False


def _objfiles(object_path: str) -> list[gdb.Objfile]:
    """GDB's objects for a file: the file itself, and its separate debug files."""
    return [one for one in gdb.objfiles() if one.is_valid() and is_own(_own_name(one), object_path)]


def _own_name(objfile: gdb.Objfile) -> str:
    return str((objfile.owner or objfile).filename)


def _static_symbols(name: str) -> list[gdb.Symbol]:
    try:
        return list(gdb.lookup_static_symbols(name))
    except gdb.error:
        return []


def _fits(found: gdb.Symbol, symbol: ElfSymbol, object_path: str) -> bool:
    """Whether a declaration may be that of a symbol of a file."""
    fits = found.addr_class == gdb.SYMBOL_LOC_OPTIMIZED_OUT if symbol.emulated else is_thread_local(found)
    return fits and _is_of(found, object_path) and _is_named(found, symbol)


def _is_named(found: gdb.Symbol, symbol: ElfSymbol) -> bool:
    """Whether a declaration is that of a linkage name, not of a namesake elsewhere."""
    linkage = found.linkage_name or ""
    # C statics have no linkage name in DWARF, and GDB gives their plain name.
    return linkage == symbol.name or not linkage.startswith(("_Z", "_R", "_D"))


def _chosen(
    symbol: ElfSymbol, fitting: Sequence[tuple[gdb.Symbol, bool]], declared: Declared | None
) -> list[gdb.Symbol]:
    """Of several declarations those that a symbol may be: by visibility, then by its file.  One is taken as it is.

    The file that the symbol table names is not always the declaration's: that is a header, or one of a unity build,
    and link-time optimisation, dwz and Rust have a file of their own.
    """
    if len(fitting) > 1 and not OPTIMISED.search(symbol.name):
        fitting = [one for one in fitting if one[1] is not symbol.is_local] or fitting
    found = [one for one, _ in fitting]
    if len(found) > 1 and declared is not None:
        here = [one for one in found if one.line == declared.line]
        return [one for one in here if os.path.basename(_file(one)) == declared.file] or here or found
    if len(found) > 1 and symbol.file:
        found = [one for one in found if os.path.basename(_file(one)) == os.path.basename(symbol.file)] or found
    return found


def _file(found: gdb.Symbol) -> str:
    """The source file of a declaration; empty where it is not known, as after gcc's link-time optimisation."""
    file = found.symtab.filename if found.symtab else ""
    return "" if file.startswith("<") else file


def _is_joined(object_path: str) -> bool:
    """Whether gcc's link-time optimisation has joined all files, after which GDB takes one for another."""
    try:
        files = open_elf(object_path).source_files
    except NotElf:
        return False
    return bool(files) and all(re.match(r"S?crt|<", file) for file in files)


def _is_of(found: gdb.Symbol, object_path: str) -> bool:
    objfile = found.symtab.objfile if found.symtab else None
    if objfile is None:
        return True
    return is_own(_own_name(objfile), object_path)


def _part(found: gdb.Symbol, scope: str) -> PartInFrame | None:
    place = re.search(IN_SCOPE.format(re.escape(found.name)), scope)
    if place is None or found.type is None or found.symtab is None:
        return None
    offset = int(place[1], 16) if place[1] else int(place[2]) + int(place[3] or 0)
    kind = types.describe(found.type, language_of(_file(found)))
    known = DebugSymbol(found.print_name, kind, _file(found), found.line, found)
    return PartInFrame(_own_name(found.symtab.objfile), offset, known)


def is_thread_local(found: gdb.Symbol) -> bool:
    """Whether a declaration may be of a thread-local variable."""
    # An aarch64 compiler leaves a thread-local variable without a location: "unresolved".
    if found.addr_class not in (gdb.SYMBOL_LOC_COMPUTED, gdb.SYMBOL_LOC_UNRESOLVED):
        return False
    try:
        return not found.needs_frame
    except gdb.error:  # a location that this GDB cannot read, as in a split DWARF file: no reason to drop the type
        return True


def _visible(frame: gdb.Frame, name: str) -> Iterator[gdb.Symbol]:
    """What a frame may mean by a name: of its blocks, of its function's scopes, of its file, of its object file."""
    block: gdb.Block | None = frame.block()
    static, outer = frame.block().static_block, frame.block().global_block
    while block is not None and not block.is_static and not block.is_global:
        yield from (symbol for symbol in block if symbol.name in (name, f"{frame.name()}::{name}"))
        block = block.superblock
    scopes = (frame.name() or "").split("(", 1)[0].split("::")
    here = frame.find_sal().symtab
    objfiles = [here.objfile] if here is not None else []
    in_file = {symbol.name: symbol for part in (outer, static) for symbol in part}
    for count in range(len(scopes), -1, -1):
        spelling = "::".join([*scopes[:count], name])
        for found in (in_file.get(spelling), *(one.lookup_global_symbol(spelling) for one in objfiles)):
            if found is not None:
                yield found
