"""`tls-exit`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.exit.answer import Answer, ThreadExit, flagged
from gdb_tls.questions.exit.document import step_document
from gdb_tls.questions.exit.sentence import (
    argument_text,
    cause_text,
    function_text,
    others,
    rest,
    sentences,
    title,
    where_text,
)
from gdb_tls.views import page as pages


def page(answer: Answer) -> pages.Page:
    """For each thread its destructors in their order, and what follows."""
    sections: list[pages.Section] = []
    for one in answer.threads:
        sections += _thread(one)
    sections += [pages.Prose("", notes)] if (notes := rest(answer)) else []
    return pages.Page((), sections, grave=flagged(answer) or None)


def _thread(one: ThreadExit) -> list[pages.Section]:
    columns = [
        pages.Column("Order", pages.NUMBER),
        pages.Column("Destructor", pages.CODE),
        pages.Column("Of"),
        pages.Column("Argument", pages.CODE, True),
        pages.Column("Where", minor=True),
    ]
    rows = [
        pages.Row(
            [number, function_text(step), cause_text(step), argument_text(step), where_text(step)],
            [pages.facts(step_document(step))],
            grave=step.is_gone,
        )
        for number, step in enumerate(one.steps, 1)
    ]
    head = pages.Prose(title(one), [*others(one), *sentences(one)])
    return [head, pages.Table("Destructors", columns, rows)] if rows else [head]
