"""`tls-inspect`'s answer for programs: the JSON document `gdb-tls/inspect/1`, and one record a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gdb_tls.program.report import Report
from gdb_tls.questions.inspect.answer import Answer, OneAnswer
from gdb_tls.target.model import Instance, Type
from gdb_tls.views.json import Each
from gdb_tls.views.parts import scalar
from gdb_tls.views.records import Records

COLUMNS = ("num", "lwp", "name", "thread_pointer", "state", "flags", "address", "value", "text", "via", "reason")


def document(answer: Answer) -> dict[str, Any]:
    """The whole report; of several inferiors `gdb-tls/inspect-all/1`: a document for each, or why there is none.

    Addresses are lower-case hex strings.
    """
    if isinstance(answer, OneAnswer):
        return _document(answer)
    inferiors = []
    for part in answer.parts:
        found = _document(part.answer) if part.answer else {}
        inferiors.append({"inferior": part.inferior, "pid": part.pid, "reason": part.reason or None, **found})
    return {"schema": "gdb-tls/inspect-all/1", "inferiors": inferiors}


def _document(answer: OneAnswer) -> dict[str, Any]:
    report = answer.report
    return {
        "schema": "gdb-tls/inspect/1",
        "target": report.target._asdict(),
        "variable": variable_document(report),
        "threads": Each(partial(thread_document, kind=report.type), report.instances),
        "summary": report.instances.summary,
    }


def records(answer: Answer) -> Records:
    """One record a thread; of several inferiors with the inferior's number before it, or with the reason for none."""
    if isinstance(answer, OneAnswer):
        return _records(answer)
    rows: list[Sequence[object]] = []
    for part in answer.parts:
        if part.answer:
            rows += [[part.inferior, *row] for row in _records(part.answer).rows]
        else:
            blank = [None] * (len(COLUMNS) - 1)
            rows.append([part.inferior, *blank, part.reason])  # "reason" is the last column
    return Records(("inferior", *COLUMNS), rows)


def _records(answer: OneAnswer) -> Records:
    report = answer.report
    threads = (thread_document(instance, report.type) for instance in report.instances)
    return Records(COLUMNS, ([" ".join(t[name]) if name == "flags" else t[name] for name in COLUMNS] for t in threads))


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
        "initial": None if variable.initial is None else {"hex": variable.initial.hex(), "null": report.starts_null},
    }
    if report.path:
        found["path"] = report.path.text
    return found


def thread_document(instance: Instance, kind: Type | None) -> dict[str, Any]:
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
        "reason": instance.reason,
    }
