"""`tls-audit`'s answer for programs: the JSON document `gdb-tls/audit/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.place import Place
from gdb_tls.questions.audit.answer import Answer, Audit
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.verdict import verdict
from gdb_tls.target.model import State
from gdb_tls.views.parts import variable_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """The whole audit, the weak hints included."""
    audit = answer.audit
    return {
        "schema": "gdb-tls/audit/1",
        "target": audit.target._asdict(),
        "fault": _fault(audit),
        "cause": _cause(audit.cause) if audit.cause else None,
        "not_the_cause": audit.not_the_cause or None,
        "loader_errors": [
            {"num": thread.num, "lwp": thread.lwp, "text": error.text, "was_asked": error.was_asked}
            for thread, error in zip(audit.threads, audit.loader_errors)
            if error
        ],
        "verdict": verdict(answer),
        "findings": [
            {
                "variable": variable_fields(suspect.variable) if suspect.variable else None,
                "name": suspect.name,
                "key": suspect.key,
                "score": suspect.score,
                "level": suspect.level,
                "alarming": suspect.is_alarming,
                "states": {state.value: suspect.states.get(state, 0) for state in State},
                "reasons": [
                    {
                        "rule": finding.rule,
                        "score": finding.score,
                        "sentence": finding.sentence,
                        "threads": _numbers(audit, finding),
                    }
                    for finding in suspect.findings
                ],
            }
            for suspect in audit.suspects
        ],
        "summary": {
            "threads": len(audit.threads),
            "modules": len({one.object for one in audit.modules}),
            "variables": audit.variables,
            "pointers": audit.pointers,
            "alarming": len(audit.alarming),
            "hints": len(audit.suspects) - len(audit.alarming),
            "missing": [module.problem for module in audit.modules if module.problem],
            "nameless": [module.path for module in audit.nameless],
            "by_offset": [module.path for module in audit.by_offset],
            "unread": [one._asdict() for one in audit.unread],
            "gaps": [
                {
                    "reason": gap.reason,
                    "threads": [audit.threads[at].num for at in gap.threads],
                    "modules": list(dict.fromkeys(module.path or module.target_path for module in gap.modules)),
                }
                for gap in audit.gaps
            ],
            "ignored": list(audit.ignored),
            "interrupted": audit.interrupted,
        },
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "num": cause.thread.num,
        "crashed": _place(cause.crashed),
        "read": _place(cause.loaded),
        "address": None if cause.address is None else hex(cause.address),
        "path": list(cause.path),
        "value": None if cause.value is None else hex(cause.value),
        "changed_since": not cause.agrees,
        "instance_of": cause.foreign.thread.num if cause.foreign else None,
        "in_handler": cause.in_handler,
        "after_handler": cause.after_handler,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "function": place.function or None,
        "file": place.file or None,
        "line": place.line or None,
        "pc": hex(place.pc),
    }


def _fault(audit: Audit) -> dict[str, Any] | None:
    fault = audit.fault
    if fault is None:
        return None
    return {
        "num": fault.num,
        "lwp": next((thread.lwp for thread in audit.threads if thread.num == fault.num), None),
        "signal": fault.signal or None,
        "address": None if fault.address is None else hex(fault.address),
        "frames": [
            {
                "function": frame.function or None,
                "file": frame.file or None,
                "line": frame.line or None,
                "pc": hex(frame.pc),
            }
            for frame in audit.fault_frames
        ],
    }


def _numbers(audit: Audit, finding: Finding) -> list[int | None]:
    return [audit.threads[index].num for index in finding.threads]


def records(answer: Answer) -> Records:
    """One record a finding, the worst variable first."""
    columns = ("rank", "score", "alarming", "variable", "module", "rule", "sentence", "threads")
    rows = (
        [
            rank,
            suspect.score,
            suspect.is_alarming,
            suspect.name,
            suspect.variable.module.name if suspect.variable else "",
            finding.rule,
            finding.sentence,
            " ".join(str(number) for number in _numbers(answer.audit, finding) if number is not None),
        ]
        for rank, suspect in enumerate(answer.audit.suspects, 1)
        for finding in suspect.findings
    )
    return Records(columns, rows)
