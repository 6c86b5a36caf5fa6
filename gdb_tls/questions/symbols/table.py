"""`tls-symbols`'s answer: the table, the JSON document `gdb-tls/symbols/1`, and one record a variable."""

from __future__ import annotations

from itertools import groupby

from gdb_tls.program.names import is_helper
from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.views.drawing import Group, RenderableType, Text, code, plain_table
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count, not_shown, storage


def table(answer: Answer, screen: Screen) -> RenderableType:
    """For each module its variables, by offset."""
    parts: list[RenderableType] = []
    shown = [one for one in answer.variables if not (answer.folds and is_helper(one.linkage_name))]
    for title, group in groupby(shown, key=lambda variable: variable.module.title):
        variables = list(group)
        module = variables[0].module
        kind_of = f"  {storage(module)}" + (f", {module.segment.size:,} bytes" if module.segment else "")
        first = "  Control" if module.emulated else "  Offset"
        rows = plain_table(first, "Size", "Type", "Name", "Source", right=(first, "Size"))
        for variable in variables:
            kind = code(variable.type.name, screen.colour) if variable.type else Text("?", "dim")
            place = variable.problem or source(variable) or ("" if variable.type else f"({variable.source})")
            name = Text(safe(variable.name))
            at = variable.module.emulated
            rows.add_row(
                f"0x{at.control if at else variable.offset:x}",
                f"{variable.size:,}",
                kind,
                name,
                Text(safe(place), "dim"),
            )
        parts += [
            Text(safe(title if module.emulated else f"{title}{kind_of}"), "bold"),
            rows,
            Text(""),
        ]
    found = count(len(answer.variables), "thread-local variable")
    modules = count(len({variable.module.object for variable in answer.variables}), "module")
    parts.append(Text(f"{found} in {modules}." if answer.variables else "No thread-local variable matches.", "bold"))
    folded = not_shown({}, len(answer.variables) - len(shown))
    parts += [Text(safe(folded), "dim")] if folded else []
    parts += [Text(safe(f"{why[0].upper()}{why[1:]}.")) for why in answer.missing]
    return Group(*parts)
