"""`tls-access`'s answer for programs: the JSON document `gdb-tls/access/1`, and one record a place in the code."""

from __future__ import annotations

from typing import Any

from gdb_tls.program.accesses import CodePlace
from gdb_tls.questions.access.answer import Answer, UserRow, use_of
from gdb_tls.questions.access.sentence import scope, sentences
from gdb_tls.views.parts import pointer, thread_fields, variable_fields
from gdb_tls.views.records import Records


def document(answer: Answer) -> dict[str, Any]:
    """All functions with all places; addresses are lower-case hex strings."""
    users, stacks = answer.users, answer.stacks
    return {
        "schema": "gdb-tls/access/1",
        "target": answer.target._asdict(),
        "variable": {**variable_fields(answer.variable), "path": answer.path or None},
        "functions": [function_document(row) for row in answer.rows],
        "modules": [{"name": one.name, "path": one.path} for one in users.objects],
        "not_looked_at": [{"name": one.name, "reason": one.problem} for one in users.unread],
        "undecided": users.undecided,
        "unexplained": list(users.unexplained),
        "interrupted": users.interrupted,
        "threads": {"looked_at": stacks.looked_at, "all": stacks.threads, "crashed": stacks.crashed},
        "text": [*sentences(answer), *scope(answer)],
    }


def function_document(row: UserRow) -> dict[str, Any]:
    """One function."""
    function = row.function
    return {
        "name": function.name,
        "full_name": function.full_name,
        "linkage_name": function.linkage_name or None,
        "module": {"name": function.object.name, "path": function.object.path},
        "address": pointer(function.start),
        "uses": dict(row.uses),
        "threads": [{**thread_fields(passage.thread), "frame": passage.depth} for passage in row.passages],
        "places": [place_document(place) for place in function.places],
    }


def place_document(place: CodePlace) -> dict[str, Any]:
    """One place in the code."""
    access = place.access
    return {
        "address": hex(place.address),
        "use": use_of(place),
        "offset": hex(place.offset),
        "width": access.width or None,
        "exact": access.exact,
        "file": place.file or None,
        "line": place.line or None,
    }


def records(answer: Answer) -> Records:
    """One record a place; the threads are those that have its function on their stacks."""
    columns = ("function", "linkage_name", "module", "use", "address", "offset", "width", "exact", "file", "line")
    rows = (
        (
            *(row.function.full_name, row.function.linkage_name or None, row.function.object.name),
            *(place_document(place)[column] for column in columns[3:]),
            " ".join(str(number) for number in dict.fromkeys(passage.thread.num for passage in row.passages)),
        )
        for row in answer.rows
        for place in row.function.places
    )
    return Records((*columns, "threads"), rows)
