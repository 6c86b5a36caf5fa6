"""`tls-access`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.access.answer import Answer, UserRow, use_of
from gdb_tls.questions.access.document import function_document
from gdb_tls.questions.access.sentence import brief, scope, sentences, uses_text, where_text
from gdb_tls.questions.access.table import threads_text
from gdb_tls.views import page as pages
from gdb_tls.views.parts import variable_fields


def page(answer: Answer) -> pages.Page:
    """What follows, a row for each function that opens to its places, and the variable."""
    columns = [
        pages.Column("Function", pages.CODE),
        pages.Column("Uses"),
        pages.Column("Where", minor=True),
        pages.Column("Now in it"),
    ]
    if len(answer.users.objects) > 1:
        columns.append(pages.Column("Module", minor=True))
    rows = [_row(answer, row) for row in answer.rows]
    sections: list[pages.Section] = [pages.Table("Functions", columns, rows)] if rows else []
    sections.append(pages.facts({**variable_fields(answer.variable), "path": answer.path or None}, "Variable"))
    sections.append(pages.Prose("What was looked at", scope(answer)))
    return pages.Page(sentences(answer), sections)


def _row(answer: Answer, row: UserRow) -> pages.Row:
    columns = [
        pages.Column("Address", pages.CODE),
        pages.Column("Use"),
        pages.Column("Offset", pages.CODE),
        pages.Column("Where"),
    ]
    places = [
        pages.Row(
            [
                hex(place.address),
                use_of(place),
                hex(place.offset),
                f"{place.file}:{place.line}" if place.file else "",
            ]
        )
        for place in row.function.places
    ]
    known = {key: value for key, value in function_document(row).items() if key not in ("places", "threads", "uses")}
    where = where_text(row, answer.variable.file)
    cells = [brief(row.function.name), uses_text(row), where, threads_text(answer, row)]
    cells += [row.function.object.name] if len(answer.users.objects) > 1 else []
    return pages.Row(cells, [pages.Table("Places", columns, places, plain=True), pages.facts(known)])
