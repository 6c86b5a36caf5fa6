"""Names of the C++ library's own function; c++filt is for what that does not know."""

from __future__ import annotations

import pytest

from gdb_tls.hosts.direct import demangling

LAMBDA = "_ZNSt18condition_variable4waitIZL13wait_for_workiEUlvE_EEvRSt11unique_lockISt5mutexET_"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demangling, "_known", {})


def test_no_program_is_run_for_cpp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    own, wait = demangling.demangled(["_ZN5space5pointE", LAMBDA])
    assert own == "space::point"
    assert wait.startswith("void std::condition_variable::wait<wait_for_work(int)::{lambda()#1}>(")
    assert demangling.demangled(["_Z", "plain", "_DYNAMIC"]) == ["_Z", "plain", "_DYNAMIC"]


def test_rust_and_d() -> None:
    assert demangling.demangled(["_RNvCs4fqI2P2rA04_3foo3bar", "_D3foo3barFZv"]) == ["foo::bar", "foo.bar()"]
