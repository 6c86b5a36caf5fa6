"""The comparison with the truth sees every difference; without this, the other tests could not fail."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.truth import mismatches, nothing_invented

Document = dict[str, Any]

CHANGES: dict[str, Callable[[Document], object]] = {
    "a row is missing": lambda document: document["threads"].pop(),
    "a row too many": lambda document: document["threads"].append({**document["threads"][0], "lwp": 1}),
    "a row twice": lambda document: document["threads"].append(document["threads"][0]),
    "state": lambda document: document["threads"][0].update(state="unreadable"),
    "address": lambda document: document["threads"][1].update(address="0x10"),
    "no address": lambda document: document["threads"][1].update(address=None),
    "value": lambda document: document["threads"][2].update(value="0x10"),
    "flag": lambda document: document["threads"][3].update(flags=["shared"]),
    "assumed pointer": lambda document: document["threads"][3].update(flags=["assumed-pointer"]),
    "thread pointer": lambda document: document["threads"][0].update(thread_pointer="0x10"),
    "number": lambda document: document["threads"][0].update(num=None),
    "resolver": lambda document: document["threads"][0].update(via="gdb"),
    "reason": lambda document: document["threads"][0].update(reason="why"),
    "summary": lambda document: document["summary"].update(set=99),
    "linkage name": lambda document: document["variable"].update(linkage_name="other"),
    "module": lambda document: document["variable"]["module"].update(path="/other.so"),
    "kind of target": lambda document: document["target"].update(kind="live"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_difference_is_seen(change: str, subjects: Subjects) -> None:
    query = "zoo_some"
    lines = subjects.get("zoo", "core").truth.of(query)
    document = copy.deepcopy(subjects.answers("zoo", "core")[query])
    assert mismatches(document, lines, kind="core") == []
    CHANGES[change](document)
    assert mismatches(document, lines, kind="core") != []


@pytest.mark.parametrize("change", ["a row is missing", "a row too many", "address", "no address"])
def test_invention_is_seen(change: str, subjects: Subjects) -> None:
    query = "zoo_some"
    truth = subjects.get("zoo", "core").truth
    document = copy.deepcopy(subjects.answers("zoo", "core")[query])
    assert nothing_invented({query: document}, truth) == []
    CHANGES[change](document)
    if change == "a row too many":
        document["threads"][-1]["thread_pointer"] = "0x10"
    assert nothing_invented({query: document}, truth) != []


def test_every_program_has_untouched_and_touched_instances(subjects: Subjects) -> None:
    """The programs do what they are for: all states, in threads of one variable."""
    states = {line.state for line in subjects.get("zoo", "core").truth.of("early_buffer")}
    assert states == {"set", "unallocated"}
    for program in ("reuse", "many", "namespaces"):
        found = {line.state for line in subjects.get(program, "core").truth.lines}
        assert found == {"set", "null", "unallocated"} or found == {"set", "unallocated"}, program
    flags = {flag for line in subjects.get("zoo", "core").truth.lines for flag in line.flags}
    assert flags == {"shared", "dangling"}
