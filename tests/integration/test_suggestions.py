"""Whatever an error says to type is typed, as it is printed: into GDB, and into a shell."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import CHECKOUT, session
from limits import LIMIT_SECONDS

# Program -> what somebody types who does not know better.  Each is an error that says what to type instead.
MISTAKES: dict[str, Sequence[str]] = {
    "zoo": [
        "tls-inspect same_name",
        "tls-inspect zoo_bufer",
        "tls-inspect zoo_bufer->str",
        "tls-inspect erly_buffer",
        "tls-inspect space::spaced_bufer",
        "tls-inspect zoo_buffer.str",
        "tls-inspect same_name --via gdb",
        "tls-inspect same_name --format json",
        "tls-verify same_name",
        "tls-access same_name",
        "tls-table same_name",
        "tls-inspect new_buffer",
        "tls-inspect main",
        "tls-inspect qqqqqqqqqqqq",
        "tls-verify",
        "tls-inspect zoo_buffer --threads x",
        "tls-inspect zoo_buffer --frmat json",
        "tls-inspect zoo_buffer --format xml",
        "tls-diff",
        "tls inspct zoo_buffer",
    ],
    "files": ["tls-inspect twin_buffer", "tls-inspect twin_bufer"],
    "namespaces": ["tls-inspect space_buffer", "tls-inspect libspace.so::space_count", "tls-inspect libspace.so+0x8"],
    "meant": ["tls-inspect buffer", "tls-inspect current", "tls-inspect pool"],
}
OPTIONS = re.compile(r" --.*")


def names_in(text: str) -> list[str]:
    """`A, B or C`, with the commas of template arguments and what stands in parentheses behind a name left alone."""
    text = re.sub(r" \([\w. -]+\)", "", text)
    depth, names, start = 0, [], 0
    for at, character in enumerate(text):
        depth += (character in "<(") - (character in ")>" and not text.startswith("->", at - 1))
        if depth == 0 and text.startswith(", ", at):
            names.append(text[start:at])
            start = at + 2
    return [name for one in [*names, text[start:]] for name in one.split(" or ")]


def proposed(command: str, error: str) -> Iterator[str]:
    """The commands that an error to a command says to type."""
    word, _, rest = command.partition(" ")
    options = OPTIONS.search(f" {rest}")
    behind = options[0] if options else ""
    for text in re.findall(r"(?:Type one of: |Did you mean |Use )(.+?)(?:[.?](?= |$)|, and \d+ more)", error):
        for name in names_in(text):
            if name.startswith("`"):
                continue
            if name.startswith("tls-"):
                yield name
            elif name.startswith("--"):
                yield f"{command} {name.partition(', ')[0]}"
            else:
                yield f"{word} {name}{behind}"
    yield from (one for one in re.findall(r"`([^`]+)`", error) if not re.search(r"\b[A-Z]{3,}\b| $", one))
    yield from (f"tls-diff {one}" for one in re.findall(r"Like: tls-diff (\d \d)", error))


@pytest.mark.parametrize("program", MISTAKES)
def test_in_gdb(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    said = session(subject.arguments, list(MISTAKES[program]), tmp_path)
    typed = {}
    for one in said.said:
        assert one.error, f"{one.command} is no error: {one.output}"
        typed.update({command: one.command for command in proposed(one.command, " ".join(one.error.split()))})
    assert typed
    done = session(subject.arguments, list(typed), tmp_path / "typed")
    wrong = [f"{one.command}, after {typed[one.command]}: {one.error}" for one in done.said if one.error]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("engine", ["gdb", "direct"])
@pytest.mark.parametrize(("program", "names"), [("zoo", ("same_name", "zoo_buffer.str", "zoo_bufer", "qqqqqqqqqq"))])
def test_in_a_shell(program: str, names: Sequence[str], engine: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, "core")
    core = subject.arguments[-1]
    start = f"{sys.executable} -m gdb_tls core {core} --engine {engine}"

    def shell(words: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-c", f"{start} {words}"]
        return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=LIMIT_SECONDS, check=False)

    count = 0
    for name in names:
        done = shell(name)
        error = " ".join(line for line in done.stderr.splitlines() if line.startswith("gdb-tls: "))
        assert done.returncode == 2 and error, done.stderr
        assert "Tab key" not in error
        for command in [*proposed(f"tls-inspect {name}", error), *re.findall(r"(--command tls-\w+)", error)]:
            again = shell(command.removeprefix("tls-inspect "))
            assert again.returncode in (0, 1), f"{command}, after {name}: {again.stderr}"
            assert again.stdout.strip()
            count += 1
    assert count >= len(names)
