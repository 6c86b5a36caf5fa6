"""Runs gdb: single commands, whole sessions, and queries whose answers are JSON documents."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limits import LIMIT_SECONDS

CHECKOUT = Path(__file__).resolve().parents[2]
EXTENSION = CHECKOUT / "gdb_tls.py"
# GDB gives a remote target 2 s for each answer, and 15 s to be reached.
PATIENT = (f"set remotetimeout {LIMIT_SECONDS}", f"set tcp connect-timeout {LIMIT_SECONDS}")
# What the extension says of an exception that nobody foresaw.
DEFECT = "defect of gdb-tls"
# GDB's own, for cores of kernels and processors that are newer than it.
GDB_NOISE = re.compile(r"(?m)(^\n)?^warning: (Section|Unexpected size of section) `\.reg-xstate/.*\n")
# GDB itself must not be able to resolve TLS, and no debug files of this machine's libraries take part.
WITHOUT_LIBTHREAD_DB = (
    "set libthread-db-search-path /nonexistent",
    "set auto-load libthread-db off",
    "set debug-file-directory /nonexistent",
)


@dataclass
class Result:
    """What came of a gdb session."""

    stdout: str
    stderr: str
    status: int

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


@dataclass
class Answers:
    """The JSON documents of one gdb session, by query, and what gdb said meanwhile."""

    documents: dict[str, Any]
    result: Result
    queries: list[str] = field(default_factory=list)

    def __getitem__(self, query: str) -> Any:
        assert query in self.documents, f"no answer for {query}:\n{self.result.text}"
        return self.documents[query]


def run_gdb(
    arguments: Sequence[object],
    commands: Sequence[str],
    *,
    passive: bool = True,
    extension: bool = True,
    early: Sequence[str] = (),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    gdb: str = "gdb",
    may_have_defects: bool = False,
) -> Result:
    """Runs gdb in batch mode, with none of the user's settings.

    Args:
        arguments: an executable, `-c CORE`, `-p PID`.
        commands: what it shall do, one after the other, even if one fails.
        passive: whether it goes without libthread_db.
        extension: whether gdb_tls.py is sourced first.
        early: commands that run before the arguments are looked at.
        folder: its working directory; an empty one where it is not given.
        environment: what is added to an almost empty environment.
        gdb: the debugger's command.
        may_have_defects: whether a defect is injected, so that one may be reported.
    """
    before = ["set debuginfod enabled off", *PATIENT, *(WITHOUT_LIBTHREAD_DB if passive else ()), *early]
    after = [f"source {EXTENSION}"] * extension + list(commands)
    words = [gdb, "-nx", "--batch"]
    words += [word for command in before for word in ("-iex", command)]
    words += [str(argument) for argument in arguments]
    words += [word for command in after for word in ("-ex", command)]
    with tempfile.TemporaryDirectory() as home:
        clean = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "TERM": "dumb",
            "HOME": home,
            **(environment or {}),
        }
        finished = subprocess.run(
            words,
            cwd=folder or home,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    # The inspected program's bytes may be in there, and need not be UTF-8.
    stdout, stderr = (GDB_NOISE.sub("", text.decode(errors="replace")) for text in (finished.stdout, finished.stderr))
    result = Result(stdout, stderr, finished.returncode)
    assert finished.returncode >= 0, f"gdb died of signal {-finished.returncode}:\n{result.text}"
    unwanted = ("Traceback (most recent call last)", "Python Exception", "internal-error", DEFECT)
    for bad in unwanted[: 3 if may_have_defects else 4]:
        assert bad not in result.text, result.text
    return result


def ask(
    arguments: Sequence[object],
    queries: Sequence[str],
    folder: Path,
    *,
    options: str = "",
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    gdb_folder: Path | None = None,
    **gdb_options: Any,
) -> Answers:
    """Asks for all the queries in one gdb session; a query without an answer is not in the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {query: folder / f"{number}.json" for number, query in enumerate(queries)}
    for file in files.values():
        file.unlink(missing_ok=True)
    commands = [
        f"tls-inspect {query} {options} --format json --output {file}".replace("  ", " ")
        for query, file in files.items()
    ]
    result = run_gdb(arguments, [*before, *commands, *after], folder=gdb_folder, **gdb_options)
    documents = {query: json.loads(file.read_text()) for query, file in files.items() if file.exists()}
    return Answers(documents, result, list(queries))


# Runs commands one after the other, keeps what each printed or failed with, and goes on.
SESSION = """
import gdb, json
done = []
for command in json.loads({commands!r}):
    try:
        done.append({{"command": command, "output": gdb.execute(command, to_string=True), "error": None}})
    except gdb.error as error:
        done.append({{"command": command, "output": "", "error": str(error)}})
    except KeyboardInterrupt:
        done.append({{"command": command, "output": "", "error": "interrupted"}})
with open({file!r}, "w", errors="backslashreplace") as file:
    json.dump(done, file)
"""


@dataclass
class Said:
    """What one command printed, or the error it ended with."""

    command: str
    output: str
    error: str | None

    @property
    def words(self) -> str:
        """All of it, with single blanks, whichever way it came and however wide the screen was."""
        return " ".join((self.output + (self.error or "")).split())


@dataclass
class Session:
    """What the commands of one gdb session said, in their order."""

    said: list[Said]
    result: Result

    def __getitem__(self, command: str) -> Said:
        """What the first run of the command said."""
        return next(one for one in self.said if one.command == command)


def session(arguments: Sequence[object], commands: Sequence[str], folder: Path, **gdb_options: Any) -> Session:
    """Runs the commands in one gdb session, each whatever became of those before it."""
    folder.mkdir(parents=True, exist_ok=True)
    file, script = folder / "session.json", folder / "session.py"
    file.unlink(missing_ok=True)
    script.write_text(SESSION.format(commands=json.dumps(list(commands)), file=str(file)))
    result = run_gdb(arguments, [f"source {script}"], **gdb_options)
    assert file.exists(), result.text
    said = [Said(**one) for one in json.loads(file.read_text())]
    for one in said:
        one.output = GDB_NOISE.sub("", one.output)
        assert gdb_options.get("may_have_defects") or DEFECT not in one.words, f"{one.command}: {one.words}"
    return Session(said, result)


def one_sentence(done: Session, command: str) -> str:
    """The error that a command must end with."""
    error = done[command].error
    assert error, f"{command} did not fail: {done[command].output}"
    assert is_sentence(error), error
    return error


def is_sentence(text: str) -> bool:
    return "\n" not in text.strip() and text.strip().endswith((".", "?"))
