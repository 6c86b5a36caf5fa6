"""gdb-tls opens a core without libthread_db: it is not asked, and its answers are those with it, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.cli.test_cli import gdb_tls
from integration.conftest import Subjects
from integration.sessions import session

from gdb_tls.cli import with_gdb

LOADED = "[Thread debugging using libthread_db enabled]"
QUESTIONS = ["tls-audit --all", "tls-map", "tls-thread all", "tls-keys"]
PROGRAMS = {
    "zoo": ["zoo_buffer", "zoo_counter", "errno"],
    "suspects": ["suspect_main_only"],
    "keys": [],
    "files": ["odd_buffer"],
    "shapes": [],
    "solo": [],
    "ended": [],
    "hostile": [],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_answers_are_the_same(subjects: Subjects, program: str, tmp_path: Path) -> None:
    subject = subjects.get(program, "core")
    names = PROGRAMS[program] or subject.truth.queries[:3]
    commands = [f"tls-inspect {name}" for name in names] + QUESTIONS
    commands += [f"{command} --format json" for command in commands]
    with_it = session(subject.arguments, ["info threads", *commands], tmp_path / "with", passive=False)
    without = session(
        subject.arguments,
        ["info threads", *commands],
        tmp_path / "without",
        passive=False,
        early=[with_gdb.WITHOUT_LIBTHREAD_DB],
    )
    # The very premise: GDB itself says something else with it than without it.
    assert LOADED in with_it.result.text and LOADED not in without.result.text
    assert with_it["info threads"].output.count("Thread 0x") > 0 == without["info threads"].output.count("Thread 0x")
    answered = 0
    for command in commands:
        assert without[command] == with_it[command]
        answered += with_it[command].error is None
    assert answered > len(commands) // 2


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["zoo_buffer"], False),
        ([], False),
        (["zoo_buffer", "--via", "passive"], False),
        (["zoo_buffer", "--via", "gdb"], True),
        (["zoo_buffer", "--command", "tls-verify"], True),
        (["zoo_buffer", "--command", "verify"], True),
    ],
)
def test_only_who_asks_gdb_waits_for_it(subjects: Subjects, words: list[str], asked: bool) -> None:
    done = gdb_tls("core", subjects.get("zoo", "core").core, *words, "--verbose")
    assert done.returncode in (0, 1) and (LOADED in done.stderr) is asked
