"""`tls-inspect`'s answer: what it has, the JSON document `gdb-tls/inspect/1`, and one record a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from gdb_tls.questions.command import Records
from gdb_tls.target.model import Instance, Report, Thread, Type
from gdb_tls.target.protocol import Frame
from gdb_tls.views.parts import scalar

COLUMNS = ("num", "lwp", "name", "thread_pointer", "state", "flags", "address", "value", "text", "via", "reason")


class Row(NamedTuple):
    """One line: an instance, or several that are alike.

    Attributes:
        instance: the only one, or the first.
        threads: of all of them.
        values: how many different values they have.
    """

    instance: Instance
    threads: Sequence[Thread]
    values: int = 1

    @property
    def is_single(self) -> bool:
        """Whether the line is of one thread."""
        return len(self.threads) == 1


def rows(report: Report, most: int | None) -> list[Row]:
    """One line a thread; where that is more than `most`, one for all in the same state.

    The selected thread keeps a line of its own.
    """
    found = report.instances
    if most is None or len(found) <= most:
        return [Row(instance, (instance.thread,)) for instance in found]
    selected = report.selected
    own = [at for at, thread in enumerate(found.threads) if thread.num == selected] if selected is not None else []
    parts = [own, *([at for at in group.members if at not in own] for group in found.groups)]
    return [
        Row(found[members[0]], [found.threads[at] for at in members], len({found.contents[at] for at in members}))
        for members in sorted(parts)
        if members
    ]


class Answer(NamedTuple):
    """What `tls-inspect` found, and how much of it to show.

    Attributes:
        report: all of it.
        rows: the lines of the table.
        where: the frame to show for a thread, by its number.
    """

    report: Report
    rows: Sequence[Row]
    where: Mapping[int | None, Frame | None]


def flagged(answer: Answer) -> bool:
    """Whether a thread has it null, dangling or shared."""
    counts = answer.report.instances.summary
    return any(counts[name] for name in ("null", "dangling", "shared"))


def document(answer: Answer) -> dict[str, Any]:
    """The whole report; addresses are lower-case hex strings."""
    from gdb_tls.views.json import Each

    report = answer.report
    return {
        "schema": "gdb-tls/inspect/1",
        "target": report.target._asdict(),
        "variable": variable_document(report),
        "threads": Each(partial(thread_document, kind=report.type), report.instances),
        "summary": report.instances.summary,
    }


def records(answer: Answer) -> Records:
    """One record a thread, with the names of the JSON document."""
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
        "module": {"id": variable.module.id, "path": variable.module.path, "storage": variable.module.storage},
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
