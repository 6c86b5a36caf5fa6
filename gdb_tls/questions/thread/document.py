"""`tls-thread`'s answer for programs: the JSON document `gdb-tls/thread/1`, and one flat table."""

from __future__ import annotations

from functools import partial
from typing import Any

from gdb_tls.program.marked import Marked
from gdb_tls.questions.thread.answer import BlockReport, ThreadReport, ThreadsReport
from gdb_tls.target.model import Absence
from gdb_tls.views.json import Each
from gdb_tls.views.parts import pointer, scalar, thread_fields
from gdb_tls.views.records import Records


def document(report: ThreadsReport) -> dict[str, Any]:
    """All threads; addresses are lower-case hex strings."""
    return {
        "schema": "gdb-tls/thread/1",
        "target": report.target._asdict(),
        "threads": Each(partial(_thread, marked=report.marked), report.threads),
        "interrupted": report.interrupted,
    }


def _thread(one: ThreadReport, marked: Marked) -> dict[str, Any]:
    dtv = None if isinstance(one.dtv, Absence) else one.dtv
    control = one.control_block
    return {
        **thread_fields(one.thread),
        "exited": one.thread.exited,
        "marks": marked.names(one.thread),
        "function": one.where.innermost.function or None if one.where else None,
        "control_block": {"address": hex(control.address), "size": control.size} if control else None,
        "dtv": {"address": hex(dtv.address), "generation": dtv.generation, "capacity": dtv.capacity} if dtv else None,
        "reason": one.dtv.reason if isinstance(one.dtv, Absence) else None,
        "blocks": [_block(block) for block in one.blocks],
    }


def _block(block: BlockReport) -> dict[str, Any]:
    module = block.module
    is_there = isinstance(block.place, int)
    return {
        "module": {"id": module.number, "path": module.path, "storage": module.storage},
        "size": module.segment.size if module.segment else None,
        "state": "allocated" if isinstance(block.place, int) else block.place.state.value,
        "address": pointer(block.place) if isinstance(block.place, int) else None,
        "reason": None if isinstance(block.place, int) else block.place.reason,
        "variables": [
            {
                "name": variable.name,
                "linkage_name": variable.linkage_name,
                "helper": variable.is_helper,
                "type": variable.type.name if variable.type else None,
                "offset": hex(variable.offset),
                "size": variable.size,
                "state": instance.state.value,
                "flags": [flag.value for flag in instance.flags],
                "address": pointer(instance.address),
                "value": scalar(instance, variable.type),
                "text": instance.text,
                "reason": instance.reason,
            }
            for variable, instance in block.values
        ]
        if is_there
        else [],
    }


def records(report: ThreadsReport) -> Records:
    """One record a variable and thread."""
    columns = (
        "num",
        "lwp",
        "module_id",
        "module",
        "variable",
        "type",
        "offset",
        "state",
        "flags",
        "address",
        "value",
        "text",
    )
    rows = (
        (
            *(
                one.thread.num,
                one.thread.lwp,
                block.module.number,
                block.module.path or block.module.name,
                variable.name,
            ),
            *(variable.type.name if variable.type else None, hex(variable.offset), instance.state.value),
            *(" ".join(instance.flags), pointer(instance.address), scalar(instance, variable.type), instance.text),
            *(" ".join(report.marked.names(one.thread)), instance.reason),
        )
        for one in report.threads
        for block in one.blocks
        for variable, instance in block.values
    )
    return Records((*columns, "marks", "reason"), rows)
