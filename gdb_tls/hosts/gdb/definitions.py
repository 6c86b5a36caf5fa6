"""From an extern declaration, which GDB may find first, to where the definition is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from os.path import basename, splitext

import gdb


def defined_at(found: gdb.Symbol, source_files: Iterable[str]) -> tuple[str, int] | None:
    """The file and line of the definition of what GDB gives only a declaration of.

    A declaration has no location.  GDB lists definitions only (symtab.c, global_symbol_searcher), but as text, which
    does not say of which object file: several are none.  And for that it reads the debug information of every file
    that mentions the name: so the source file is asked first that is called as the header is.

    Args:
        found: the declaration.
        source_files: those of its object file, without their folders.

    Returns:
        None where that is not to be found.
    """
    name = found.print_name
    if not re.fullmatch(r"[\w:]+", name):
        return None
    for file in _of_header(found.symtab.filename if found.symtab else "", source_files):
        for one in _visible_in(file, found):
            return one.symtab.filename, one.line
    file = ""
    places = set()
    with suppress(gdb.error):
        for text in gdb.execute(f"info variables -q -n ^{name}$", to_string=True).splitlines():
            if text.startswith("File ") and text.endswith(":"):
                file = text[len("File ") : -1]
            elif file and re.match(r"\d+:", text):
                places.add((file, int(text.partition(":")[0])))
    return places.pop() if len(places) == 1 else None


def _of_header(header: str, source_files: Iterable[str]) -> list[str]:
    """The source files called as a header is: `state.c` for `state.h`, `api_state.h` and `api-state.h`."""
    stem = splitext(basename(header))[0]
    return [one for one in source_files if re.search(rf"(^|[_-]){re.escape(splitext(one)[0])}\Z", stem)]


def _visible_in(file: str, declared: gdb.Symbol) -> Iterator[gdb.Symbol]:
    """The definition in a source file of what is declared: no other file of the same object may have one."""
    with suppress(gdb.error, RuntimeError):
        for line in gdb.decode_line(f"'{file}':1")[1] or ():
            if line.symtab is None or line.symtab.objfile != declared.symtab.objfile:
                continue
            for one in line.symtab.global_block():
                if one.name == declared.name and one.is_variable and one.addr_class != gdb.SYMBOL_LOC_UNRESOLVED:
                    yield one
