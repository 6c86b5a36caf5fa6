"""What scripts/peer-suites counts as right, wrong and not compared; and how it asks for source packages."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))

from peers.compare import compare
from peers.sources import for_sources

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "peer-suites"
PLACE = ["/lib/a.so", 0x1000, 8, 77]


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize(("address", "wrong"), [(0x5008, 0), (0x5009, 1), (0, 1)])
def test_an_address_is_right_or_wrong(address: int, wrong: int, called: bool) -> None:
    result = compare([[*PLACE, 0x5008, ""]], [[*PLACE, "set", address, ""]], called)
    assert (result.compared, len(result.wrong), result.unresolved.total()) == (1, wrong, 0)


def test_what_the_calls_allocate_is_no_wrong_answer_before_them_and_one_after_them() -> None:
    truth, answers = [[*PLACE, 0x5008, ""]], [[*PLACE, "unallocated", None, "not touched"]]
    before, after = compare(truth, answers, False), compare(truth, answers, True)
    assert (before.compared, before.wrong, before.unresolved.total()) == (0, [], 1)
    assert (after.compared, [one.said for one in after.wrong]) == (1, ["unallocated"])


def test_what_one_side_does_not_know_is_counted_with_its_reason() -> None:
    here, there, missing = PLACE, [*PLACE[:3], 78], [*PLACE[:3], 79]
    truth = [[*here, None, "no stack"], [*there, 0x6008, ""], [*missing, 0x7008, ""]]
    answers = [[*here, "set", 0x5008, ""], [*there, "unresolved", None, "its DTV is damaged"]]
    result = compare(truth, answers, True)
    assert (result.compared, result.wrong) == (0, [])
    assert sorted(result.unresolved) == [
        "gdb-tls does not list the variable",
        "its DTV is damaged",
        "the code could not be called: no stack",
    ]


def test_sources_of_both_formats_are_asked_for_source_packages() -> None:
    assert for_sources("Types: deb\nURIs: x\n\nTypes: deb deb-src\n") == "Types: deb-src\nURIs: x\n\nTypes: deb-src\n"
    assert (
        for_sources("deb [a=b] x y main\n# deb no\ndeb-src x y\n") == "deb-src [a=b] x y main\n# deb no\ndeb-src x y\n"
    )


def test_a_share_is_the_same_for_a_seed_and_is_said() -> None:
    loaded = SourceFileLoader("peer_suites", str(SCRIPT))
    module = module_from_spec(spec_from_loader("peer_suites", loaded) or pytest.fail("no script"))
    sys.modules["peer_suites"] = module  # as its tuples' annotations need it
    loaded.exec_module(module)
    programs = [f"tst-{number}" for number in range(40)]
    some, again, others = (module.Choice((), 0.2, seed)("glibc", programs) for seed in (7, 7, 8))
    assert some == again != others
    assert (len(some), some <= set(programs)) == (8, True)
    assert len(module.Choice((), 0.001, 7)("gdb", programs)) == 1
    assert module.Choice(("tst-3",))("gdb", programs) == {"tst-3"}
    assert "--share 0.2 --seed 7" in str(module.Choice((), 0.2, 7))
    assert not str(module.Choice())
