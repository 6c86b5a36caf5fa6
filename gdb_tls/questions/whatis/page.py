"""`tls-whatis`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.whatis.answer import Whatis
from gdb_tls.questions.whatis.table import facts, told
from gdb_tls.views.page import TEXT, Facts, Page


def page(answer: Whatis) -> Page:
    """One sentence, and what is known besides, as on a screen."""
    known = Facts("", [(name.capitalize(), text.plain, TEXT) for name, text in facts(answer, False)])
    return Page([told(answer)], [known] if known.facts else [])
