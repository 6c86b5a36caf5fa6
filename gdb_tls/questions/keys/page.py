"""`tls-keys`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.keys.answer import Answer, KeyReport, KeyState
from gdb_tls.questions.keys.document import document
from gdb_tls.questions.keys.table import destructor_text, sentences
from gdb_tls.questions.keys.words import named, stored_sentences
from gdb_tls.views import page as pages


def page(answer: Answer) -> pages.Page:
    """The answer in plain words, a row a key, which opens to each thread's value, and what else there is."""
    report = answer.report
    words = [*sentences(report), *stored_sentences(answer.behind)]
    found = pages.from_document(document(answer), words, without=("problem", "names_problem", "storage_problems"))
    columns = [
        pages.Column("Key", pages.NUMBER),
        pages.Column("Variable"),
        pages.Column("Destructor", pages.CODE),
        pages.Column("Set in", pages.NUMBER, True),
    ]
    sections = [
        one._replace(columns=columns, rows=[_row(key, row, answer) for key, row in zip(report.keys, one.rows)])
        if isinstance(one, pages.Table) and one.title == "Keys"
        else one
        for one in found.sections
    ]
    return found._replace(sections=sections)


def _row(key: KeyReport, row: pages.Row, answer: Answer) -> pages.Row:
    own = sum(value.state in (KeyState.SET, KeyState.STALE) for value in key.values)
    cells = [key.number, named(key, answer.report.names), destructor_text(key), f"{own:,} of {len(key.values):,}"]
    return row._replace(cells=cells, grave=any(value.state is KeyState.STALE for value in key.values))
