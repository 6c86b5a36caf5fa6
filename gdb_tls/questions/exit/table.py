"""`tls-exit`'s answer for a screen."""

from __future__ import annotations

from gdb_tls.questions.exit.answer import Answer, ThreadExit
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
from gdb_tls.views.drawing import Group, RenderableType, Table, Text
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe


def table(answer: Answer, screen: Screen) -> RenderableType:
    """For each thread a heading, a line for each destructor in the order in which they run, and the sum."""
    del screen
    parts: list[RenderableType] = []
    for one in answer.threads:
        parts += [Text("")] if parts else []
        parts.append(Text(safe(title(one)), "bold"))
        parts += [Text(text, "dim") for text in others(one)]
        parts += [Text(""), _steps(one), Text("")] if one.steps else []
        parts += [Text(safe(text), "" if index else "bold") for index, text in enumerate(sentences(one))]
    parts += [Text(""), *(Text(text, "dim") for text in notes)] if (notes := rest(answer)) else []
    return Group(*parts) if parts else Text("There is no thread to look at.")


def _steps(one: ThreadExit) -> RenderableType:
    rows = Table("", "Destructor", "Of", "Argument", "Where", right=("",))
    for number, step in enumerate(one.steps, 1):
        where = Text(safe(where_text(step)), "bold white on red" if step.is_gone else "dim")
        rows.add_row(
            str(number), Text(safe(function_text(step))), cause_text(step), Text(safe(argument_text(step))), where
        )
    return rows
