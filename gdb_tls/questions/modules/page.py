"""`tls-modules`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.modules.answer import ModulesReport
from gdb_tls.questions.modules.document import document
from gdb_tls.questions.modules.table import sentences
from gdb_tls.views.page import Page, from_document


def page(answer: ModulesReport) -> Page:
    """The sums in plain words, then the document's own tables and facts."""
    return from_document(document(answer), sentences(answer))
