"""`tls-inspect`'s answer for programs: the JSON document `gdb-tls/inspect/1`, and one record a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gdb_tls.program.marked import Marked
from gdb_tls.program.report import Report
from gdb_tls.questions.inspect.answer import Answer, Named, OneAnswer, Several
from gdb_tls.target.model import Instance, Type
from gdb_tls.views.json import Each
from gdb_tls.views.parts import scalar
from gdb_tls.views.records import Records

COLUMNS = (
    *("num", "lwp", "name", "thread_pointer", "state", "flags"),
    *("address", "value", "text", "via", "marks", "reason"),
)
LISTS = ("flags", "marks")


def document(answer: Answer) -> dict[str, Any]:
    """The whole report; of several inferiors `gdb-tls/inspect-all/1`: a document for each, or why there is none.

    Addresses are lower-case hex strings.
    """
    if isinstance(answer, OneAnswer):
        return _document(answer)
    if isinstance(answer, Several):
        return _several(answer)
    inferiors = []
    for part in answer.parts:
        found = document(part.answer) if part.answer else {}
        inferiors.append({"inferior": part.inferior, "pid": part.pid, "reason": part.reason or None, **found})
    return {"schema": "gdb-tls/inspect-all/1", "inferiors": inferiors}


def _several(answer: Several) -> dict[str, Any]:
    """`gdb-tls/inspect-several/1`: for each variable that a pattern matches what `gdb-tls/inspect/1` has of it."""
    variables = []
    target = None
    for part in answer.parts:
        found = _document(part.answer) if part.answer else {"variable": None, "threads": [], "summary": None}
        target = found.get("target", target)
        of_each = {key: found[key] for key in ("variable", "threads", "summary")}
        variables.append({"name": part.name, "reason": part.reason or None, **of_each})
    return {
        "schema": "gdb-tls/inspect-several/1",
        "target": target,
        "pattern": answer.pattern,
        "matched": answer.matched,
        "variables": variables,
    }


def _document(answer: OneAnswer) -> dict[str, Any]:
    report = answer.report
    return {
        "schema": "gdb-tls/inspect/1",
        "target": report.target._asdict(),
        "variable": variable_document(report),
        "threads": Each(partial(thread_document, kind=report.type, marked=answer.marked), report.instances),
        "summary": report.instances.summary,
        "caution": report.caution or None,
        "left_out": list(report.found.left_out) if report.found else [],
        "copies": list(report.found.copies) if report.found else [],
        "used_instead": (report.found.used_instead if report.found else "") or None,
    }


def records(answer: Answer) -> Records:
    """One record a thread; of several inferiors or variables with which one before it, or with the reason for none."""
    if isinstance(answer, OneAnswer):
        return _records(answer)
    rows: list[Sequence[object]] = []
    columns: Sequence[str] = COLUMNS
    for part in answer.parts:
        which = part.name if isinstance(part, Named) else part.inferior
        if part.answer:
            inner = records(part.answer)
            columns = inner.columns
            rows += [[which, *row] for row in inner.rows]
        else:
            rows.append([which, part.reason])
    # "reason" is the last column
    rows = [row if len(row) > 2 else [row[0], *[None] * (len(columns) - 1), row[1]] for row in rows]
    return Records(("variable" if isinstance(answer, Several) else "inferior", *columns), rows)


def _records(answer: OneAnswer) -> Records:
    report = answer.report
    threads = (thread_document(instance, report.type, answer.marked) for instance in report.instances)
    return Records(COLUMNS, ([" ".join(t[name]) if name in LISTS else t[name] for name in COLUMNS] for t in threads))


def variable_document(report: Report) -> dict[str, Any]:
    """The variable, and the path into it."""
    variable = report.variable
    found = {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "exported": variable.exported,
        "source": variable.source,
        "module": {"id": variable.module.number, "path": variable.module.path, "storage": variable.module.storage},
        "piece_of": variable.piece_of or None,
        "initial": None if variable.initial is None else {"hex": variable.initial.hex(), "null": report.starts_null},
    }
    if report.path:
        found["path"] = report.path.text
    return found


def thread_document(instance: Instance, kind: Type | None, marked: Marked) -> dict[str, Any]:
    """One row of the document; `kind` is the type of what was read."""
    thread = instance.thread
    return {
        "num": thread.num,
        "lwp": thread.lwp,
        "name": thread.name,
        "thread_pointer": None if thread.thread_pointer is None else hex(thread.thread_pointer),
        "state": instance.state.value,
        "flags": [flag.value for flag in instance.flags],
        "address": None if instance.address is None else hex(instance.address),
        "value": scalar(instance, kind),
        "text": instance.text,
        "via": instance.via,
        "marks": marked.names(thread),
        "reason": instance.reason,
    }
