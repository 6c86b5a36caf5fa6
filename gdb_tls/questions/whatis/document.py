"""`tls-whatis`'s answer for programs: the JSON document `gdb-tls/whatis/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.whatis.answer import Owner, OwnerKind, Whatis
from gdb_tls.questions.whatis.sentence import sentence
from gdb_tls.views.parts import pointer, thread_fields
from gdb_tls.views.records import Records


def document(found: Whatis) -> dict[str, Any]:
    """Everything; what does not apply is null."""
    owner = found.owner
    region = found.region
    return {
        "schema": "gdb-tls/whatis/1",
        "target": found.target._asdict(),
        "expression": found.expression,
        "address": hex(found.address),
        "kind": owner.kind.value,
        "thread": thread_fields(owner.thread) if owner.thread else None,
        "module": {"id": owner.module.number, "path": owner.module.path} if owner.module else None,
        "block": pointer(owner.block),
        "offset": None if owner.block is None else hex(found.address - owner.block),
        "variable": _variable(owner),
        "key": owner.key,
        "field": owner.field or None,
        "start": pointer(owner.start),
        "stack_pointer": pointer(owner.stack_pointer),
        "symbol": owner.symbol or None,
        "mapping": {"start": hex(region.start), "end": hex(region.end), "file": region.file or None}
        if region
        else None,
        "held_by": [
            {"variable": holder.variable.name, "threads": [thread_fields(thread) for thread in holder.threads]}
            for holder in found.holders
        ],
        "text": sentence(found),
    }


def _variable(owner: Owner) -> dict[str, Any] | None:
    if owner.variable is None:
        return None
    part = owner.part
    return {
        "name": owner.variable.name,
        "linkage_name": owner.variable.linkage_name,
        "type": owner.variable.type.name if owner.variable.type else None,
        "path": part.path if part else None,
        "part_type": part.type if part else None,
        "part_offset": part.offset if part else None,
        "padding": owner.kind is OwnerKind.PADDING or bool(part and part.padding),
        "next": owner.following.name if owner.following else None,
    }


def records(found: Whatis) -> Records:
    """One record."""
    whole = document(found)
    thread = whole["thread"] or {}
    variable = whole["variable"] or {}
    columns = ("expression", "address", "kind", "num", "lwp", "module", "variable", "path", "key", "symbol", "text")
    row = (
        *(found.expression, whole["address"], whole["kind"], thread.get("num"), thread.get("lwp")),
        *((whole["module"] or {}).get("id"), variable.get("name"), variable.get("path")),
        *(whole["key"], whole["symbol"], whole["text"]),
    )
    return Records(columns, [row])
