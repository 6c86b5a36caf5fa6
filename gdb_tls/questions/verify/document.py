"""`tls-verify`'s answer for programs: the JSON document `gdb-tls/verify/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.verify.answer import Comparison
from gdb_tls.views.records import Records


def document(found: Comparison) -> dict[str, Any]:
    """The whole comparison."""
    return {
        "schema": "gdb-tls/verify/1",
        "target": found.target._asdict() if found.target else None,
        "variables": found.variables,
        "threads": found.threads,
        "threads_left": found.left,
        "threads_asked": found.asked,
        "derived": found.derived,
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
