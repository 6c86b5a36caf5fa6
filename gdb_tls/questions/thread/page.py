"""`tls-thread`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.thread.answer import ThreadsReport
from gdb_tls.questions.thread.document import document
from gdb_tls.questions.thread.table import ALIKE, INTERRUPTED, left_out, sentence, shared
from gdb_tls.views.drawing import where_text
from gdb_tls.views.json import whole
from gdb_tls.views.page import Page, from_document
from gdb_tls.views.words import alike


def page(answer: ThreadsReport) -> Page:
    """Of one thread its sums in plain words; then the document's own tables and facts."""
    lead = [sentence(one, one.blocks) for one in answer.threads] if len(answer.threads) == 1 else []
    lead += [*shared(answer), *left_out(answer), *[INTERRUPTED] * answer.interrupted]
    found = whole(document(answer))
    for row, one in zip(found["threads"], answer.threads):
        if one.where:
            row["function"] = where_text(one.where).plain
        if one.alike:
            row["others"] = alike(one.alike, ALIKE)
    return from_document(found, lead, without=("interrupted",))
