"""`tls-thread`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.thread.answer import ThreadsReport
from gdb_tls.questions.thread.document import document
from gdb_tls.questions.thread.table import INTERRUPTED, sentence
from gdb_tls.views.page import Page, from_document


def page(answer: ThreadsReport) -> Page:
    """Of one thread its sums in plain words; then the document's own tables and facts."""
    lead = [sentence(one, one.blocks) for one in answer.threads] if len(answer.threads) == 1 else []
    return from_document(document(answer), [*lead, *[INTERRUPTED] * answer.interrupted], without=("interrupted",))
