"""The rules for what is no pointer, on plain data."""

from __future__ import annotations

from typing import Any

import pytest

from gdb_tls.questions.audit.numbers import Ids, Values, findings, findings_of_presence
from gdb_tls.target.model import Kind, Thread

THREADS = [Thread(index + 1, 4000 + index, "") for index in range(6)]
PID = 4000


def values(*numbers: int, size: int = 4, initial: int = 0, **more: Any) -> Values:
    held = [number.to_bytes(size, "little") for number in numbers]
    return Values(
        held, frozenset(held), initial.to_bytes(size, "little"), size, True, more.pop("kind", Kind.INTEGER), **more
    )


def rules(what: Values, crashed: int | None = None) -> dict[str, list[int]]:
    return {one.rule: list(one.threads) for one in findings(what, Ids(THREADS, PID), crashed)}


@pytest.mark.parametrize("size", [4, 8])
def test_an_id_of_before_the_fork(size: int) -> None:
    found = findings(values(3999, 4001, 4002, 4003, size=size), Ids(THREADS, PID), None)
    assert [one.threads for one in found] == [[0]]
    assert "3999, that of no thread of this process: kept from before a fork" in found[0].sentence


def test_an_id_of_another_thread() -> None:
    (found,) = findings(values(4000, 4001, 4002, 4001), Ids(THREADS, PID), None)
    assert "it is 4001, that of thread 2." in found.sentence and found.threads == [3]


def test_a_process_id_of_before_the_fork() -> None:
    (found,) = findings(values(3999, 4000, 4000, 4000), Ids(THREADS, PID), None)
    assert "it is the process id; in thread 1 it is 3999" in found.sentence


@pytest.mark.parametrize(
    "what",
    [
        values(4000, 4001, 4002, 4003),
        values(0, 4001, 4002, 4003),  # not cached yet
        values(7, 4001, 4002, 4003, initial=7),
        values(4000, 1, 2, 3),  # equal by accident
        values(4000, 4000, 4000, 4000),
        values(1, 2, 3, 4),
        values(3999 % 256, 4001 % 256, 4002 % 256, size=1),
    ],
)
def test_no_stale_id(what: Values) -> None:
    assert "stale-id" not in rules(what)


def test_a_starting_value_only_where_it_crashed() -> None:
    what = values(7, 7, 0xFFFFFFFF, 7, initial=0xFFFFFFFF)
    assert rules(what, crashed=2) == {"starting-value": [2]}
    (found,) = findings(what, Ids(THREADS, PID), 2)
    assert (
        "starting value, 4294967295 (-1), only in thread 3, which crashed; 3 others have set it to 7." in found.sentence
    )
    assert rules(what, crashed=1) == rules(what) == {}
    assert rules(values(7, 7, 0, 0, initial=0), crashed=2) == {}


def test_set_in_one_thread() -> None:
    what = values(1, 0, 0, 0, size=1, kind=Kind.BOOLEAN)
    assert rules(what, crashed=2) == {"set-in-one": [1, 2, 3]}
    assert "It is true in thread 1 only" in findings(what, Ids(THREADS, PID), 2)[0].sentence
    assert rules(what, crashed=0) == {}


@pytest.mark.parametrize(
    ("have", "crashed", "rule", "sentence"),
    [
        ("1000", None, "set-in-one", "It has a value in thread 1 only; in 3 threads (2-4) it has none."),
        ("1000", 2, "set-in-one", "in 3 threads (2-4), of which thread 3 crashed, it has none."),
        ("1110", 3, "no-value-where-it-crashed", "only in thread 4, which crashed; it has a value in 3 others."),
        ("1000", 0, "", ""),  # who has it has crashed
        ("1110", None, "", ""),
        ("1110", 2, "", ""),
        ("1100", 3, "", ""),
        ("10", None, "", ""),
        ("0000", 2, "", ""),
    ],
)
def test_a_value_or_none(have: str, crashed: int | None, rule: str, sentence: str) -> None:
    having = {index: one == "1" for index, one in enumerate(have)}
    found = list(findings_of_presence(having, THREADS, crashed, ("has a value", "has none")))
    assert [one.rule for one in found] == [rule] * bool(rule)
    assert all(one.sentence.endswith(sentence) for one in found)


def test_a_structure_is_zero_only_where_it_crashed() -> None:
    what = values(1, 2, 3, 0, size=40, kind=Kind.AGGREGATE)
    assert rules(what, crashed=3) == {"zero-where-it-crashed": [3]}
    assert rules(what._replace(size=400), crashed=3) == {"zero-where-it-crashed": [3]}
    assert "The first 40 of its 400 bytes" in findings(what._replace(size=400), Ids(THREADS, PID), 3)[0].sentence
    assert rules(what, crashed=2) == {}
    assert rules(what._replace(initial=None), crashed=3) == {}


def test_a_pointer_has_rules_of_its_own() -> None:
    assert rules(values(1 << 40, 1 << 41, 1 << 42, 0, size=8, kind=Kind.POINTER), crashed=3) == {}
