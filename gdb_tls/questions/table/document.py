"""`tls-table`'s answer for programs: the JSON document `gdb-tls/table/1`, and one record a thread."""

from __future__ import annotations

from functools import partial
from typing import Any

from gdb_tls.program.columns import Column
from gdb_tls.questions.table.answer import Answer, Line
from gdb_tls.target.model import Instance
from gdb_tls.views.json import Each
from gdb_tls.views.parts import pointer, scalar, thread_fields
from gdb_tls.views.records import Records
from gdb_tls.views.words import numbers


def document(answer: Answer) -> dict[str, Any]:
    """Every expression in every thread."""
    return {
        "schema": "gdb-tls/table/1",
        "target": answer.target._asdict(),
        "columns": [_column(column) for column in answer.columns],
        "threads": Each(partial(thread_document, answer), answer.rows),
        "groups": [_group(answer, line) for line in answer.lines] if answer.grouped else None,
        "condition": answer.choice.condition if answer.choice else None,
        "summary": {
            "threads": len(answer.threads),
            "shown": len(answer.rows),
            "unknown": len(answer.choice.unknown) if answer.choice else 0,
            "interrupted": answer.interrupted or bool(answer.choice and answer.choice.interrupted),
        },
    }


def _group(answer: Answer, line: Line) -> dict[str, Any]:
    threads = [answer.threads[at] for at in line.members]
    return {
        "count": len(threads),
        "nums": [thread.num for thread in threads],
        "lwps": [thread.lwp for thread in threads],
        "cells": [_cell(column, column.instances[line.members[0]]) for column in answer.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "expression": column.expression,
        "evaluated": column.evaluated,
        "type": column.type.name if column.type else None,
    }


def thread_document(answer: Answer, at: int) -> dict[str, Any]:
    """One row."""
    thread = answer.threads[at]
    return {
        **thread_fields(thread),
        "marks": answer.marked.names(thread),
        "cells": [_cell(column, column.instances[at]) for column in answer.columns],
    }


def _cell(column: Column, instance: Instance) -> dict[str, Any]:
    return {
        "state": instance.state.value,
        "flags": [flag.value for flag in instance.flags],
        "address": pointer(instance.address),
        "value": scalar(instance, column.type),
        "text": instance.text,
        "reason": instance.reason,
    }


def records(answer: Answer) -> Records:
    """One record a thread: who it is, the values (else the states), why values are missing; with --group a group."""
    names = [column.name for column in answer.columns]
    if answer.grouped:
        rows = ([len(line.members), _numbers(answer, line), *_values(answer, line.members[0])] for line in answer.lines)
        return Records(("count", "nums", *names, "reasons"), rows)
    each = ([*_who(answer, at), *_values(answer, at)] for at in answer.rows)
    return Records(("num", "lwp", "name", "marks", *names, "reasons"), each)


def _numbers(answer: Answer, line: Line) -> str:
    return numbers((answer.threads[at] for at in line.members), "-", None)


def _who(answer: Answer, at: int) -> list[object]:
    thread = answer.threads[at]
    return [thread.num, thread.lwp, thread.name, " ".join(answer.marked.names(thread))]


def _values(answer: Answer, at: int) -> list[object]:
    values: list[object] = []
    reasons = []
    for column in answer.columns:
        instance = column.instances[at]
        value = scalar(instance, column.type)
        has_none = instance.reason is not None or (value is None and not instance.text)
        values.append(instance.state.value if has_none else instance.text if value is None else value)
        if instance.reason is not None:
            reasons.append(f"{column.name}: {instance.reason}")
    return [*values, "; ".join(reasons)]
