"""`tls-access`'s answer for a screen."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.marked import Marked
from gdb_tls.questions.access.answer import Answer, UserRow
from gdb_tls.questions.access.sentence import brief, scope, sentences, uses_text, where_text
from gdb_tls.views.drawing import Group, Renderable, Table, Text, heading_text
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count, storage, with_marks


def table(answer: Answer, screen: Screen) -> Renderable:
    """The variable, a line for each function, and what follows."""
    shown = answer.rows if answer.most is None else answer.rows[: answer.most]
    parts: list[Renderable] = [_heading(answer, screen), Text("")]
    if shown:
        parts += [_functions(answer, shown), Text("")]
    if len(shown) < len(answer.rows):
        parts.append(Text(f"{count(len(answer.rows) - len(shown), 'more function')}; --all shows each.", "dim"))
    found = sentences(answer)
    parts += [Text(safe(sentence), "" if index else "bold") for index, sentence in enumerate(found)]
    parts += [Text(safe(sentence), "dim") for sentence in scope(answer)]
    return Group(*parts)


def _heading(answer: Answer, screen: Screen) -> Renderable:
    variable, module = answer.variable, answer.variable.module
    kind = answer.type.name if answer.type else ""
    facts = [f"module {module.id}", module.name, f"offset 0x{variable.offset + answer.offset:x}"]
    if module.emulated:
        facts = [module.name, f"control variable at 0x{module.emulated.control:x}"]
        facts += [f"offset 0x{answer.offset:x}"] if answer.offset else []
    facts.append(storage(module))
    facts += ["exported"] if variable.exported else []
    heading = heading_text(answer.expression, kind, source(variable), screen)
    return Group(heading, Text(safe("  ".join(facts)), "dim"))


def _functions(answer: Answer, rows: Sequence[UserRow]) -> Renderable:
    inside = any(row.passages for row in rows)
    found = Table("", "Function", "Uses", "Where", *(["Now in it"] if inside else []))
    for row in rows:
        mark = "!" if row.is_unchecked else ""
        name = Text(safe(brief(row.function.name)))
        if row.function.object.load_base != answer.variable.module.load_base:
            name.append(safe(f" ({row.function.object.name})"), "dim")
        where = Text(safe(where_text(row, answer.variable.file)), "dim")
        cells = [Text(mark, "bold yellow"), name, Text(uses_text(row), _style(row)), where]
        found.add_row(*cells, *([Text(threads_text(answer, row))] if inside else []))
    return found


def _style(row: UserRow) -> str:
    return "bold cyan" if row.writes else "bold yellow" if row.is_unchecked else ""


def threads_text(answer: Answer, row: UserRow) -> str:
    """The threads that are in a function, the crashed one first."""
    threads = list({passage.thread: None for passage in row.passages})
    return with_marks(threads, Marked(answer.stacks.crashed))
