"""`tls-whatis`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.whatis.answer import Whatis
from gdb_tls.questions.whatis.document import document
from gdb_tls.views.page import Page, from_document


def page(answer: Whatis) -> Page:
    """The document's own tables and facts."""
    return from_document(document(answer))
