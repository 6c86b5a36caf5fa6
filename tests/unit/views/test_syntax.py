"""Values of Rust, without what leaves no room for them."""

from __future__ import annotations

import pytest

from gdb_tls.views.syntax import without_structures


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("core::cell::Cell<u64> {value: core::cell::UnsafeCell<u64> {value: 7}}", "7"),
        (
            "core::cell::RefCell<Option<Box<[u8]>>> {borrow: core::cell::Cell<isize> {value: 0}, value: None}",
            "{borrow: 0, value: None}",
        ),
        ("Point {x: 1, y: Inner<fn(u8) -> u8> {z: 2}}", "{x: 1, y: {z: 2}}"),
        ("Name {text: \"Cell {value: 1}\", c: 123 '{'}", "{text: \"Cell {value: 1}\", c: 123 '{'}"),
        ("Pool {first: 1, second: core::cell::Unsa...", "{first: 1, second: ..."),
        ("Cell {value: 1, other: 2}", "{value: 1, other: 2}"),
    ],
)
def test_rust(text: str, shown: str) -> None:
    assert without_structures(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "{a = 1, b = {c = 2}, d = std::map with 1 element = {[1] = 2}}",
        '(char *) 0x1000 "Cell: {value: 1}"',
        "{int (int)} 0x1139 <main>",
        "std::vector of length 1, capacity 1 = {1}",
        "7",
    ],
)
def test_c_stays(text: str) -> None:
    assert without_structures(text) == text
