"""`tls-keys`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.keys.answer import Answer
from gdb_tls.questions.keys.document import document
from gdb_tls.questions.keys.table import sentences
from gdb_tls.views.page import Page, from_document


def page(answer: Answer) -> Page:
    """The answer in plain words, then the document's own tables and facts."""
    return from_document(document(answer), sentences(answer.report), without=("problem", "names_problem"))
