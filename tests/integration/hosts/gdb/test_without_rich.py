"""A GDB whose Python has neither rich nor pygments: every answer is there, and tables are plain text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import CHECKOUT, EXTENSION, run_gdb, session

COMMANDS = (
    "tls-inspect zoo_buffer",
    "tls-inspect zoo_counter --all",
    "tls-audit --all",
    "tls-table zoo_counter, zoo_counter * 2 as twice, zoo_buffer->str --group",
    "tls-map",
    "tls-thread all",
    "tls-diff 1 2 --all",
    "tls-modules",
    "tls-symbols",
    "tls-keys",
    "tls-whatis &zoo_counter",
    "tls-verify zoo_counter",
)
HIDE = "python import sys; sys.modules.update(dict.fromkeys(('rich', 'pygments')))"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout in which nothing was installed."""
    shutil.copytree(CHECKOUT / "gdb_tls", tmp_path / "bare" / "gdb_tls")
    shutil.copy(CHECKOUT / "gdb_tls.py", tmp_path / "bare")
    return tmp_path / "bare" / "gdb_tls.py"


def test_tables_are_the_same(bare: Path, subjects: Subjects, tmp_path: Path) -> None:
    """In a file, where nothing has to give way, plain tables are what rich makes of them."""
    core = subjects.get("zoo", "core").arguments
    # What reads code has nothing to do with how tables are drawn.
    for package in CHECKOUT.glob("site/*/capstone"):
        shutil.copytree(package, bare.parent / package.relative_to(CHECKOUT))
    said = {}
    for name, extension in (("rich", EXTENSION), ("plain", bare)):
        files = [tmp_path / f"{name}-{number}" for number in range(len(COMMANDS))]
        lines = [f"{command} --output {file}" for command, file in zip(COMMANDS, files)]
        hidden = () if extension == EXTENSION else (HIDE,)
        done = session(core, [f"source {extension}", *lines], tmp_path, extension=False, early=hidden)
        assert [one.error for one in done.said] == [None] * len(done.said)
        said[name] = [file.read_text() for file in files]
    assert said["plain"] == said["rich"]
    assert all(text.strip() for text in said["plain"])


def test_what_is_said(bare: Path, subjects: Subjects, tmp_path: Path) -> None:
    """One sentence with the line to type; programs get what they always get."""
    core = subjects.get("zoo", "core").arguments
    json_file, page, picture = (tmp_path / name for name in ("a.json", "a.html", "a.svg"))
    lines = [
        f"source {bare}",
        f"tls-inspect zoo_buffer --format json --output {json_file}",
        f"tls-inspect zoo_buffer --format html --output {page}",
        f"tls-inspect zoo_buffer --format svg --output {picture}",
        'print $_streq($_tls_state("zoo_counter"), "set")',
    ]
    done = session(core, lines, tmp_path, extension=False, early=[HIDE])
    (note,) = [line for line in done.said[0].output.splitlines() if "plain text" in line]
    assert note.endswith(f" {bare.parent}/install.sh --deps") and "GDB=/" in note
    assert json.loads(json_file.read_text())["schema"] == "gdb-tls/inspect/1"
    assert "zoo_buffer" in page.read_text()
    assert "rich" in (done[lines[3]].error or "") and not picture.exists()
    assert done[lines[4]].output.strip() in ("$1 = true", "$1 = 1")


def test_alone(tmp_path: Path) -> None:
    """Somebody has copied gdb_tls.py to another machine, and not the folder."""
    shutil.copy(EXTENSION, tmp_path)
    said = run_gdb([], [f"source {tmp_path / EXTENSION.name}"], extension=False).stderr.splitlines()
    (line,) = [line for line in said if "gdb_tls" in line]
    assert f"in {tmp_path}." in line and "scripts/bundle" in line
