"""Names without GDB: the C++ library that is here knows them, and no other program has to be."""

from __future__ import annotations

import pytest

from gdb_tls.hosts.direct import demangling


@pytest.fixture(autouse=True)
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demangling, "_known", {})
    monkeypatch.setenv("PATH", "/nonexistent")


@pytest.mark.parametrize(
    ("linkage", "name"),
    [
        ("_ZN6swoole6String5clearEv", "swoole::String::clear()"),
        # Lengths are in bytes of UTF-8.
        ("_Z17größenänderungB5cxx11", "größenänderung[abi:cxx11]"),
        ("_ZN1a18接続バッファE", "a::接続バッファ"),
        ("main", "main"),
        ("_Znonsense", "_Znonsense"),
    ],
)
def test_by_the_library(linkage: str, name: str) -> None:
    assert demangling.demangled([linkage]) == [name]
