"""The line above a table that says of which program it speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdb_tls.views.origin import Origin, caption, facts


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (Origin("/usr/bin/php", 7), "php, process 7"),
        (Origin("/usr/bin/php", 7, is_remote=True), "php, process 7 of another machine"),
        (Origin("/usr/bin/php", 7, "/tmp/core"), "php, core /tmp/core"),
        (Origin(), "a program without a file, a process"),
    ],
)
def test_caption(origin: Origin, line: str) -> None:
    assert caption(origin, 80) == line


def test_a_long_path_keeps_its_end() -> None:
    line = caption(Origin("/usr/bin/php", 7, "/var" + 30 * "/folder" + "/core.4711"), 60)
    assert len(line) == 60 and line.startswith("php, core ...") and line.endswith("/core.4711")


def test_a_core_below_the_current_folder_is_called_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert caption(Origin("/usr/bin/php", 7, f"{tmp_path}/cores/core.7"), 80) == "php, core cores/core.7"


def test_facts_are_those_that_are_known() -> None:
    assert facts(Origin("/usr/bin/php", 7, "/tmp/core", time="today")) == [
        ("program", "/usr/bin/php"),
        ("core", "/tmp/core"),
        ("process", "7"),
        ("written", "today"),
    ]
