"""Names without GDB: the C++ library that is here knows them; c++filt is for what it does not know."""

from __future__ import annotations

import pytest

from gdb_tls.hosts.direct import demangling

LAMBDA = "_ZNSt18condition_variable4waitIZL13wait_for_workiEUlvE_EEvRSt11unique_lockISt5mutexET_"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demangling, "_known", {})


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
def test_by_the_library(linkage: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert demangling.demangled([linkage]) == [name]


def test_no_program_is_run_for_cpp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    own, wait = demangling.demangled(["_ZN5space5pointE", LAMBDA])
    assert own == "space::point"
    assert wait.startswith("void std::condition_variable::wait<wait_for_work(int)::{lambda()#1}>(")
    assert demangling.demangled(["_Z", "plain", "_DYNAMIC"]) == ["_Z", "plain", "_DYNAMIC"]


def test_rust_and_d() -> None:
    assert demangling.demangled(["_RNvCs4fqI2P2rA04_3foo3bar", "_D3foo3barFZv"]) == ["foo::bar", "foo.bar()"]
