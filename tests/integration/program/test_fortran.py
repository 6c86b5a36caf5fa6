"""What gfortran makes of thread-private variables, against what the program says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from integration.harness import PROGRAMS
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask

QUERIES = ("common_state::hits", "mine", "first", "SECOND")
# As a user does who wants to see what GDB's `print first` shows: the frame that sees the name is selected.
SELECT = """python
frame = gdb.newest_frame()
while "omp_fn" not in (frame.name() or ""):
    frame = frame.older()
frame.select()
"""


def test_members_of_a_common_block(tmp_path: Path) -> None:
    """They have no symbol of their own: the selected frame's debug information says where they are in the block."""
    executable = tmp_path / "common"
    command = ["gfortran", "-g", "-O0", "-fopenmp", PROGRAMS / "common.f90", "-o", executable]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, cwd=tmp_path)
    script = tmp_path / "select.gdb"
    script.write_text(SELECT)
    before = ["run", f"source {script}"]
    after = ["tls-inspect i", "print second", "frame 0", "tls-inspect first", "tls-inspect blk"]
    answers = ask([executable], QUERIES, tmp_path / "answers", before=before, after=after, passive=False)
    said = re.findall(r"^truth (\d+) (\d+) (\d+) ([\d.]+)$", answers.result.stdout, re.MULTILINE)
    assert len(said) == 3, answers.result.text
    rows: dict[int, list[float]] = {}
    for query in QUERIES:
        for row in answers[query]["threads"]:
            rows.setdefault(row["lwp"], []).append(float(row["text"]))
    assert sorted(rows.values()) == sorted([float(word) for word in line] for line in said)
    assert [answers[query]["variable"]["type"] for query in QUERIES[2:]] == ["integer(kind=4)", "real(kind=8)"]
    assert "i is a local variable of the selected frame's function" in answers.result.stderr
    assert f"$1 = {said[[line[0] for line in said].index('100')][3]}" in answers.result.stdout  # GDB's, in that frame
    # Where no selected frame sees it, what is said can be done; the block itself has a symbol.
    assert "select a frame that sees it" in answers.result.stderr
    assert "16 bytes blk_" in answers.result.stdout


@pytest.mark.parametrize("level", [0, 2])
def test_arrays(level: int, tmp_path: Path) -> None:
    """With bounds, of several dimensions, behind descriptors: both engines show what the program says, or that none is.

    Without GDB a bound that does not begin with 0 and a column that comes first are read out of DWARF, too.
    """
    executable = tmp_path / "arrays"
    command = ["gfortran", "-g", f"-O{level}", "-fopenmp", PROGRAMS / "arrays.f90", "-J", tmp_path, "-o", executable]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    answers = ask([executable], (), tmp_path / "made", before=["run", f"gcore {tmp_path / 'core'}"], passive=False)
    truth: dict[str, dict[int, list[float]]] = {}
    for lwp, name, rest in re.findall(r"^truth (\d+) (\S+)(.*)$", answers.result.stdout, re.MULTILINE):
        truth.setdefault(name, {})[int(lwp)] = [float(word) for word in rest.split()]
    assert len(truth) == 17 and {len(rows) for rows in truth.values()} == {3}, answers.result.text
    core, empty = tmp_path / "core", 0
    beyond = {
        "fixed[0]": "has the elements 1 to 5",
        "from_minus[3]": "has the elements -1 to 2",
        "table[3]": "has the elements 0 to 2, so there is no [3]",
        "grid[1]": "an array of several dimensions",
    }
    by_gdb = ask([executable, "-c", core], [*truth, *beyond], tmp_path / "gdb", passive=False)
    for engine in ("gdb", "direct"):
        for name in [*truth, *beyond]:
            if engine == "gdb":
                document, errors = by_gdb.documents.get(name), by_gdb.result.text
            else:
                said = gdb_tls(["core", core, name, "--engine", engine, "--format", "json"])
                document, errors = json.loads(said.output or "null"), said.errors
            if name in beyond:
                assert beyond[name] in json.dumps(document) + errors, (engine, name)
                continue
            assert document and document["variable"]["piece_of"] is None, (engine, name, errors)
            assert {row["lwp"] for row in document["threads"]} == truth[name].keys()
            for row in document["threads"]:
                wanted, text = truth[name][row["lwp"]], row["text"]
                empty += not wanted
                numbers = [float(word) for word in re.findall(r"[\d.]+", text)]
                assert (row["state"] == "null", numbers) == (not wanted, wanted), (engine, name, row)
                assert wanted or re.search("not (allocated|associated)", f"{text} {row['reason']}"), (engine, name)
    assert empty == 2 * (8 + 3 * 2), "pointers that are not associated, and what is not allocated"
