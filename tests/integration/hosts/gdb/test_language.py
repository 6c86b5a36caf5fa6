"""Whatever language the user has set: the same answers, and the setting as it was."""

from __future__ import annotations

from pathlib import Path

from integration.conftest import Subjects
from integration.sessions import run_gdb, session

LANGUAGES = (
    *("auto", "c", "ada", "asm", "d", "fortran", "go", "minimal"),
    *("modula-2", "objective-c", "opencl", "pascal", "rust"),
)
COMMANDS = (
    "tls-inspect zoo_some",
    "tls-inspect zoo_options.next->depth",
    "tls-inspect zoo_options",
    "tls-inspect zoo_colour",
    "tls-inspect zoo_flag",
    "tls-inspect zoo_string",
    "tls-inspect zoo_counter --type 'unsigned char'",
    "tls-inspect zoo_some --type 'struct buffer *'",
    "tls-inspect zoo_nothing",
    "tls-audit",
    "tls-thread all",
    "tls-map",
    "tls-symbols",
    "tls-verify zoo_counter",
    "tls-diff 1 2",
    'python import gdb_tls; print(list(gdb_tls.inspect("zoo_options").instances))',
)


def test_every_language(subjects: Subjects, tmp_path: Path) -> None:
    arguments = subjects.get("zoo", "core").arguments
    known = run_gdb([], ["complete set language "], extension=False).stdout
    languages = [language for language in LANGUAGES if f"set language {language}\n" in known]
    assert {"auto", "fortran", "go", "pascal"} <= set(languages)
    before: list[tuple[str, str | None]] = []
    for language in languages:
        asked = [f"set language {language}", *COMMANDS, "python print(gdb.parameter('language'))"]
        done = session(arguments, asked, tmp_path / language)
        said = [(one.output, one.error) for one in done.said[1:-1]]
        assert done.said[-1].output.strip() == language
        before = before or said
        different = [command for command, one, other in zip(COMMANDS, before, said) if one != other]
        assert not different, f"{language}: {different}"
