"""What the programs say of themselves, and every way in which an answer can differ from it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """What one thread of a program said of one variable (tests/programs/truth.h)."""

    variable: str
    linkage: str
    module: str
    module_id: int | None
    lwp: int
    thread: str
    thread_pointer: str
    kind: str
    state: str
    flags: list[str]
    address: str | None
    value: Any

    @property
    def query(self) -> str:
        """What to type for it."""
        return f"{self.variable} --module {self.module_id}" if self.module_id else self.variable


class Truth:
    """All that a program said."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines = [Line(**json.loads(line)) for line in file.read_text().splitlines()]

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(line.query for line in self.lines))

    def of(self, query: str) -> list[Line]:
        found = [line for line in self.lines if line.query == query]
        assert found, f"the program says nothing of {query}"
        return found

    def one(self, query: str, thread: str) -> Line:
        (found,) = (line for line in self.of(query) if line.thread == thread)
        return found

    @property
    def living(self) -> set[int]:
        return {line.lwp for line in self.lines if "exited" not in line.flags}


def mismatches(
    document: Any, lines: Sequence[Line], *, kind: str, via: str = "passive", untyped_ok: bool = False
) -> list[str]:
    """Every way in which an answer differs from the truth; empty where it is right.

    Args:
        document: the parsed JSON.
        lines: what the program's threads said, one line for each thread.
        kind: "live" or "core"; the kernel's cores have no thread names.
        via: the resolver that was asked for.
        untyped_ok: whether the flag `assumed-pointer` may be there or not.
    """
    found: list[str] = []

    def check(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            found.append(f"{lines[0].query}: {what} is {got!r}, not {wanted!r}")

    variable, rows = document["variable"], document["threads"]
    check("schema", document["schema"], "gdb-tls/inspect/1")
    check("target.kind", document["target"]["kind"], kind)
    # GCC 16 marks what an anonymous namespace holds as internal (L, Itanium C++ ABI 5.1.5), as its ELF symbol is.
    check("linkage name", variable["linkage_name"].replace("_GLOBAL__N_1L", "_GLOBAL__N_1"), lines[0].linkage)
    check("module", os.path.basename(variable["module"]["path"]), lines[0].module)
    if lines[0].module_id:
        check("module id", variable["module"]["id"], lines[0].module_id)
    check("summary", document["summary"], summary_of(rows))

    keys = [row_key(row["lwp"], row["thread_pointer"], row["flags"]) for row in rows]
    wanted = {row_key(line.lwp, line.thread_pointer, line.flags): line for line in lines}
    check("set of threads", sorted(keys, key=str), sorted(wanted, key=str))
    for key, row in zip(keys, rows):
        line = wanted.get(key)
        if line is None:
            continue
        flags = set(row["flags"]) - {"constructed"}  # see test_lifetimes
        if untyped_ok:
            flags -= {"assumed-pointer"}
        exited = "exited" in line.flags
        where = f"in {line.thread} ({line.lwp}), "
        check(where + "thread pointer", row["thread_pointer"], line.thread_pointer)
        check(where + "state", row["state"], line.state)
        check(where + "flags", sorted(flags), sorted(line.flags))
        if line.kind != "null-path":
            check(where + "address", row["address"], line.address)
        # An object that owns something has no one value of its own.
        check(where + "value", row["value"], None if line.kind == "owner" else line.value)
        check(where + "via", row["via"], via)
        check(where + "num is null", row["num"] is None, exited)
        reasoned = line.kind == "null-path" or line.state not in ("set", "null")
        check(where + "reason is given", bool(row["reason"]), reasoned)
        if kind == "live" and not exited and line.thread.isascii():
            # GDB reads one line of /proc/PID/task/TID/comm.
            check(where + "name", row["name"], line.thread.split("\n")[0])
    return found


def row_key(lwp: int | None, thread_pointer: str, flags: Sequence[str]) -> object:
    """What a thread is known by: an ended one has no id left."""
    return thread_pointer if "exited" in flags else lwp


def summary_of(rows: Sequence[Any]) -> dict[str, int]:
    """Counted again from the rows."""
    states = ("set", "null", "no-value", "unallocated", "not-constructed", "destroyed", "unreadable", "unresolved")
    flags = ("shared", "dangling", "exited")
    counted = {"threads": len(rows)}
    counted.update({state: sum(row["state"] == state for row in rows) for state in states})
    counted.update({flag: sum(flag in row["flags"] for row in rows) for flag in flags})
    return counted


def nothing_invented(documents: Mapping[str, Any], truth: Truth) -> list[str]:
    """Values and addresses that are not the truth, and threads that are missing or made up."""
    wrong = []
    for query, document in documents.items():
        true = {line.thread_pointer: line for line in truth.of(query)}
        by_lwp = {line.lwp: line for line in truth.of(query)}
        living = truth.living
        found = {row["lwp"] for row in document["threads"] if row["num"]}
        if found != living:
            wrong.append(f"{query}: threads {found}, not {living}")
        for row in document["threads"]:
            line = true.get(row["thread_pointer"]) or by_lwp.get(row["lwp"])
            if line is None:
                wrong.append(f"{query}: made-up row {row}")
            elif row["state"] in ("set", "null") and (row["state"], row["address"]) != (
                line.state,
                line.address,
            ):
                wrong.append(f"{query}: {row}, but the truth is {line}")
            elif row["state"] == "unallocated" and line.state != "unallocated":
                wrong.append(f"{query}: {row}, but it is allocated: {line}")
            elif row["state"] in ("unreadable", "unresolved") and not row["reason"]:
                wrong.append(f"{query}: no reason in {row}")
    return wrong
