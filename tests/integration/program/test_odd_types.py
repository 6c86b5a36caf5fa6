"""Types that are rare, and failures of one variable, thread or module: one bad row, never the end of a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import PROGRAMS
from integration.sessions import ask, session
from integration.truth import mismatches

EVERY = (
    "tls-inspect odd_ids",
    "tls-thread all",
    "tls-symbols",
    "tls-modules",
    "tls-map --all",
    "tls-audit --all",
    "tls-diff 1 2 --all",
    "tls-verify --all",
    "tls-whatis &odd_ids",
    "tls-keys",
)
# What only GDB's text has, for main (0) and the worker (1).
TEXTS: dict[str, Callable[[int], str]] = {
    "odd_ids": lambda number: f"{{first = {-3 - number}, second = {number}}}",
    "odd_quad": lambda number: f"{number + 1.5}",
    "odd_extended": lambda number: f"{number + 1.25}",
    "odd_complex": lambda number: f"{number} + 2.5i",
    "odd_vector": lambda number: f"{{{number}, 1, 2, 3}}",
    "odd_flags": lambda number: (
        f"{{low = 5, middle = {1000 + number}, high = {-3 - number}, plain = 4, {{{{first = 9, second = 10}}, whole = "
    ),
}


def test_rare_types(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("odd", kind)
    answers = ask(subject.arguments, subject.truth.queries, tmp_path)
    wrong = []
    for query in subject.truth.queries:
        lines = subject.truth.of(query)
        wrong += mismatches(answers[query], lines, kind=kind)
        for row in answers[query]["threads"]:
            number = next(int(line.thread == "worker") for line in lines if line.lwp == row["lwp"])
            text = TEXTS[query](number) if query in TEXTS else ""
            if not row["text"].startswith(text):
                wrong.append(f"{query}: {row['text']!r}, not {text!r}")
    assert not wrong, "\n".join(wrong)


def test_numbers_without_a_type(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """They are no dangling pointers; and of errno the standards say what it is, with and without debug information."""
    subject = subjects.get("numbers", kind)
    wrong = []
    for passive in (True, False):
        answers = ask(subject.arguments, subject.truth.queries, tmp_path, passive=passive)
        for query in subject.truth.queries:
            lines = subject.truth.of(query)
            answer = answers[query]
            linkage = answer["variable"]["linkage_name"]
            if query.endswith("errno"):  # glibc has several names for one place
                assert linkage.endswith(query)
                answer["variable"]["linkage_name"] = query
            wrong += mismatches(answer, lines, kind=kind)
        values = {row["num"]: row["value"] for row in answers["errno"]["threads"]}
        for number, value in values.items():
            command = f'print $_tls("errno", {number})'
            printed = session(subject.arguments, [command], tmp_path, passive=passive)[command].output
            if not printed.endswith(f" = {value}\n"):
                wrong.append(f"{command}: {printed}")
    assert not wrong, "\n".join(wrong)


def test_the_line_is_the_definition(subjects: Subjects, tmp_path: Path) -> None:
    """And not that of an extern declaration in a header, which GDB finds first."""
    file = tmp_path / "symbols.json"
    session(
        subjects.get("odd", "core").arguments, [f"tls-symbols odd_declared --format json --output {file}"], tmp_path
    )
    (found,) = json.loads(file.read_text())["variables"]
    source = (PROGRAMS / "odd_defined.c").read_text().splitlines()
    assert (found["file"], found["line"]) == ("odd_defined.c", source.index("__thread int odd_declared;") + 1)
    assert found["type"] == "int"


def test_every_command_takes_them(subjects: Subjects, tmp_path: Path) -> None:
    done = session(subjects.get("odd", "core").arguments, EVERY, tmp_path)
    assert [one.words for one in done.said if one.error] == []


# Each makes one thing fail as nothing foresees it, in the debugger's part or in what reads the C library.
FAILURES = {
    "variable": """
from gdb_tls.hosts.gdb import types
describe = types.describe
def fail(found, *rest):
    if "ids" in str(found):
        raise OverflowError("injected")
    return describe(found, *rest)
types.describe = fail
""",
    "value": """
from gdb_tls.hosts.gdb.target import GdbTarget
format_value = GdbTarget.format_value
def fail(self, kind, address, *rest):
    if "ids" in kind.name:
        raise OverflowError("injected")
    return format_value(self, kind, address, *rest)
GdbTarget.format_value = fail
""",
    "thread": """
from gdb_tls.hosts.gdb.target import GdbTarget
unwound, name_of = GdbTarget._unwound, GdbTarget.name_of
def fail(self, thread, *rest):
    if thread.num == 2:
        raise OverflowError("injected")
    return unwound(self, thread, *rest)
def nameless(self, thread):
    if thread.num == 2:
        raise OverflowError("injected")
    return name_of(self, thread)
GdbTarget._unwound, GdbTarget.name_of = fail, nameless
""",
    "thread data": """
from gdb_tls.libc.glibc.thread_data import GlibcThreadData as Data
def failing(name):
    known = getattr(Data, name)
    def fail(self, pointers, *rest):
        several = isinstance(pointers, (list, tuple))
        if (pointers if several else [pointers])[-1] == BAD[0]:
            raise OverflowError("injected")
        return known(self, pointers, *rest)
    setattr(Data, name, fail)
import gdb
gdb.execute("thread 2", to_string=True)
BAD = [int(gdb.parse_and_eval("(unsigned long) $fs_base"))]
gdb.execute("thread 1", to_string=True)
for name in ("dtvs", "control_block", "key_slots"):
    failing(name)
""",
    "module": """
from gdb_tls.libc.glibc.library import Glibc
blocks = Glibc.blocks
def fail(self, module, *rest):
    if module.name.startswith("libc."):
        raise OverflowError("injected")
    return blocks(self, module, *rest)
Glibc.blocks = fail
""",
    "symbols": """
from gdb_tls.elf.file import ElfFile
tls_symbols = ElfFile.tls_symbols
def fail(self):
    if "libc." in self.path:
        raise OverflowError("injected")
    return tls_symbols(self)
ElfFile.tls_symbols = fail
""",
}


@pytest.mark.parametrize("what", FAILURES)
def test_one_failure_is_one_bad_row(what: str, subjects: Subjects, tmp_path: Path) -> None:
    """The same rows as ever, with a reason where it failed; and the reason is really there."""
    script = tmp_path / "fail.py"
    script.write_text("import gdb_tls\n" + FAILURES[what])
    subject = subjects.get("odd", "core")
    files = {command: tmp_path / f"{number}.json" for number, command in enumerate(EVERY)}
    asked = [f"{command} --format json --output {file}" for command, file in files.items()]
    session(subject.arguments, asked, tmp_path / "well")
    well = {command: json.loads(file.read_text()) for command, file in files.items()}
    bad = session(subject.arguments, [f"source {script}", *asked, *EVERY], tmp_path / "bad", may_have_defects=True)
    said = ""
    for command, file in files.items():
        assert bad[command].error is None, f"{command}: {bad[command].error}"
        said += bad[command].words
        document = json.loads(file.read_text())
        for key in ("threads", "variables", "modules", "keys"):
            if key in well[command] and isinstance(well[command][key], list):
                lost = len(well[command][key]) - len(document[key])
                # Of a file whose symbols cannot be read there are no variables, and the answer says so.
                assert lost == 0 or (what == "symbols" and key == "variables"), f"{command}: {lost} {key} are lost"
    assert "OverflowError: injected" in said
