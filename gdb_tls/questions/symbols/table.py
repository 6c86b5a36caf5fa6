"""`tls-symbols`'s answer: the table, the JSON document `gdb-tls/symbols/1`, and one record a variable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from gdb_tls.questions.command import Records, Screen
from gdb_tls.target.model import TargetInfo, Variable
from gdb_tls.views.parts import count, plain_table, source
from gdb_tls.views.text import code, safe


class Answer(NamedTuple):
    """What `tls-symbols` found.

    Attributes:
        target: the program.
        variables: by module and offset.
        missing: why symbols of some modules are not known.
    """

    target: TargetInfo
    variables: Sequence[Variable]
    missing: Sequence[str]


def table(answer: Answer, screen: Screen) -> RenderableType:
    """For each module its variables, by offset."""
    parts: list[RenderableType] = []
    for module, variables in groupby(answer.variables, key=lambda variable: variable.module):
        size = f", {module.segment.size:,} bytes" if module.segment else ""
        rows = plain_table("  Offset", "Size", "Type", "Name", "Source", right=("  Offset", "Size"))
        for variable in variables:
            kind = code(variable.type.name, screen.colour) if variable.type else Text("?", "dim")
            place = source(variable) or ("" if variable.type else f"({variable.source})")
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


def variable_fields(variable: Variable) -> dict[str, Any]:
    """What a variable is, under the names that all documents use."""
    return {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "exported": variable.exported,
        "static": variable.is_static,
        "source": variable.source,
        "file": variable.file or None,
        "line": variable.line or None,
        "module": {
            "id": variable.module.id,
            "path": variable.module.path,
            "storage": variable.module.storage,
        },
        "initial": None if variable.initial is None else variable.initial.hex(),
    }


def document(answer: Answer) -> dict[str, Any]:
    """All variables; offsets are lower-case hex strings."""
    return {
        "schema": "gdb-tls/symbols/1",
        "target": answer.target._asdict(),
        "variables": [variable_fields(variable) for variable in answer.variables],
        "missing": list(answer.missing),
    }


def records(answer: Answer) -> Records:
    """One record a variable."""
    columns = (
        "module_id",
        "module",
        "offset",
        "size",
        "type",
        "name",
        "linkage_name",
        "exported",
        "static",
        "source",
    )
    rows = (
        [variable.module.id, variable.module.path or variable.module.name]
        + [variable_fields(variable)[column] for column in (*columns[2:], "file", "line")]
        for variable in answer.variables
    )
    return Records((*columns, "file", "line"), rows)
