"""From an extern declaration, which GDB may find first, to where the definition is."""

from __future__ import annotations

import re
from contextlib import suppress

import gdb


def defined_at(found: gdb.Symbol) -> tuple[str, int] | None:
    """The file and line of the definition of what GDB gives only a declaration of.

    A declaration has no location.  GDB lists definitions only (symtab.c, global_symbol_searcher), but as text, which
    does not say of which object file: several are none.

    Returns:
        None where that is not to be found.
    """
    name = found.print_name
    if not re.fullmatch(r"[\w:]+", name):
        return None
    file = ""
    places = set()
    with suppress(gdb.error):
        for text in gdb.execute(f"info variables -q -n ^{name}$", to_string=True).splitlines():
            if text.startswith("File ") and text.endswith(":"):
                file = text[len("File ") : -1]
            elif file and re.match(r"\d+:", text):
                places.add((file, int(text.partition(":")[0])))
    return places.pop() if len(places) == 1 else None
