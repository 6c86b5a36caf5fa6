"""`tls-symbols`'s answer: the table, the JSON document `gdb-tls/symbols/1`, and one record a variable."""

from __future__ import annotations

from itertools import groupby

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.views.drawing import Group, RenderableType, Text, code, plain_table
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count


def table(answer: Answer, screen: Screen) -> RenderableType:
    """For each module its variables, by offset."""
    parts: list[RenderableType] = []
    for module, variables in groupby(answer.variables, key=lambda variable: variable.module):
        size = f", {module.segment.size:,} bytes" if module.segment else ""
        rows = plain_table("  Offset", "Size", "Type", "Name", "Source", right=("  Offset", "Size"))
        for variable in variables:
            kind = code(variable.type.name, screen.colour) if variable.type else Text("?", "dim")
            place = variable.problem or source(variable) or ("" if variable.type else f"({variable.source})")
            name = Text(safe(variable.name))
            rows.add_row(f"0x{variable.offset:x}", f"{variable.size:,}", kind, name, Text(safe(place), "dim"))
        parts += [
            Text(safe(f"module {module.id}  {module.name}  {module.storage}{size}"), "bold"),
            rows,
            Text(""),
        ]
    found = count(len(answer.variables), "thread-local variable")
    modules = count(len({variable.module.id for variable in answer.variables}), "module")
    parts.append(Text(f"{found} in {modules}." if answer.variables else "No thread-local variable matches.", "bold"))
    parts += [Text(safe(f"{why[0].upper()}{why[1:]}.")) for why in answer.missing]
    return Group(*parts)
