"""`tls-table`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.table.answer import Answer
from gdb_tls.questions.table.document import thread_document
from gdb_tls.questions.table.table import cell, sentences
from gdb_tls.target.model import State
from gdb_tls.views import page as pages
from gdb_tls.views.drawing import where_text


def page(answer: Answer) -> pages.Page:
    """A row a thread, which opens to all that is known of its cells, and what the columns are."""
    columns = [pages.Column("Thread", pages.NUMBER), pages.Column("LWP", pages.NUMBER, True)]
    named = any(thread.name for thread in answer.threads)
    columns += [pages.Column("Name", minor=True)] if named else []
    columns += [pages.Column(column.name, pages.CODE) for column in answer.columns]
    columns += [pages.Column("Where", minor=True)] if answer.where else []
    about = pages.Table(
        "Columns",
        [pages.Column("Name"), pages.Column("Expression", pages.CODE), pages.Column("Type", pages.CODE)],
        [pages.Row([one.name, one.expression, one.type.name if one.type else None]) for one in answer.columns],
        plain=True,
    )
    threads = pages.Table("Threads", columns, [_row(answer, at, named) for at in answer.rows])
    return pages.Page(sentences(answer), [threads, about])


def _row(answer: Answer, at: int, named: bool) -> pages.Row:
    thread = answer.threads[at]
    instances = [column.instances[at] for column in answer.columns]
    cells: list[object] = [thread.num, thread.lwp]
    cells += [thread.name] if named else []
    cells += [cell(column, instance, False).plain for column, instance in zip(answer.columns, instances)]
    cells += [where_text(answer.where.get(thread.num)).plain] if answer.where else []
    found = thread_document(answer, at)
    details = [
        pages.facts({key: value for key, value in one.items() if value not in (None, [])}, column.name)
        for column, one in zip(answer.columns, found["cells"])
    ]
    is_null = any(one.state is State.NULL and one.reason is None for one in instances)
    return pages.Row(cells, details, " ".join(found["marks"]), is_null)
