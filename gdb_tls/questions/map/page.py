"""`tls-map`'s answer for a browser: the map, and the threads.

It is made from the JSON document, whose keys are stable, so a saved answer makes the same page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from gdb_tls.program.runtimes import is_runtime
from gdb_tls.questions.map.answer import Answer
from gdb_tls.questions.map.document import document
from gdb_tls.views import page as pages
from gdb_tls.views.page import (
    CODE,
    NUMBER,
    STATE,
    Column,
    Line,
    Map,
    Page,
    Prose,
    Row,
    Section,
    Table,
)
from gdb_tls.views.words import MOST_LISTED, count, group_names, ranges, share

# Beyond so many threads those that are alike share a column of the map; beyond so many values the threads'
# rows do not open to them, since nobody reads so large a page.
MOST_COLUMNS = 64
MOST_VALUES = 10_000

Document = Mapping[str, Any]


def page(answer: Answer) -> Page:
    """The map, then a row a thread that opens to its variables."""
    return page_of(document(answer))


def page_of(document: Document) -> Page:
    """The map, then a row a thread that opens to its variables."""
    threads, variables, summary = document["threads"], document["variables"], document["summary"]
    groups = _alike(threads, variables)
    names, notes = _columns(threads, groups)
    lines = [_line(variable, groups) for variable in sorted(variables, key=lambda one: is_runtime(_file(one)))]
    chart = Map("Map", names, lines, notes)
    lead = [f"{count(summary['variables'], 'variable')} in {count(summary['threads'], 'thread')}."]
    opens = len(threads) * len(variables) <= MOST_VALUES
    columns = [Column("Thread", NUMBER), Column("LWP", NUMBER, True), Column("Name")]
    columns += [Column("NULL", NUMBER), Column("Set", NUMBER), Column("Unallocated", NUMBER, True)]
    rows = [_thread(index, thread, variables, opens) for index, thread in enumerate(threads)]
    rest: list[Section] = [Prose("Could not be looked at", summary["missing"])] if summary.get("missing") else []
    return Page(lead, [chart, Table("Threads", columns, pages.marked_first(rows)), *rest])


def _alike(threads: Sequence[Document], variables: Sequence[Document]) -> list[list[int]]:
    """The columns: positions of threads, those with the same states together where there are many.

    Who crashed, is main or is selected has a column alone, before the others.
    """
    if len(threads) <= MOST_COLUMNS:
        return [[index] for index in range(len(threads))]
    own = [index for index, thread in enumerate(threads) if thread.get("marks")]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, pattern in enumerate(zip(*(variable["states"] for variable in variables))):
        if not threads[index].get("marks"):
            groups.setdefault(pattern, []).append(index)
    return [*([index] for index in own), *sorted(groups.values(), key=len, reverse=True)]


def _columns(threads: Sequence[Document], groups: Sequence[Sequence[int]]) -> tuple[list[str], list[str]]:
    """Short headings for the columns, and what they stand for."""
    names, notes = [], []
    letters = group_names()
    for group in groups:
        some = [threads[index] for index in group]
        if len(some) == 1:
            number = some[0]["num"]
            names.append("-" if number is None else str(number))
            marks = ", ".join(some[0].get("marks") or ())
            notes += [f"{names[-1]}: {marks}"] if marks else []
        else:
            names.append(next(letters))
            known = ranges((thread["num"] for thread in some if thread["num"] is not None), MOST_LISTED)
            notes.append(f"{names[-1]}: {count(len(some), 'thread')}{share(len(some), len(threads))}: {known or '-'}")
    return names, notes


def _file(variable: Document) -> str:
    return os.path.basename(variable["module"]["path"] or f"module {variable['module']['id']}")


def _line(variable: Document, groups: Sequence[Sequence[int]]) -> Line:
    module = _file(variable)
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
    mark = ", ".join(thread.get("marks") or ())
    if not opens:
        return Row(cells, mark=mark)
    columns = [Column("Variable", CODE), Column("State", STATE), Column("Bytes", CODE)]
    rows = [
        Row([variable["name"], state, (variable["bytes"] or {index: None})[index]])
        for variable, state in zip(variables, own)
    ]
    about = pages.facts({key: value for key, value in thread.items() if value is not False and key != pages.MARKS})
    return Row(cells, [about, Table("Variables", columns, rows)], mark)
