"""The rules of tls-audit, on plain data."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from gdb_tls.program.memory_map import BLOCK, OTHER, STACK, STATIC, UNMAPPED, Area
from gdb_tls.questions.audit import rules
from gdb_tls.questions.audit.rules import Crash, Finding, Holding
from gdb_tls.questions.audit.weight import ALARM, weigh
from gdb_tls.target.model import Thread

HEAP = Area(OTHER)


class Scene:
    """Threads 0 (main) to 9, whose numbers are one higher; by default all have touched and run the same."""

    main = 0

    def __init__(
        self,
        fault: Crash | None = None,
        touched: Sequence[int] = range(10),
        functions: dict[int, Hashable] | None = None,
        ended: Sequence[int] = (),
        freed: Sequence[int] = (),
        dead: Sequence[int] = (),
    ) -> None:
        self._fault, self._touched, self._functions, self._ended = fault, touched, functions or {}, ended
        self._freed, self._dead = freed, dead

    def fault(self) -> Crash | None:
        return self._fault

    def has_touched(self, thread: int) -> bool:
        return thread in self._touched

    def function(self, thread: int) -> Hashable:
        return self._functions.get(thread, "main" if thread == 0 else "worker")

    def thread(self, thread: int) -> Thread:
        return Thread(thread + 1, 100 + thread, "")

    def has_ended(self, thread: int) -> bool:
        return thread in self._ended

    def freed(self, pointers: Sequence[int]) -> set[int]:
        return set(pointers) & set(self._freed)

    def is_dead(self, thread: int, pointer: int) -> bool:
        return pointer in self._dead


def holding(
    null: Sequence[int] = (), pointers: dict[int, int] | None = None, area: Area = HEAP, **more: Any
) -> Holding:
    pointers = pointers or {}
    areas = {**dict.fromkeys(pointers.values(), area), **more.pop("areas", {})}
    return Holding(null, pointers, areas, **more)


def own(*threads: int) -> dict[int, int]:
    return {thread: 0x7F0000001000 + thread * 64 for thread in threads}


def apply(rule: rules.Rule, what: Holding, scene: Scene | None = None) -> list[Finding]:
    return list(rule(what, scene or Scene()))


def test_set_in_main_only_is_the_swoole_pattern() -> None:
    (found,) = apply(rules.set_in_main_only, holding([1, 2, 3], own(0)))
    assert found.score == 65 and list(found.threads) == [1, 2, 3]
    assert "null in 3 threads (2-4)" in found.sentence and "initialised once" in found.sentence
    assert "unless each makes its own" in found.sentence


def test_a_crash_leaves_no_doubt() -> None:
    (found,) = apply(rules.set_in_main_only, holding([1, 2, 3], own(0)), Scene(Crash(2, None, False)))
    assert found.sentence.endswith("not once for each thread.")


@pytest.mark.parametrize(("touched", "score"), [((), 25), ((1,), 54), ((1, 2), 65)])
def test_threads_that_touched_the_module_are_the_evidence(touched: Sequence[int], score: int) -> None:
    two = [1, 2]
    (found,) = apply(rules.set_in_main_only, holding(two, own(0)), Scene(touched=touched))
    assert abs(found.score - score) <= 5 and (found.score >= ALARM) == bool(touched)


@pytest.mark.parametrize("what", [holding([1], own(0, 2)), holding([0], own(1)), holding([], own(0)), holding([0, 1])])
def test_other_patterns_are_not_main_only(what: Holding) -> None:
    assert apply(rules.set_in_main_only, what) == []


def test_null_in_a_minority_that_runs_the_same() -> None:
    (found,) = apply(rules.null_in_minority, holding([3], own(1, 2, 4, 5)))
    assert list(found.threads) == [3] and "set in 4 others" in found.sentence


@pytest.mark.parametrize(
    ("null", "have", "functions"),
    [
        ([3], (1, 2), {}),  # three threads make no majority
        ([3, 4], (1, 2, 5), {}),  # two of five are no minority
        ([3], (1, 2, 4, 5), {3: "another"}),  # it runs something else
        ([3], (1, 2, 4, 5), dict.fromkeys((1, 2, 3, 4, 5))),  # nobody knows what they run
        ([0], (1, 2, 3, 4), {0: "worker"}),  # main is never one of the workers
    ],
)
def test_no_minority(null: list[int], have: tuple[int, ...], functions: dict[int, Hashable]) -> None:
    assert apply(rules.null_in_minority, holding(null, own(*have)), Scene(functions=functions)) == []


def test_two_threads_share_what_others_have_for_themselves() -> None:
    (found,) = apply(rules.shared_object, holding([], {**own(0, 3, 4), 1: 0x5000, 2: 0x5000}))
    assert sorted(found.threads) == [1, 2] and found.score >= ALARM
    assert found.sentence == "2 threads (2-3) share one object, while 3 others have their own."


def test_what_all_share_is_only_a_hint() -> None:
    (found,) = apply(rules.shared_object, holding([], dict.fromkeys(range(5), 0x5000)))
    assert found.score < ALARM


def test_an_only_owner_must_not_share() -> None:
    (found,) = apply(rules.shared_object, holding([], dict.fromkeys(range(5), 0x5000), owner=True))
    assert found.score >= ALARM


@pytest.mark.parametrize(
    "what",
    [
        holding([], dict.fromkeys(range(5), 0x5000), area=Area(STATIC)),  # a table of the file's
        holding([], {**own(0, 3, 4), 1: 0x5000, 2: 0x5000}, shares=True),  # a shared_ptr
        holding([], {**own(0, 3, 4), 1: 1, 2: 1}),  # a mark
        holding([], own(0, 1, 2)),
    ],
)
def test_harmless_sharing(what: Holding) -> None:
    assert apply(rules.shared_object, what) == []


def test_dangling() -> None:
    (found,) = apply(rules.dangling, holding([], {**own(0), 1: 0x666000}, areas={0x666000: Area(UNMAPPED)}))
    assert list(found.threads) == [1] and found.score >= ALARM
    assert apply(rules.dangling, holding([], {1: 0x666000}, Area(UNMAPPED), typed=False)) == []


@pytest.mark.parametrize("mark", [1, 4095, (1 << 64) - 1])
def test_marks_do_not_dangle(mark: int) -> None:
    assert apply(rules.dangling, holding([], {1: mark}, Area(UNMAPPED))) == []


@pytest.mark.parametrize(
    ("area", "ended", "alarming"),
    [
        (Area(STACK, 2), (), True),
        (Area(STACK, 0), (), False),  # main's stack is there to the end
        (Area(BLOCK, 0), (), True),
        (Area(STACK, 0), (0,), True),
    ],
)
def test_pointers_into_another_thread(area: Area, ended: Sequence[int], alarming: bool) -> None:
    (found,) = apply(rules.into_other_thread, holding([], {1: 0x5000}, area), Scene(ended=ended))
    assert list(found.threads) == [1] and (found.score >= ALARM) == alarming


def test_a_thread_may_point_into_its_own_stack_and_block() -> None:
    what = holding([], {1: 0x5000, 2: 0x6000}, areas={0x5000: Area(STACK, 1), 0x6000: Area(BLOCK, 2)})
    assert apply(rules.into_other_thread, what) == []


def test_pointers_to_freed_memory() -> None:
    have = own(1, 2, 3)
    (found,) = apply(rules.into_freed, holding([], have), Scene(freed=[have[2], 0x1234]))
    assert found.threads == [2] and "In thread 3 it points to heap memory that has been freed" in found.sentence
    assert not apply(rules.into_freed, holding([], have), Scene())
    assert not apply(rules.into_freed, holding([], have, Area(STATIC)), Scene(freed=list(have.values())))


def test_pointers_to_variables_of_functions_that_have_returned() -> None:
    have = {1: 0x7000, 2: 0x8000}
    areas = {0x7000: Area(STACK, 1), 0x8000: Area(STACK, 2)}
    (found,) = apply(rules.into_dead_stack, holding([], have, areas=areas), Scene(dead=[0x8000]))
    assert found.threads == [2]
    # What is dead on another thread's stack is that rule's matter.
    assert not apply(rules.into_dead_stack, holding([], {1: 0x8000}, areas=areas), Scene(dead=[0x8000]))


def test_a_null_pointer_explains_a_crash_near_null() -> None:
    (found,) = apply(rules.explains_fault, holding([1, 2], own(0)), Scene(Crash(2, 8, True)))
    assert list(found.threads) == [2] and found.score == 50
    (outside,) = apply(rules.explains_fault, holding([1, 2], own(0)), Scene(Crash(2, 8, False)))
    assert outside.score < found.score


def test_a_pointer_explains_a_crash_where_it_points_to() -> None:
    (found,) = apply(rules.explains_fault, holding([], {2: 0x666000}), Scene(Crash(2, 0x666010, True)))
    assert found.score == 70 and "0x666010" in found.sentence


@pytest.mark.parametrize(
    "fault",
    [None, Crash(2, None, True), Crash(0, 8, True), Crash(2, 0x7F0000001000, True), Crash(3, 8, True)],
)
def test_what_does_not_explain_a_crash(fault: Crash | None) -> None:
    assert apply(rules.explains_fault, holding([2], own(0, 3)), Scene(fault)) == []


def place(libc: bool = False, system: bool = False, described: bool = True) -> Any:
    return SimpleNamespace(is_libc=libc, is_system=system, is_described=described)


MAIN_ONLY = Finding("set-in-main", 65, "", [1, 2])
CRASH = Finding("explains-fault", 50, "", [2])


def test_caches_of_libraries_weigh_less() -> None:
    own_weight = weigh([MAIN_ONLY], place())
    assert own_weight >= ALARM > weigh([MAIN_ONLY], place(system=True)) > weigh([MAIN_ONLY], place(libc=True))
    assert weigh([CRASH], place(libc=True)) < ALARM


def test_a_crash_lifts_what_is_about_its_thread() -> None:
    other = Finding("shared", 65, "", [5, 6])
    assert weigh([MAIN_ONLY, CRASH], place()) > weigh([other, CRASH], place()) == weigh([other], place())


def test_numbers_are_not_taken_for_pointers() -> None:
    counters = holding([1], {0: 7, 2: 9}, Area(UNMAPPED))
    assert not rules.is_pointer_like(counters)
    assert rules.is_pointer_like(holding([1], own(0, 2)))
    assert rules.is_pointer_like(holding([1, 2]))


def test_a_sample_is_called_one() -> None:
    (found,) = apply(rules.null_in_minority, holding([3], own(*[one for one in range(1, 400) if one != 3])))
    assert "(a sample: 161 of 399 threads were compared)" in found.sentence
    (found,) = apply(rules.null_in_minority, holding([3], own(1, 2, 4, 5)))
    assert "sample" not in found.sentence
