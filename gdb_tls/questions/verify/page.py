"""`tls-verify`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.verify.answer import Comparison
from gdb_tls.questions.verify.document import document
from gdb_tls.views.page import Page, from_document


def page(answer: Comparison) -> Page:
    """The document's own tables and facts."""
    return from_document(document(answer))
