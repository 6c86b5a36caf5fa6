"""The report in plain words, by the pattern of the states."""

from __future__ import annotations

import pytest
from unit.made import instance, instances, report

from gdb_tls.questions.audit.one import Judgement
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.inspect.verdict import verdict
from gdb_tls.target.model import Flag, State
from gdb_tls.views.words import numbers


@pytest.mark.parametrize(
    ("letters", "starts_null", "sentences"),
    [
        ("", False, ["There is no thread to look at."]),
        ("s", False, ["Set in the only thread."]),
        ("ss", False, ["Set in both threads."]),
        ("sss", False, ["Set in all 3 threads."]),
        (
            "n",
            False,
            [
                "NULL in the only thread.",
                "No thread has it set: it was not initialised there, or it was set back to null.",
            ],
        ),
        (
            "nnn",
            False,
            [
                "NULL in all 3 threads.",
                "No thread has it set: it was not initialised there, or it was set back to null.",
            ],
        ),
        (
            "snnnnn",
            False,
            [
                "NULL in 5 of 6 threads: 2-6.",
                "Set only in the main thread: perhaps initialised once for the process, not once for each thread.",
            ],
        ),
        (
            "nnsn",
            False,
            [
                "NULL in 3 of 4 threads: 1-2,4.",
                "Set only in thread 3: the others have not set it, or have set it back to null.",
            ],
        ),
        (
            "nsss",
            False,
            ["NULL in 1 of 4 threads: 1.", "Null only in the main thread: the other threads have it set."],
        ),
        (
            "sssn",
            False,
            [
                "NULL in 1 of 4 threads: 4.",
                "Most threads have it set: look for what the null ones have not run, or what has set it back.",
            ],
        ),
        ("ssnnn", False, ["NULL in 3 of 5 threads: 3-5."]),
        ("uuu", False, ["No thread has touched swoole.so, so no block exists yet."]),
        (
            "suu",
            False,
            ["Unallocated in 2 of 3 threads: 2-3. These have not touched swoole.so yet.", "Set in the other one."],
        ),
        (
            "ssu",
            True,
            [
                "Unallocated in 1 of 3 threads: 3. It has not touched swoole.so yet.",
                "A new block would start null: code that reads it there before it is set finds a null pointer.",
                "Set in the other 2.",
            ],
        ),
        (
            "srx",
            False,
            [
                "Unreadable in 1 of 3 threads: 2.",
                "  the page at 0x5000 is not in the core",
                "Unresolved in 1 of 3 threads: 3.",
                "  the thread's DTV cannot be read",
                "Set in the other one.",
            ],
        ),
    ],
)
def test_patterns(letters: str, starts_null: bool, sentences: list[str]) -> None:
    assert verdict(report(instances(letters), starts_null=starts_null)) == sentences


def test_nothing_is_said_of_all_threads_where_some_are_not_known() -> None:
    """Null where it could be read is not null everywhere."""
    said = " ".join(verdict(report(instances("nnx"))))
    assert "NULL in 2 of 3 threads: 1-2." in said
    assert "No thread has it set" not in said
    assert "everywhere" not in said


def test_main_only_is_said_only_of_the_main_thread() -> None:
    rows = instances("snn")
    rows[0] = rows[0]._replace(thread=rows[0].thread._replace(lwp=4711))
    assert "Set only in thread 1: the others have not set it, or have set it back to null." in verdict(report(rows))


def test_set_only_in_an_ended_thread() -> None:
    rows = [*instances("nn"), instance(None, State.SET, Flag.EXITED)]
    sentences = verdict(report(rows))
    assert sentences[0] == "NULL in 2 of 3 threads: 1-2."
    assert "Set only in an ended thread: the others have not set it, or have set it back to null." in sentences
    assert sentences[-1] == "1 thread has ended, and is not joined yet."


def test_shared() -> None:
    rows = [instance(number, State.SET, Flag.SHARED, value=0x5500) for number in (1, 2, 3)]
    assert verdict(report(rows)) == ["3 threads (1-3) share one object: it is not each thread's own."]
    rows += [instance(number, State.SET, Flag.SHARED, value=0x6600) for number in (5, 6)]
    assert verdict(report(rows)) == ["5 threads (1-3,5-6) share 2 objects: it is not each thread's own."]


def test_shared_and_dangling() -> None:
    """What points nowhere is no object that could be shared."""
    rows = [instance(number, State.SET, Flag.SHARED, Flag.DANGLING, value=1) for number in (1, 2)]
    assert verdict(report(rows))[0] == "2 threads (1-2) hold one pointer in common: it is not each thread's own."


