"""`tls-exit`'s answer for programs: the JSON document `gdb-tls/exit/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.exit.answer import Answer, Step
from gdb_tls.questions.exit.sentence import sentences
from gdb_tls.views.parts import pointer, thread_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """All threads that were asked for; addresses are lower-case hex strings."""
    return {
        "schema": "gdb-tls/exit/1",
        "target": answer.target._asdict(),
        "threads": [
            {
                **thread_fields(one.thread),
                "main": one.is_main,
                "marks": list(one.marks),
                "exited": one.thread.exited,
                "stage": one.stage or None,
                "running": one.running or None,
                "steps": [step_document(step) for step in one.steps],
                "problems": list(one.problems),
                "text": list(sentences(one)),
            }
            for one in answer.threads
        ],
    }


def step_document(step: Step) -> dict[str, Any]:
    """One destructor."""
    return {
        "key": step.key,
        "list_key": step.list_key,
        "function": {"address": pointer(step.function), "name": step.name or None, "file": step.file or None},
        "gone": step.is_gone,
        "argument": pointer(step.argument),
        "variable": step.variable.name if step.variable else None,
        "module": step.module.name if step.module else None,
        "offset": hex(step.inside) if step.module else None,
        "problem": step.problem or None,
    }


def records(answer: Answer) -> Records:
    """One record a destructor."""
    columns = ("num", "lwp", "name", "order", "key", "function", "function_name", "function_file", "gone", "argument")
    rows = (
        (
            *(one.thread.num, one.thread.lwp, one.thread.name, number, step.key, pointer(step.function), step.name),
            *(step.file, step.is_gone, pointer(step.argument), step.variable.name if step.variable else ""),
            *(step.module.name if step.module else "", step.problem, step.list_key),
        )
        for one in answer.threads
        for number, step in enumerate(one.steps, 1)
    )
    return Records((*columns, "variable", "module", "problem", "list_key"), rows)
