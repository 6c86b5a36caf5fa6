"""`tls-keys`'s answer for programs: the JSON document `gdb-tls/keys/1`, and one flat table."""

from __future__ import annotations

from itertools import chain
from typing import Any

from gdb_tls.questions.keys.answer import Answer
from gdb_tls.questions.keys.names import KeyVariable
from gdb_tls.questions.keys.words import stored_state
from gdb_tls.views.parts import pointer, thread_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """All keys with all threads; addresses are lower-case hex strings."""
    report = answer.report
    return {
        "schema": "gdb-tls/keys/1",
        "target": report.target._asdict(),
        "problem": report.problem or None,
        "names_problem": report.names.problem or None,
        "keys": [
            {
                "key": key.number,
                "in_use": key.in_use,
                "sequence": key.sequence,
                "destructor": {
                    "address": pointer(key.destructor),
                    "name": key.destructor_name or None,
                    "file": key.destructor_file or None,
                },
                "variables": list(map(_variable, key.variables)),
                "threads": [
                    {
                        **thread_fields(value.thread),
                        "state": value.state.value,
                        "address": pointer(value.address),
                        "value": pointer(value.value),
                        "sequence": value.sequence,
                        "reason": value.reason,
                    }
                    for value in key.values
                ],
            }
            for key in report.keys
        ],
        "without_a_key": list(map(_variable, report.without_a_key)),
        "storage_problems": list(answer.behind.problems),
        "storages": [
            {
                "class": one.kind,
                "index": one.number,
                "variables": list(map(_variable, one.variables)),
                "threads": [
                    {**thread_fields(value.thread), "value": pointer(value.value), "reason": value.reason}
                    for value in one.values
                ],
            }
            for one in answer.behind.storages
        ],
    }


def _variable(one: KeyVariable) -> dict[str, Any]:
    return {
        "name": one.name,
        "file": one.file or None,
        "address": pointer(one.address),
        "number": one.number,
        "created_by": list(one.created_by),
        "used_by": list(one.used_by),
    }


def records(answer: Answer) -> Records:
    """One record a key and thread, then one a thread and what a library keeps behind its own key."""
    columns = ("key", "in_use", "key_sequence", "variables", "destructor", "destructor_name", "num", "lwp", "name")
    rows = (
        (
            *(key.number, key.in_use, key.sequence, " ".join(one.name for one in key.variables)),
            *(pointer(key.destructor), key.destructor_name),
            *(value.thread.num, value.thread.lwp, value.thread.name, value.state.value),
            *(pointer(value.address), pointer(value.value), value.sequence, value.reason, None, None),
        )
        for key in answer.report.keys
        for value in key.values
    )
    stored = (
        (
            *(None, None, None, " ".join(each.name for each in one.variables), None, ""),
            *(value.thread.num, value.thread.lwp, value.thread.name, stored_state(value).value),
            *(None, pointer(value.value), None, value.reason, one.kind, one.number),
        )
        for one in answer.behind.storages
        for value in one.values
    )
    return Records((*columns, "state", "address", "value", "sequence", "reason", "class", "index"), chain(rows, stored))