def test_what_the_rules_of_the_audit_do_not_find_is_no_defect() -> None:
    rows = [instance(number, State.SET, Flag.SHARED, value=0x5500) for number in (1, 2)]
    judgement = Judgement((), "which is a global one of the program's")
    assert verdict(report(rows), judgement) == [
        "2 threads (1-2) share one object, which is a global one of the program's."
    ]
    rows = [instance(1, State.SET), instance(2, State.SET, Flag.DANGLING, value=1)]
    assert verdict(report(rows), Judgement((), "")) == ["In thread 2 it holds a mark, and no address."]
    found = Judgement([Finding("dangling", 60, "Dangling in thread 2.", [1])], "")
    assert verdict(report(rows), found) == ["Dangling in thread 2: it points to memory that is not mapped."]


def test_the_crash_speaks_for_it() -> None:
    crash = Finding("explains-fault", 50, "Thread 2 crashed on an access to null, and has it null.", [1])
    assert verdict(report(instances("snnnnn")), Judgement([crash], ""))[1:] == [
        "Set only in the main thread: perhaps initialised once for the process, not once for each thread.",
        "Thread 2 crashed on an access to null, and has it null.",
        "Whether that is why: tls-audit",
    ]


def test_shared_with_threads_that_are_not_listed() -> None:
    ended = instance(None, State.SET, Flag.SHARED, Flag.EXITED, value=0x5500)
    rows = [instance(2, State.SET, Flag.SHARED, value=0x5500), ended]
    assert verdict(report(rows)) == [
        "Thread 2 and an ended thread share one object: it is not each thread's own.",
        "1 thread has ended, and is not joined yet.",
    ]
    rows = [instance(2, State.SET, Flag.SHARED, value=0x5500)]  # --threads 2
    assert verdict(report(rows)) == ["Thread 2 shares its object with another thread: it is not each thread's own."]


def test_dangling_in_an_ended_thread() -> None:
    rows = [instance(1, State.SET), instance(None, State.SET, Flag.DANGLING, Flag.EXITED)]
    assert verdict(report(rows))[0] == "Dangling in an ended thread: it points to memory that is not mapped."


def test_dangling() -> None:
    rows = [instance(1, State.SET), instance(2, State.SET, Flag.DANGLING)]
    assert verdict(report(rows)) == ["Dangling in thread 2: it points to memory that is not mapped."]
    rows.append(instance(3, State.SET, Flag.DANGLING))
    assert verdict(report(rows)) == ["Dangling in 2 threads (2-3): it points to memory that is not mapped."]


def test_many_threads() -> None:
    assert verdict(report(instances("s" + "n" * 9999)))[0] == "NULL in 9,999 of 10,000 threads (>99 %): 2-10000."


@pytest.mark.parametrize(
    ("threads", "text"),
    [
        ([], ""),
        ([3], "3"),
        ([1, 2], "1-2"),
        ([5, 3, 1, 2, 9, 10], "1-3,5,9-10"),
        ([None, 2, None], "2"),
        ([None], ""),
    ],
)
def test_numbers(threads: list[int | None], text: str) -> None:
    assert numbers([instance(number, State.SET).thread for number in threads]) == text


def test_some_of_the_threads_are_not_all() -> None:
    """--threads 1 of 13: what is said holds for the threads that were asked for, and says so."""
    part = report(instances("s"))._replace(is_part=True)
    assert verdict(part) == ["Set in the one thread that was asked for."]
    part = report(instances("nn"))._replace(is_part=True)
    assert verdict(part)[0] == "NULL in both threads that were asked for."
    assert verdict(part)[1].startswith("None of them has it set")
    assert (
        verdict(report(instances("snn"))._replace(is_part=True))[0]
        == "NULL in 2 of 3 threads that were asked for: 2-3."
    )
    assert verdict(report(instances("snn"))._replace(is_part=True))[1].startswith("Of these, set only in the main")
    assert verdict(report(instances("nsn"))._replace(is_part=True))[1].startswith("Of these, set only in thread 2:")


def test_what_is_not_known_is_not_said() -> None:
    """Another thread, which could not be read, may have it set, or not have it set."""
    said = verdict(report(instances("snnx")))
    assert said[1].startswith("Of those that could be read, set only in the main thread: perhaps")
    assert not [one for one in verdict(report(instances("nssx"))) if "the other threads have it set" in one]
    assert not [one for one in verdict(report(instances("nssu"))) if "the other threads have it set" in one]
