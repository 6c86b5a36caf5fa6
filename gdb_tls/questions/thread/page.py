"""`tls-thread`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.thread.answer import ThreadsReport
from gdb_tls.questions.thread.document import document
from gdb_tls.views.page import Page, from_document


def page(answer: ThreadsReport) -> Page:
    """The document's own tables and facts."""
    return from_document(document(answer))
