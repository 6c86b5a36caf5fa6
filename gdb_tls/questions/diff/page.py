"""`tls-diff`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.diff.answer import Answer
from gdb_tls.questions.diff.document import document
from gdb_tls.questions.diff.table import cell_text, headings, sentences, shown, thread_text
from gdb_tls.views import page as pages


def page(answer: Answer) -> pages.Page:
    """How much differs, and a line for each difference, as on a screen."""
    moments = answer.same_process is not None
    columns = [pages.Column("Variable"), pages.Column("Module", minor=True)]
    columns += [pages.Column("Thread", pages.NUMBER)] if moments else []
    columns += [pages.Column(heading, pages.CODE) for heading in headings(answer)]
    details = dict(zip(map(id, answer.differences), document(answer)["differences"]))
    rows = [
        pages.Row(
            [one.variable["name"], one.module_name, *([thread_text(one)] if moments else []), *map(cell_text, sides)],
            [pages.facts(details[id(one)])],
        )
        for one in shown(answer)
        for sides in [(one.left, one.right)]
    ]
    return pages.Page(sentences(answer), [pages.Table("Differences", columns, rows)] if rows else [])
