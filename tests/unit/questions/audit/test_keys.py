"""Keys that look wrong by the values that threads have, on plain data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gdb_tls.questions.audit.keys import NONE_LEFT, Keys, OddKey
from gdb_tls.questions.keys import answer
from gdb_tls.questions.keys.answer import KeyReport, KeysReport, KeyState, KeyValue
from gdb_tls.questions.keys.names import Creator, KeyNames
from gdb_tls.target.model import TargetInfo, Thread

THREADS = [Thread(index + 1, 100 + index, "") for index in range(5)]
INFO = TargetInfo("core", 1, "/bin/x", "x86-64", "glibc")
STATES = {"S": KeyState.SET, "-": KeyState.UNSET, "N": KeyState.NULL, "O": KeyState.STALE}


def key(number: int, states: str, in_use: bool = True) -> KeyReport:
    values = [
        KeyValue(thread, STATES[state], 0x1000, 0x2000 if state in "SO" else None, 1, None)
        for thread, state in zip(THREADS, states)
    ]
    return KeyReport(number, 1, 0, "", "", in_use, values)


def odd(
    monkeypatch: pytest.MonkeyPatch, *keys: KeyReport, crashed: int | None = None, named: bool = False
) -> list[Any]:
    names = KeyNames((), (Creator("make_pool", "app", 0),))
    report = KeysReport(INFO, keys, len(THREADS), "", names)
    monkeypatch.setattr("gdb_tls.questions.audit.keys.read_keys", lambda *arguments: report)
    monkeypatch.setattr("gdb_tls.questions.audit.keys.key_names", lambda program: names)
    program: Any = SimpleNamespace(info=INFO)
    return list(Keys(program, THREADS).odd(crashed, named))


def rules(found: list[OddKey]) -> dict[int | None, list[tuple[str, list[int]]]]:
    return {one.number: [(each.rule, list(each.threads)) for each in one.findings] for one in found}


def test_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    found = odd(monkeypatch, key(3, "SSSS-"), key(4, "S----"), key(5, "SS---"), key(6, "SSSON", False), crashed=4)
    assert rules(found) == {
        3: [("key-unset-where-it-crashed", [4])],
        4: [("key-set-in-one", [1, 2, 3, 4])],
        6: [("key-stale", [3])],
    }
    assert not any(one.is_proven for one in found)
    assert rules(odd(monkeypatch, key(3, "SSSS-"), crashed=0)) == rules(odd(monkeypatch, key(3, "SSSS-"))) == {}


def test_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = odd(monkeypatch, *(key(number, "-----") for number in range(1024)))
    assert (found.number, found.name, found.is_proven) == (None, "pthread keys", True)
    assert {one.rule for one in found.findings} == {NONE_LEFT}
    assert "All 1,024 keys are in use, 1,024 of them without a value" in found.findings[0].sentence
    assert "1,024 without a destructor, perhaps created by make_pool (app)" in found.findings[1].sentence
    assert odd(monkeypatch, *(key(number, "-----") for number in range(1023))) == []


def test_states_are_those_of_the_answer() -> None:
    assert set(STATES.values()) < set(answer.KeyState)
