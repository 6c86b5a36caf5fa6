"""`tls-map`'s answer for programs: the JSON document `gdb-tls/map/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.program.grid import Row
from gdb_tls.program.marked import Marked
from gdb_tls.questions.map.answer import Answer
from gdb_tls.target.model import Thread
from gdb_tls.views.parts import variable_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """Every variable with its state and bytes in every thread; `tls-diff --against` reads it again."""
    grid = answer.grid
    return {
        "schema": "gdb-tls/map/1",
        "target": grid.target._asdict(),
        "byte_order": grid.byte_order,
        "threads": [_thread(thread, grid.marked) for thread in grid.threads],
        "variables": [_variable(row) for row in grid.rows],
        "summary": {
            "threads": len(grid.threads),
            "variables": len(grid.rows),
            **{state.value: number for state, number in grid.counts().items()},
            "missing": [module.problem for module in grid.modules if module.problem],
            "interrupted": grid.interrupted,
            "hidden_copies": grid.hidden_copies,
        },
    }


def _thread(thread: Thread, marked: Marked) -> dict[str, Any]:
    return {
        "num": thread.num,
        "lwp": thread.lwp,
        "name": thread.name,
        "thread_pointer": None if thread.thread_pointer is None else hex(thread.thread_pointer),
        "exited": thread.exited,
        "crashed": thread.num is not None and thread.num == marked.crashed,
        "marks": marked.names(thread),
    }


def _variable(row: Row) -> dict[str, Any]:
    return {
        **variable_fields(row.variable),
        "kind": row.type.kind.value,
        "signed": row.type.is_signed,
        "states": [state.value for state in row.states],
        "bytes": None if row.values is None else [raw.hex() if raw else None for raw in row.values],
        "texts": None if row.texts is None else list(row.texts),
        "areas": None if row.areas is None else list(row.areas),
        "used_instead": row.used_instead.name if row.used_instead else None,
    }


def records(answer: Answer) -> Records:
    """One record a variable and thread."""
    grid = answer.grid
    columns = ("module", "variable", "num", "lwp", "state", "bytes", "marks")
    marks = [" ".join(grid.marked.names(thread)) for thread in grid.threads]
    rows = (
        [row.variable.module.name, row.variable.name, thread.num, thread.lwp, state.value, raw.hex() or None, names]
        for row in grid.rows
        for thread, state, raw, names in zip(grid.threads, row.states, row.values or [b""] * len(grid.threads), marks)
    )
    return Records(columns, rows)
