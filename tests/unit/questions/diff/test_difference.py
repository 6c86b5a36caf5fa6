"""tls-diff's comparison, on the documents of tls-map."""

from __future__ import annotations

from typing import Any

import pytest

from gdb_tls.errors import BadArgument
from gdb_tls.questions.diff.difference import (
    between_moments,
    between_threads,
    is_same_process,
    pairs,
    position,
    read_document,
)


def variable(name: str, kind: str, *cells: str | None, **more: Any) -> dict[str, Any]:
    """A cell is its bytes in hex; None for a thread without a block."""
    states = [
        "unallocated" if cell is None else "null" if kind == "pointer" and not int(cell, 16) else "set"
        for cell in cells
    ]
    module = {"id": 1, "path": "/usr/lib/libx.so", "storage": "static"}
    known = {"name": name, "linkage_name": name, "type": None, "size": 8, "offset": "0x0", "module": module}
    return {**known, "kind": kind, "signed": False, "states": states, "bytes": list(cells), **more}


def document(*variables: dict[str, Any], first_lwp: int = 100, base: int = 0x7F00) -> dict[str, Any]:
    count = len(variables[0]["states"])
    threads = [{"num": i + 1, "lwp": first_lwp + i, "thread_pointer": hex(base + i)} for i in range(count)]
    return {"schema": "gdb-tls/map/1", "byte_order": "little", "threads": threads, "variables": list(variables)}


A, B, NULL = "0010000000000000", "0020000000000000", "00" * 8


def test_a_difference_of_state_comes_first_and_own_pointers_last() -> None:
    found = between_threads(
        document(
            variable("own", "pointer", A, B),
            variable("count", "integer", "01000000", "ff000000"),
            variable("buffer", "pointer", A, NULL),
            variable("same", "integer", "07", "07"),
            variable("lazy", "integer", "07", None),
        ),
        0,
        1,
    )
    assert [(one.variable["name"], one.left.text, one.right.text) for one in found] == [
        ("buffer", "0x1000", "0x0"),
        ("lazy", "7", ""),
        ("count", "1", "255"),
        ("own", "0x1000", "0x2000"),
    ]
    assert [one.expected for one in found] == [False, False, False, True]
    assert found[1].right.state == "unallocated"


def test_two_moments_of_one_process() -> None:
    then = document(variable("p", "pointer", A, A), variable("n", "integer", "01", "02"))
    now = document(variable("p", "pointer", B, A), variable("n", "integer", "01", "03"))
    found = between_moments(then, now)
    assert is_same_process(then, now)
    assert [(one.variable["name"], one.thread["num"], one.left.text, one.right.text) for one in found] == [
        ("p", 1, "0x1000", "0x2000"),
        ("n", 2, "2", "3"),
    ]
    assert not any(one.expected for one in found)
    assert [one.variable["name"] for one in between_moments(then, now, [2])] == ["n"]


def test_pointers_of_two_runs_are_compared_by_state_only() -> None:
    then = document(variable("p", "pointer", A, A))
    now = document(variable("p", "pointer", B, NULL), first_lwp=900, base=0x5500)
    found = between_moments(then, now)
    assert not is_same_process(then, now)
    assert [(one.thread["num"], one.left.state, one.right.state) for one in found] == [(2, "set", "null")]


def test_a_variable_that_is_on_one_side_only() -> None:
    found = between_moments(document(variable("old", "integer", "01")), document(variable("new", "integer", "01")))
    assert [(one.variable["name"], one.left.state, one.right.state) for one in found] == [
        ("new", None, "set"),
        ("old", "set", None),
    ]


def test_twins_are_not_mixed_up() -> None:
    then = document(variable("counter", "integer", "01"), variable("counter", "integer", "02"))
    assert between_moments(then, then) == []


def test_big_endian_signed_and_float() -> None:
    one = document(
        variable("n", "integer", "fffffffe", "00000001", signed=True), variable("f", "float", "3fc00000", "40200000")
    )
    one["byte_order"] = "big"
    assert [(d.left.text, d.right.text) for d in between_threads(one, 0, 1)] == [("-2", "1"), ("1.5", "2.5")]


def test_a_long_value_is_shown_where_it_differs() -> None:
    left, right = "00" * 300, "00" * 200 + "ff" + "00" * 99
    (found,) = between_threads(document(variable("a", "aggregate", left, right)), 0, 1)
    assert found.left.text.startswith("[192..] 00 00") and "ff" in found.right.text


@pytest.mark.parametrize(
    "bad",
    [
        [],
        {"schema": "gdb-tls/inspect/1"},
        {"schema": "gdb-tls/map/1"},
        {"schema": "gdb-tls/map/1", "threads": [], "variables": [{"bytes": None}]},
        {"schema": "gdb-tls/map/1", "threads": [{}, {}], "variables": [variable("x", "integer", "01")]},
        {"schema": "gdb-tls/map/1", "threads": 3, "variables": []},
    ],
)
def test_what_is_no_picture_is_refused(bad: Any) -> None:
    with pytest.raises(BadArgument, match=r"tls-map"):
        read_document(bad, "x.json")


def test_an_unknown_thread_is_refused() -> None:
    with pytest.raises(BadArgument, match="no thread 7"):
        position(document(variable("n", "integer", "01")), 7, "this program")


def test_threads_of_two_runs_are_paired_by_what_they_are() -> None:
    """Main with main, the crashed with the crashed, the rest in the order in which they were made."""

    def run(pid: int, *threads: tuple[int, bool]) -> dict[str, Any]:
        made = [{"num": at, "lwp": pid + lwp, "crashed": crashed} for at, (lwp, crashed) in enumerate(threads, 1)]
        return {"target": {"pid": pid}, "threads": made}

    # In a core GDB has the crashed one first; the others come in any order.
    then = run(100, (7, True), (0, False), (9, False), (3, False))
    now = run(500, (2, True), (8, False), (0, False), (5, False), (12, False))
    assert pairs(then, now) == {2: 1, 0: 0, 3: 3, 1: 2}
    # Main crashed in one of them.
    assert pairs(run(100, (0, True), (1, False)), run(500, (1, True), (0, False))) == {1: 0, 0: 1}
    # Nobody crashed, and the process id is of another namespace.
    assert pairs(run(100, (4, False), (3, False)), run(500, (1, False), (2, False))) == {0: 1, 1: 0}
