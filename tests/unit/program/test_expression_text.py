"""Expressions as text: where one ends, and which words may be names."""

from __future__ import annotations

import pytest

from gdb_tls.program.expression_text import Name, changes, dollars, names, replaced, side_by_side, split, split_name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a, b->c , d[1]", ["a", "b->c", "d[1]"]),
        ("f(a, b), c", ["f(a, b)", "c"]),
        ('"x, y", c', ['"x, y"', "c"]),
        (r'"a\", b", c', [r'"a\", b"', "c"]),
        ("',', c", ["','", "c"]),
        ("'a,b.c'::x, y", ["'a,b.c'::x", "y"]),
        ("map<int, int>::x, y", ["map<int, int>::x", "y"]),
        ("v<m<int, p<a, b>>>::z, q", ["v<m<int, p<a, b>>>::z", "q"]),
        ("a < b, c > d", ["a < b", "c > d"]),
        ("m[{1, 2}], (a, b)", ["m[{1, 2}]", "(a, b)"]),
        ("a), b", ["a)", "b"]),
        ("a,,b,", ["a", "", "b", ""]),
    ],
)
def test_split(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b + c->d.e", ["a", "c"]),
        ("a . b -> c", ["a"]),
        ("(struct request *)p", ["p"]),
        ("sizeof(int) + (unsigned long)x", ["x"]),
        ('"abc" == q', ["q"]),
        ("'x' + y", ["y"]),
        ("'file.c'::buf[i]", ["'file.c'::buf", "i"]),
        ("libx.so.1::name->f", ["libx.so.1::name"]),
        ("ns::Pool::head->next", ["ns::Pool::head"]),
        ("$sp + $_streq(name, x)", ["name", "x"]),
        ("0x1fUL + 1e5 + .5f", []),
        ("_tsrm_ls_cache", ["_tsrm_ls_cache"]),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert [one.text for one in names(text)] == found
    assert all(text[one.start : one.end] == one.text for one in names(text))


def test_replaced_leaves_the_rest() -> None:
    text = 'a->a + "a" + a.b'
    found = list(names(text))
    assert replaced(text, found, lambda index: f"<{index}>") == '<0>->a + "a" + <1>.b'
    assert replaced(text, [], lambda index: "") == text
    assert replaced("a", [Name("a", 0, 1)], lambda index: "b") == "b"


def test_dollars() -> None:
    assert dollars('$sp + $_f("$no") + $1 + $$') == ["$sp", "$_f", "$1", "$$"]


@pytest.mark.parametrize(
    ("text", "expression", "name"),
    [
        ("request->id as id", "request->id", "id"),
        ("x", "x", ""),
        ("has_as", "has_as", ""),
        ("a as b as c", "a as b", "c"),
        ("x as 5", "x as 5", ""),
    ],
)
def test_split_name(text: str, expression: str, name: str) -> None:
    assert split_name(text) == (expression, name)


@pytest.mark.parametrize(
    ("text", "does"),
    [
        *((text, True) for text in ("a = 1", "a += 1", "a++", "-- a", "a <<= 2", "$x=3", "a ^= b", "(a)=b")),
        *((text, False) for text in ("a == 1", "a != b", "a <= b", "a >= b", "a - -b", '"a=b"', "'='", "a->b")),
    ],
)
def test_changes(text: str, does: bool) -> None:
    assert changes(text) is does


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("request counter", ["request", "counter"]),
        ("request->id  errno $sp", ["request->id", "errno", "$sp"]),
        ("values[1] counter", []),  # a bracket may end a cast
        ("(unsigned long) counter", []),
        ("unsigned long", []),
        ("sizeof counter", []),
        ("struct request *", []),
        ("a + b", []),
        ("a mod b", []),
        ("not a", []),
        ("call_me(a b)", []),
        ("'file.c'::name other", ["'file.c'::name", "other"]),
        ("", []),
    ],
)
def test_expressions_without_a_comma_between_them(text: str, parts: list[str]) -> None:
    assert side_by_side(text) == parts
