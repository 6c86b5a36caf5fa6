"""`tls-diff`'s answer for programs: the JSON document `gdb-tls/diff/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.diff.answer import Answer
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """All differences, the expected ones included."""
    keys = ("name", "linkage_name", "type", "size", "offset", "module")
    return {
        "schema": "gdb-tls/diff/1",
        "target": answer.target._asdict(),
        "left": answer.labels[0],
        "right": answer.labels[1],
        "same_process": answer.same_process,
        "differences": [
            {
                "variable": {**{key: one.variable[key] for key in keys}, "helper": one.is_helper},
                "num": one.thread["num"],
                "lwp": one.thread["lwp"],
                "left": {"state": one.left.state, "text": one.left.text},
                "right": {"state": one.right.state, "text": one.right.text},
                "in_state": one.in_state,
                "expected": one.expected,
            }
            for one in answer.differences
        ],
        "summary": {
            "variables": answer.variables,
            "compared": answer.compared,
            "unmatched": answer.unmatched,
            "differences": len(answer.differences),
            "in_state": sum(one.in_state for one in answer.differences),
            "expected": sum(one.expected for one in answer.differences),
        },
    }


def records(answer: Answer) -> Records:
    """One record a difference."""
    columns = ("variable", "module", "num", "lwp", "left_state", "left", "right_state", "right", "expected")
    rows = (
        [
            one.variable["name"],
            one.module_name,
            one.thread["num"],
            one.thread["lwp"],
            one.left.state,
            one.left.text,
            one.right.state,
            one.right.text,
            one.expected,
        ]
        for one in answer.differences
    )
    return Records(columns, rows)
