"""`tls-keys`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.keys.answer import Answer
from gdb_tls.questions.keys.document import document
from gdb_tls.views.page import Page, from_document


def page(answer: Answer) -> Page:
    """The document's own tables and facts."""
    return from_document(document(answer))
