"""`tls-verify`'s answer: the table, the JSON document `gdb-tls/verify/1`, and one record a disagreement."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.questions.verify.answer import Comparison
from gdb_tls.views.drawing import Group, RenderableType, Table, Text
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count

MOST_DISAGREEMENTS = 50


def table(found: Comparison, screen: Screen) -> RenderableType:
    """How much each resolver answered, and where they differ."""
    del screen
    parts: list[RenderableType] = [Text(safe(line)) for line in answered(found)]
    parts += [Text(line, "dim") for line in notes(found)]
    if found.disagreements:
        lines = Table("Variable", "Module", "Thread", "Answers")
        for one in found.disagreements[:MOST_DISAGREEMENTS]:
            answers = "\n".join(
                f"{name}: {hex(place) if isinstance(place, int) else place.reason}"
                for name, place in one.places.items()
            )
            number = str(one.thread.num) if one.thread.num is not None else "-"
            lines.add_row(
                Text(safe(one.variable.name)),
                Text(safe(one.variable.module.name)),
                number,
                Text("\n".join(map(safe, answers.split("\n")))),
            )
        parts += [Text(""), lines]
        if len(found.disagreements) > MOST_DISAGREEMENTS:
            parts.append(Text(f"and {len(found.disagreements) - MOST_DISAGREEMENTS:,} more"))
    parts += [Text(""), Text(safe(sentence(found)), "bold red" if found.disagreements else "bold")]
    return Group(*parts)


def answered(found: Comparison) -> Iterator[str]:
    """For each resolver how many addresses it gave, and why it gave none."""
    width = max(map(len, found.answered), default=0)
    digits = max((len(f"{number:,}") for number in found.answered.values()), default=0)
    for name, number in found.answered.items():
        note = f" ({found.unavailable[name]})" if name in found.unavailable else ""
        yield f"{name:<{width}}  {number:>{digits},} address{'' if number == 1 else 'es'}{note}"


def notes(found: Comparison) -> Iterator[str]:
    """Why GDB gave fewer addresses, or not all by itself."""
    if found.asked is None:
        return
    if found.unlisted:
        yield f"GDB does not list {found.unlisted:,} of the threads."
    if found.asked < found.threads:
        where = f"{found.asked:,} of the {count(found.threads, 'thread')}"
        yield f"GDB takes long: it was asked in {where}, evenly spread. --threads LIST asks it in each of LIST."
    if found.derived:
        yield f"{found.derived:,} of GDB's addresses follow from its answer for another variable of the module there."


def sentence(found: Comparison) -> str:
    """Whether they agree."""
    agree = f"{count(found.compared, 'instance')} compared, {_agreement(found)}"
    if not found.compared:
        agree = "nothing could be compared, as no instance has an address from two resolvers"
    left = f" Interrupted: {count(found.left, 'more thread')} not looked at." if found.left else ""
    return f"{count(found.variables, 'variable')} in {count(found.threads, 'thread')}: {agree}.{left}"


def _agreement(found: Comparison) -> str:
    return count(len(found.disagreements), "disagreement") if found.disagreements else "no disagreement"
