"""`tls-symbols`'s answer: the table, the JSON document `gdb-tls/symbols/1`, and one record a variable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.target.model import Module, Variable
from gdb_tls.views.drawing import Group, RenderableType, Text, code, plain_table
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import copies_hidden, count, not_shown, storage

# The columns of numbers take so much, and the gaps.
NUMBERS = 22
LEAST_TYPE, LEAST_NAME, LEAST_SOURCE = 16, 16, 18


def _texts(variable: Variable, instead: Module | None, colour: bool) -> tuple[Text, Text, Text]:
    """Type, name and source; a name is to be typed, so only the others may be cut."""
    kind = code(variable.type.name, colour) if variable.type else Text("?", "dim")
    place = Text(safe(variable.problem or source(variable) or ("" if variable.type else f"({variable.source})")), "dim")
    for text in (kind, place):
        text.no_wrap, text.overflow = True, "ellipsis"
    name = Text(safe(variable.name))
    if instead is not None:
        name.append(f" (unused copy: {instead.name}'s is used)", "dim")
    return kind, name, place


def _fitting(place: Text, width: int) -> Text:
    """A source of which the file's name is cut where it is too long, and not the line in it."""
    name, colon, line = place.plain.rpartition(":")
    room = width - len(line) - 2
    if place.cell_len <= width or not colon or not line.isdigit() or room < 1:
        return place
    return Text(f"{name[:room]}…:{line}", place.style, no_wrap=True, overflow="ellipsis")


def _widths(rows: Sequence[Sequence[Text]], room: int) -> tuple[int, int, int]:
    """The columns' widths: where it is narrow, types are cut first, then long sources; then names are folded."""
    kind, name, place = (max(text.cell_len for text in column) for column in zip(*rows))
    heads = len("Type"), len("Name"), len("Source")
    kind, name, place = (max(width, head) for width, head in zip((kind, name, place), heads))
    kind = max(min(kind, room - name - place), min(kind, LEAST_TYPE))
    place = max(min(place, room - name - kind), min(place, LEAST_SOURCE))
    return kind, max(min(name, room - kind - place), min(name, LEAST_NAME)), place


def table(answer: Answer, screen: Screen) -> RenderableType:
    """For each module its variables, by offset."""
    parts: list[RenderableType] = []
    shown = [one for one in answer.variables if not (answer.folds and one.is_helper)]
    for title, group in groupby(shown, key=lambda variable: variable.module.title):
        variables = list(group)
        module = variables[0].module
        kind_of = f"  {storage(module)}" + (f", {module.segment.size:,} bytes" if module.segment else "")
        first = "  Control" if module.emulated else "  Offset"
        rows = plain_table(first, "Size", right=(first, "Size"))
        texts = [_texts(variable, answer.instead_of(variable), screen.colour) for variable in variables]
        widths = _widths(texts, screen.columns - NUMBERS)
        for heading, width in zip(("Type", "Name", "Source"), widths):
            rows.add_column(heading, overflow="fold", min_width=width, max_width=width)
        for variable, (kind, name, place) in zip(variables, texts):
            at = variable.module.emulated
            rows.add_row(
                f"0x{at.control if at else variable.offset:x}",
                f"{variable.size:,}",
                kind,
                name,
                _fitting(place, widths[2]),
            )
        parts += [
            Text(safe(title if module.emulated else f"{title}{kind_of}"), "bold"),
            rows,
            Text(""),
        ]
    folded = not_shown({}, len(answer.variables) - len(shown))
    parts += [Text(safe(folded), "dim")] if folded else []
    parts += [Text(safe(one), "bold" if index == 0 else "") for index, one in enumerate(sentences(answer))]
    return Group(*parts)


def sentences(answer: Answer) -> list[str]:
    """How many there are, what is not shown, and what is not known."""
    found = count(len(answer.variables), "thread-local variable")
    modules = count(len({variable.module.object for variable in answer.variables}), "module")
    hidden = copies_hidden(answer.hidden_copies)
    return [
        f"{found} in {modules}." if answer.variables else "No thread-local variable matches.",
        *([hidden] if hidden else []),
        *(f"{why[0].upper()}{why[1:]}." for why in answer.missing),
    ]
