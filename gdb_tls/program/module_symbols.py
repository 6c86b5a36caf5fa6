"""The TLS symbols of a module: of its file, and of the separate debug file that goes with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import DebugInformation
from gdb_tls.tuples import NamedTuple

# Linkers put it at the beginning of a block for TLSDESC's local-dynamic model; it is no variable.
MODULE_BASE = "_TLS_MODULE_BASE_"


class Candidate(NamedTuple):
    """One TLS symbol of one module."""

    module: Module
    symbol: ElfSymbol


def candidates_of(modules: Sequence[Module], debug: DebugInformation) -> list[Candidate]:
    """Every TLS symbol of some modules; one that two tables have comes once."""
    found: dict[tuple[int, int, str], Candidate] = {}
    for module in modules:
        for symbol in symbols_of(module, debug):
            if symbol.name != MODULE_BASE:
                found.setdefault((module.id, symbol.value, symbol.name), Candidate(module, symbol))
    return list(found.values())


def symbols_of(module: Module, debug: DebugInformation) -> Iterable[ElfSymbol]:
    """All TLS symbols of a module; none where its file is missing."""
    if module.emulated:
        return [module.emulated.symbol]
    if module.path is None:
        return []
    try:
        file = open_elf(module.path)
        separate = debug_file(file, debug)
        own = file.tls_symbols()
        fuller = [symbol._replace(source="debug-file") for symbol in separate.tls_symbols()] if separate else []
    except NotElf:
        return []
    if not fuller:
        return own
    exported = {(symbol.name, symbol.value) for symbol in own if symbol.exported}
    known = {(symbol.name, symbol.value) for symbol in fuller}
    marked = [symbol._replace(exported=(symbol.name, symbol.value) in exported) for symbol in fuller]
    return marked + [symbol for symbol in own if (symbol.name, symbol.value) not in known]


def is_described(module: Module, debug: DebugInformation) -> bool:
    """Whether there is debug information of a module."""
    try:
        file = open_elf(module.path) if module.path else None
        return bool(file and (file.has_debug_info or debug_file(file, debug)))
    except NotElf:
        return False


def is_stripped(module: Module, debug: DebugInformation) -> bool:
    """Whether the names of a module's local variables are in no file that is here."""
    try:
        file = open_elf(module.path) if module.path and not module.emulated else None
        return bool(file and file.is_stripped and not debug_file(file, debug))
    except NotElf:
        return False


def debug_file(file: ElfFile, debug: DebugInformation) -> ElfFile | None:
    """The separate debug file (GDB manual, "Separate Debug Files"), where it is the same build's."""
    places = [debug.separate_debug_file(file.path)]
    for directory in debug.debug_directories():
        if file.build_id:
            places.append(os.path.join(directory, ".build-id", file.build_id[:2], file.build_id[2:] + ".debug"))
        if file.debug_link:
            places.append(directory + os.path.join(os.path.dirname(os.path.realpath(file.path)), file.debug_link))
    if file.debug_link:
        here = os.path.dirname(file.path)
        places += [os.path.join(here, file.debug_link), os.path.join(here, ".debug", file.debug_link)]
    for place in places:
        if place and os.path.exists(place) and os.path.realpath(place) != os.path.realpath(file.path):
            with suppress(NotElf):
                found = open_elf(place)
                if found.build_id == file.build_id:
                    return found
    return None


def matches_module(module: Module, pattern: str) -> bool:
    """Whether a --module pattern (a glob on file name or path, or a module id) means this module."""
    if pattern.isdecimal():
        return module.id == int(pattern)
    names = {module.name, module.path or "", module.target_path}
    return any(fnmatchcase(name, pattern) or name.startswith(pattern + ".") for name in names if name)


def modules_of(modules: Sequence[Module], pattern: str) -> list[Module]:
    """The modules that a --module pattern means: one that is called exactly so before those that begin so."""
    exact = [module for module in modules if pattern in (module.name, module.path, module.target_path)]
    return exact or [module for module in modules if matches_module(module, pattern)]
