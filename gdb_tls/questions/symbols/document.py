"""`tls-symbols`'s answer for programs: the JSON document `gdb-tls/symbols/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.target.model import Variable
from gdb_tls.views.records import Records


def _variable(variable: Variable) -> dict[str, Any]:
    """What a variable is, under the names that all documents use."""
    return {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "helper": variable.is_helper,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "exported": variable.exported,
        "static": variable.is_static,
        "source": variable.source,
        "file": variable.file or None,
        "line": variable.line or None,
        "module": {
            "id": variable.module.number,
            "path": variable.module.path,
            "storage": variable.module.storage,
        },
        "problem": variable.problem or None,
        "initial": None if variable.initial is None else variable.initial.hex(),
    }


def document(answer: Answer) -> dict[str, Any]:
    """All variables; offsets are lower-case hex strings."""
    return {
        "schema": "gdb-tls/symbols/1",
        "target": answer.target._asdict(),
        "variables": [
            {**_variable(variable), "used_instead": instead.name if (instead := answer.instead_of(variable)) else None}
            for variable in answer.variables
        ],
        "hidden_copies": answer.hidden_copies,
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
        [variable.module.number, variable.module.path or variable.module.name]
        + [_variable(variable)[column] for column in (*columns[2:], "file", "line")]
        for variable in answer.variables
    )
    return Records((*columns, "file", "line"), rows)
