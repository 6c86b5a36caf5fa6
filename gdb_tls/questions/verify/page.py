"""`tls-verify`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.verify.answer import Comparison
from gdb_tls.questions.verify.document import document
from gdb_tls.questions.verify.table import answered, notes, sentence
from gdb_tls.views.page import Page, Prose, Table, from_document


def page(answer: Comparison) -> Page:
    """Whether the resolvers agree, what each has answered, and where they do not."""
    grave = True if answer.disagreements else False if answer.compared else None
    found = from_document(document(answer), [sentence(answer)], grave)
    tables = [section for section in found.sections if isinstance(section, Table)]
    return found._replace(sections=[*tables, Prose("What each resolver answered", [*answered(answer), *notes(answer)])])
