"""What gfortran makes of thread-private variables, against what the program says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from integration.harness import PROGRAMS
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
