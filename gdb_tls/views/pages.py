"""Pages that show more than their document's tables: what stands out, where it stopped, the map.

They are made from the JSON documents, whose keys are stable, so a saved answer makes the same page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gdb_tls.questions.inspect.verdict import ranges
from gdb_tls.views import page as pages
from gdb_tls.views.page import (
    CODE,
    NUMBER,
    STATE,
    Column,
    Finding,
    Findings,
    Line,
    Map,
    Page,
    Prose,
    Row,
    Section,
    Table,
)

# Beyond so many threads those that are alike share a column of the map; beyond so many values the threads'
# rows do not open to them, since nobody reads so large a page.
MOST_COLUMNS = 64
MOST_VALUES = 50_000

Document = Mapping[str, Any]


def page_for(document: Document) -> Page:
    """The page for any command's JSON document."""
    return RICHER.get(document.get("schema", ""), pages.from_document)(document)


def audit(document: Document) -> Page:
    """The findings with their reasons, where the program stopped, and what was looked at."""
    summary = document["summary"]
    alarming = summary["alarming"]
    first = (
        f"{_count(alarming, 'variable')} {'looks' if alarming == 1 else 'look'} wrong."
        if alarming
        else "Nothing looks wrong."
    )
    looked = f"Looked at {_count(summary['variables'], 'variable')} of {_count(summary['modules'], 'module')}"
    lead = [first, f"{looked} in {_count(summary['threads'], 'thread')}."]
    if summary.get("interrupted"):
        lead[0] = f"Interrupted: {first[:1].lower()}{first[1:]}"
    found = [_finding(one) for one in document["findings"]]
    sections: list[Section] = [Findings("Findings" if found else "", found)]
    sections += _fault(document.get("fault"))
    if summary.get("missing"):
        sections.append(Prose("Could not be looked at", summary["missing"]))
    return Page(lead, sections, grave=bool(alarming))


def _finding(found: Document) -> Finding:
    variable = found["variable"]
    kind = variable.get("type") or ""
    title = f"{kind}{'' if not kind or kind.endswith(('*', '&')) else ' '}{variable['name']}"
    states = ", ".join(
        f"{'NULL' if state == 'null' else state} in {count:,}" for state, count in found["states"].items() if count
    )
    about = pages.facts({"states": states, "score": found["score"], **variable})
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


def states(document: Document) -> Page:
    """The map, then a row a thread that opens to its variables."""
    threads, variables, summary = document["threads"], document["variables"], document["summary"]
    groups = _alike(len(threads), variables)
    chart = Map(
        "Map",
        [
            ranges(threads[index]["num"] for index in group if threads[index]["num"] is not None) or "-"
            for group in groups
        ],
        [_line(variable, groups) for variable in variables],
    )
    lead = [f"{_count(summary['variables'], 'variable')} in {_count(summary['threads'], 'thread')}."]
    opens = len(threads) * len(variables) <= MOST_VALUES
    columns = [Column("Thread", NUMBER), Column("LWP", NUMBER, True), Column("Name")]
    columns += [Column("NULL", NUMBER), Column("Set", NUMBER), Column("Unallocated", NUMBER, True)]
    rows = [_thread(index, thread, variables, opens) for index, thread in enumerate(threads)]
    rest: list[Section] = [Prose("Could not be looked at", summary["missing"])] if summary.get("missing") else []
    return Page(lead, [chart, Table("Threads", columns, rows), *rest])


def _alike(count: int, variables: Sequence[Document]) -> list[list[int]]:
    """The columns: positions of threads, those with the same states together where there are many."""
    if count <= MOST_COLUMNS:
        return [[index] for index in range(count)]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, pattern in enumerate(zip(*(variable["states"] for variable in variables))):
        groups.setdefault(pattern, []).append(index)
    return list(groups.values())


def _line(variable: Document, groups: Sequence[Sequence[int]]) -> Line:
    module = os.path.basename(variable["module"]["path"] or f"module {variable['module']['id']}")
    values = variable.get("bytes")
    details = [] if values is None else [values[group[0]] or "" if len(group) == 1 else "" for group in groups]
    return Line(variable["name"], module, [variable["states"][group[0]] for group in groups], details)


def _thread(index: int, thread: Document, variables: Sequence[Document], opens: bool) -> Row:
    own = [variable["states"][index] for variable in variables]
    cells = [
        thread["num"],
        thread["lwp"],
        thread["name"],
        own.count("null"),
        own.count("set"),
        own.count("unallocated"),
    ]
    if not opens:
        return Row(cells)
    columns = [Column("Variable", CODE), Column("State", STATE), Column("Bytes", CODE)]
    rows = [
        Row([variable["name"], state, (variable["bytes"] or {index: None})[index]])
        for variable, state in zip(variables, own)
    ]
    about = pages.facts({key: value for key, value in thread.items() if value is not False})
    return Row(cells, [about, Table("Variables", columns, rows)])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


RICHER: Mapping[str, Callable[[Document], Page]] = {"gdb-tls/audit/1": audit, "gdb-tls/map/1": states}
