"""`tls-table`'s answer for programs: the JSON document `gdb-tls/table/1`, and one record a thread."""

from __future__ import annotations

from functools import partial
from typing import Any

from gdb_tls.program.columns import Column
from gdb_tls.questions.table.answer import Answer
from gdb_tls.target.model import Instance
from gdb_tls.views.json import Each
from gdb_tls.views.parts import pointer, scalar, thread_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """Every expression in every thread."""
    return {
        "schema": "gdb-tls/table/1",
        "target": answer.target._asdict(),
        "columns": [_column(column) for column in answer.columns],
        "threads": Each(partial(thread_document, answer), answer.rows),
        "summary": {
            "threads": len(answer.threads),
            "shown": len(answer.rows),
            "interrupted": answer.interrupted,
        },
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "expression": column.expression,
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
    """One record a thread: who it is, the values (else the states), and why values are missing."""
    columns = ("num", "lwp", "name", "marks", *(column.name for column in answer.columns), "reasons")
    return Records(columns, (_record(answer, at) for at in answer.rows))


def _record(answer: Answer, at: int) -> list[object]:
    thread = answer.threads[at]
    values: list[object] = []
    reasons = []
    for column in answer.columns:
        instance = column.instances[at]
        value = scalar(instance, column.type)
        has_none = instance.reason is not None or (value is None and not instance.text)
        values.append(instance.state.value if has_none else instance.text if value is None else value)
        if instance.reason is not None:
            reasons.append(f"{column.name}: {instance.reason}")
    return [thread.num, thread.lwp, thread.name, " ".join(answer.marked.names(thread)), *values, "; ".join(reasons)]
