"""The JSON formats `gdb-tls/inspect/1` and `gdb-tls/verify/1`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gdb_tls.model import Instance, Kind, Report, Type, summarise

if TYPE_CHECKING:
    from gdb_tls.commands.verify import Comparison


def render(report: Report) -> str:
    """The whole report as one document; addresses are lower-case hex strings."""
    document = {
        "schema": "gdb-tls/inspect/1",
        "target": report.target.__dict__,
        "variable": _variable(report),
        "threads": [_thread(instance, report.type) for instance in report.instances],
        "summary": summarise(report.instances),
    }
    return _dump(document)


def render_comparison(found: Comparison) -> str:
    """The result of `tls-verify` as one document."""
    document = {
        "schema": "gdb-tls/verify/1",
        "variables": found.variables,
        "threads": found.threads,
        "compared": found.compared,
        "answered": found.answered,
        "unavailable": found.unavailable,
        "disagreements": [
            {
                "variable": one.variable.name,
                "module": one.variable.module.name,
                "num": one.thread.num,
                "lwp": one.thread.lwp,
                "addresses": {name: hex(place) if isinstance(place, int) else None for name, place in one.places.items()},
                "reasons": {name: None if isinstance(place, int) else place.reason for name, place in one.places.items()},
            }
            for one in found.disagreements
        ],
    }
    return _dump(document)


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _variable(report: Report) -> dict[str, Any]:
    variable = report.variable
    found = {
        "name": variable.name,
        "linkage_name": variable.linkage_name,
        "type": variable.type.name if variable.type else None,
        "size": variable.size,
        "offset": hex(variable.offset),
        "exported": variable.exported,
        "source": variable.source,
        "module": {"id": variable.module.id, "path": variable.module.path, "storage": variable.module.storage},
        "initial": None if variable.initial is None else {"hex": variable.initial.hex(), "null": report.starts_null},
    }
    if report.path:
        found["path"] = report.path.text
    return found


def _thread(instance: Instance, kind: Type | None) -> dict[str, Any]:
    thread = instance.thread
    return {
        "num": thread.num,
        "lwp": thread.lwp,
        "name": thread.name,
        "thread_pointer": None if thread.thread_pointer is None else hex(thread.thread_pointer),
        "state": instance.state.value,
        "flags": [flag.value for flag in instance.flags],
        "address": None if instance.address is None else hex(instance.address),
        "value": _value(instance, kind),
        "text": instance.text,
        "via": instance.via,
        "reason": instance.reason,
    }


def _value(instance: Instance, kind: Type | None) -> Any:
    is_pointer = kind is None or kind.kind is Kind.POINTER
    if instance.value is None or not is_pointer or isinstance(instance.value, float):
        return instance.value
    return hex(instance.value)
