"""`tls-audit`'s answer for a browser: the findings, and where the program stopped.

It is made from the JSON document, whose keys are stable, so a saved answer makes the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gdb_tls.questions.audit.answer import Answer
from gdb_tls.questions.audit.document import document
from gdb_tls.views import page as pages
from gdb_tls.views.page import (
    CODE,
    Column,
    Finding,
    Findings,
    Page,
    Prose,
    Row,
    Section,
    Table,
)

Document = Mapping[str, Any]


def page(answer: Answer) -> Page:
    """The findings with their reasons, where the program stopped, and what was looked at."""
    return page_of(document(answer))


def page_of(document: Document) -> Page:
    """The findings with their reasons, where the program stopped, and what was looked at."""
    summary = document["summary"]
    found = [_finding(one) for one in document["findings"]]
    sections: list[Section] = [Findings("Findings" if found else "", found)]
    sections += _fault(document.get("fault"))
    if summary.get("missing"):
        sections.append(Prose("Could not be looked at", summary["missing"]))
    return Page(document["verdict"], sections, grave=bool(summary["alarming"]))


def _finding(found: Document) -> Finding:
    variable = found["variable"] or {}
    kind = variable.get("type") or ""
    title = f"{kind}{'' if not kind or kind.endswith(('*', '&')) else ' '}{found['name']}"
    states = ", ".join(
        f"{'NULL' if state == 'null' else state} in {count:,}" for state, count in found["states"].items() if count
    )
    about = pages.facts({"states": states, "level": found["level"], **variable})
    sentences = [reason["sentence"] for reason in found["reasons"]]
    return Finding(title, sentences, "high" if found["alarming"] else "low", [about])


def _fault(fault: Document | None) -> list[Section]:
    if not fault:
        return []
    where = f" on an access to {fault['address']}" if fault.get("address") else ""
    told = f"Thread {fault['num']} stopped on {fault.get('signal') or 'a fault'}{where}."
    columns = [Column("Function", CODE), Column("Where"), Column("PC", CODE, True)]
    rows = [
        Row(
            [
                frame["function"] or frame["pc"],
                f"{frame['file']}:{frame['line']}" if frame.get("file") else "",
                frame["pc"],
            ]
        )
        for frame in fault["frames"]
    ]
    return [Prose("Where it stopped", [told]), Table("", columns, rows, plain=True)]
