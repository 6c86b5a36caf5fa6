"""`tls-table`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.table.answer import Answer, Line, is_flagged
from gdb_tls.questions.table.document import thread_document
from gdb_tls.questions.table.table import cell, sentences, which
from gdb_tls.target.model import State
from gdb_tls.views import page as pages
from gdb_tls.views.drawing import where_text

# Rows that open to all that is known of their cells; of more threads the page would be megabytes.
MOST_DETAILS = 1000


def page(answer: Answer) -> pages.Page:
    """A row a thread, which opens to all that is known of its cells, or a row a group; and what the columns are."""
    of_values = [pages.Column(column.name, pages.CODE) for column in answer.columns]
    named = any(line.names for line in answer.lines)
    name = [pages.Column("Name", minor=True)] if named else []
    if answer.grouped:
        columns = [pages.Column("Threads", pages.NUMBER), *name, *of_values, pages.Column("Which")]
        rows = [_group(answer, line, named) for line in answer.lines]
    else:
        columns = [pages.Column("Thread", pages.NUMBER), pages.Column("LWP", pages.NUMBER, True), *name, *of_values]
        columns += [pages.Column("Where", minor=True)] if answer.where else []
        rows = [_row(answer, line, named) for line in answer.lines]
        if list(answer.rows) == sorted(answer.rows):  # not in an order that was asked for
            rows = pages.marked_first(rows)
    about = pages.Table(
        "Columns",
        [pages.Column("Name"), pages.Column("Expression", pages.CODE), pages.Column("Type", pages.CODE)],
        [pages.Row([one.name, one.expression, one.type.name if one.type else None]) for one in answer.columns],
        plain=True,
    )
    title = "Groups" if answer.grouped else "Threads"
    grave = any(row.grave for row in rows) or None
    return pages.Page(sentences(answer), [pages.Table(title, columns, rows), about], grave)


def _cells(answer: Answer, at: int) -> list[object]:
    found: list[object] = []
    for column in answer.columns:
        instance = column.instances[at]
        text = cell(column, instance, False).plain
        has_value = instance.reason is None and instance.state is not State.UNALLOCATED
        found.append(text if has_value else pages.Words(text))
    return found


def _group(answer: Answer, line: Line, named: bool) -> pages.Row:
    first = line.members[0]
    cells = [len(line.members), *([line.names] if named else []), *_cells(answer, first), which(answer, line)]
    return pages.Row(cells, grave=is_flagged(answer, first))


def _row(answer: Answer, line: Line, named: bool) -> pages.Row:
    at = line.members[0]
    thread = answer.threads[at]
    cells = [thread.num, thread.lwp, *([thread.name] if named else []), *_cells(answer, at)]
    cells += [where_text(answer.where.get(thread.num)).plain] if answer.where else []
    marks = ", ".join(answer.marked.names(thread))
    if len(answer.rows) > MOST_DETAILS:
        return pages.Row(cells, mark=marks, grave=is_flagged(answer, at))
    found = thread_document(answer, at)
    details = [
        pages.facts({key: value for key, value in one.items() if value not in (None, [])}, column.name)
        for column, one in zip(answer.columns, found["cells"])
    ]
    return pages.Row(cells, details, marks, is_flagged(answer, at))
