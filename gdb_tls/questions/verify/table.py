"""`tls-verify`'s answer: the table, the JSON document `gdb-tls/verify/1`, and one record a disagreement."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gdb_tls.questions.command import Records, Screen
from gdb_tls.questions.verify.reading import Comparison
from gdb_tls.views.parts import count
from gdb_tls.views.text import safe

MOST_DISAGREEMENTS = 50


def table(found: Comparison, screen: Screen) -> RenderableType:
    """How much each resolver answered, and where they differ."""
    del screen
    parts: list[RenderableType] = []
    for name, addresses in found.answered.items():
        note = f" ({found.unavailable[name]})" if name in found.unavailable else ""
        parts.append(Text(safe(f"{name:<13}{addresses:>9,} addresses{note}")))
    if found.disagreements:
        lines = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for heading in ("Variable", "Module", "Thread", "Answers"):
            lines.add_column(heading, overflow="fold")
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
    agree = "no disagreement" if not found.disagreements else f"{len(found.disagreements):,} disagreements"
    parts += [
        Text(""),
        Text(
            f"{count(found.variables, 'variable')} in {count(found.threads, 'thread')}: "
            f"{count(found.compared, 'instance')} compared, "
            f"{agree}.",
            "bold red" if found.disagreements else "bold",
        ),
    ]
    return Group(*parts)


def document(found: Comparison) -> dict[str, Any]:
    """The whole comparison."""
    return {
        "schema": "gdb-tls/verify/1",
        "variables": found.variables,
        "threads": found.threads,
        "compared": found.compared,
        "answered": found.answered,
        "unavailable": found.unavailable,
        "disagreements": [
            {
                "variable": one.variable.name,
                "module": one.variable.module.name,
                "num": one.thread.num,
                "lwp": one.thread.lwp,
                "addresses": {
                    name: hex(place) if isinstance(place, int) else None for name, place in one.places.items()
                },
                "reasons": {
                    name: None if isinstance(place, int) else place.reason for name, place in one.places.items()
                },
            }
            for one in found.disagreements
        ],
    }


def records(found: Comparison) -> Records:
    """One record a disagreement: who it is, then each resolver's answer."""
    names = list(found.answered)
    rows = (
        [one.variable.name, one.variable.module.name, one.thread.num, one.thread.lwp]
        + [
            hex(place) if isinstance(place, int) else place.reason if place else None
            for place in map(one.places.get, names)
        ]
        for one in found.disagreements
    )
    return Records(("variable", "module", "num", "lwp", *names), rows)
