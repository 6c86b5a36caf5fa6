"""`tls-symbols`'s answer: the table, the JSON document `gdb-tls/symbols/1`, and one record a variable."""

from __future__ import annotations

from itertools import groupby

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.target.model import Module, Variable
from gdb_tls.views.columns import LEAST_CUT, Cell, Fitting
from gdb_tls.views.drawing import Group, Renderable, Table, Text, code
from gdb_tls.views.folding import MORE, shortened, width
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import copies_hidden, count, not_shown, storage


def _kind(variable: Variable, colour: bool) -> Cell:
    """A type, of which the scopes in front are left out first: a name is to be typed, a type is not."""
    if not variable.type:
        return Text("?", "dim")
    name = variable.type.name
    return Fitting(lambda room: code(shortened(name, room), colour), width(safe(name)), LEAST_CUT)


def _name(variable: Variable, instead: Module | None) -> Text:
    name = Text(safe(variable.name))
    return name if instead is None else name.append(f" (unused copy: {instead.name}'s is used)", "dim")


def _source(variable: Variable) -> Cell:
    """Where it is declared: of a file's name that is too long the end is cut, and not the line in it."""
    place = safe(variable.problem or source(variable) or ("" if variable.type else f"({variable.source})"))
    name, colon, line = place.rpartition(":")

    def fitted(room: int) -> Text:
        left = room - len(line) - len(MORE) - len(colon)
        if len(place) > room and line.isdigit() and left > 0:
            return Text(f"{name[:left]}{MORE}:{line}", "dim")
        return Text(place, "dim")

    return Fitting(fitted, width(place), LEAST_CUT)


def table(answer: Answer, screen: Screen) -> Renderable:
    """For each module its variables, by offset."""
    parts: list[Renderable] = []
    shown = [one for one in answer.variables if not (answer.folds and one.is_helper)]
    for title, group in groupby(shown, key=lambda variable: variable.module.title):
        variables = list(group)
        module = variables[0].module
        kind_of = f"  {storage(module)}" + (f", {module.segment.size:,} bytes" if module.segment else "")
        first = "  Control" if module.emulated else "  Offset"
        rows = Table(first, "Size", right=(first, "Size"))
        rows.add_column("Type", gives_way=True)
        rows.add_column("Name")
        rows.add_column("Source")
        for variable in variables:
            at = variable.module.emulated
            rows.add_row(
                f"0x{at.control if at else variable.offset:x}",
                f"{variable.size:,}",
                _kind(variable, screen.colour),
                _name(variable, answer.instead_of(variable)),
                _source(variable),
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
