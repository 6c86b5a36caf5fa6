"""The other definitions of the variable that a crash came from: a copy that was not meant is a common mistake."""

from __future__ import annotations

from gdb_tls.errors import TlsError
from gdb_tls.program.lookup import Found
from gdb_tls.program.places import is_too_large
from gdb_tls.program.runtimes import is_of_a_language
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.access.answer import access
from gdb_tls.questions.access.sentence import writers_text
from gdb_tls.target.model import Variable
from gdb_tls.views.words import count


def copies(survey: Survey, variable: Variable) -> list[str]:
    """What is said of the other copies of a variable; one sentence for each kind."""
    found = []
    for column in survey.columns:
        candidate = column.candidate
        if candidate.symbol.name != variable.linkage_name or candidate.module.id == variable.module.id:
            continue
        # The languages' own libraries have namesakes.
        if candidate in survey.symbols.unused or is_of_a_language(candidate.module.name):
            continue
        have = sum(any(raw) for raw in column.raws())
        written = _written_by(survey, column)
        found.append(f"{candidate.module.name}'s ({written}set in {count(have, 'thread')})")
    sentences = []
    if found:
        sentences.append(
            f"{variable.module.name} has its own copy of {variable.name}; other copies: {', '.join(found)}."
        )
    dead = [
        one.module.name
        for one, used in survey.symbols.unused.items()
        if (used.module.id, used.symbol.value) == (variable.module.id, variable.offset)
    ]
    if dead:
        copies = "a copy" if len(dead) == 1 else "copies"
        sentences.append(
            f"{' and '.join(dead)} {'has' if len(dead) == 1 else 'have'} {copies} of it that no code is bound to: "
            f"the loader chose {variable.module.name}'s for all."
        )
    return sentences


def _written_by(survey: Survey, column: Column) -> str:
    """Who gives a copy its value, as the beginning of what is said of it; empty where that is not known."""
    if is_too_large(column.module):
        return ""
    try:
        text = writers_text(access(survey.program, Found(column.variable, "")))
    except (TlsError, OSError):  # its code cannot be read, and so nothing is said
        return ""
    return f"written by {text}, " if text else ""
