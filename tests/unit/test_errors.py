"""Errors: a sentence that says what is wrong, and one that says what to try."""

from __future__ import annotations

import inspect

import pytest

from gdb_tls import errors
from gdb_tls.errors import BadArgument, MissingFile, NoProcess, ResolverUnavailable, TlsError

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TlsError) and kind is not TlsError
]


def test_text() -> None:
    assert str(BadArgument("It is wrong")) == "It is wrong."
    assert str(BadArgument("It is wrong", "Do this.")) == "It is wrong. Do this."
    assert str(NoProcess("There is none")) == ("There is none. Use `run`, `attach PID` or `core-file FILE` first.")


def test_own_hint_replaces_the_kinds() -> None:
    error = ResolverUnavailable("It cannot work", "Leave it out.")
    assert (error.what, error.hint, str(error)) == ("It cannot work", "Leave it out.", "It cannot work. Leave it out.")
    assert str(MissingFile("It is gone", "")) == "It is gone."


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: type[TlsError]) -> None:
    assert kind.__doc__
    hint = kind("x").hint
    assert not hint or (hint[0].isupper() and hint.endswith("."))
    assert str(kind("Something")).startswith("Something.")


def test_there_are_kinds() -> None:
    assert len(KINDS) >= 10
