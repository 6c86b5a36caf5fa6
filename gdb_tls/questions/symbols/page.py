"""`tls-symbols`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.questions.symbols.document import document
from gdb_tls.questions.symbols.table import sentences
from gdb_tls.views.page import Page, from_document


def page(answer: Answer) -> Page:
    """How many there are, then the document's own tables and facts."""
    return from_document(document(answer), sentences(answer))
