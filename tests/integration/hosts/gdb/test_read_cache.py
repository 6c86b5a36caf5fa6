"""GDB's cache for its reads of a core: only while tls-verify asks, and not where the user has regions of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.sessions import session

VERIFY, ASK = "tls-verify zoo_counter", "info mem"
# Says what the regions are while GDB is asked.
SPY = """
import gdb
from gdb_tls.hosts.gdb import addresses
asked = addresses._in_thread
def spy(*arguments):
    global inside
    inside = gdb.execute("info mem", to_string=True)
    return asked(*arguments)
inside = ""
addresses._in_thread = spy
"""


@pytest.mark.parametrize("own", ["", "mem 0 0 rw nocache"])
def test_regions_are_what_they_were(own: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    script = tmp_path / "spy.py"
    script.write_text(SPY)
    commands = [*([own] if own else []), ASK, f"source {script}", VERIFY, "python print(inside)", f"{ASK}\n"]
    done = session(subjects.get("zoo", kind).arguments, commands, tmp_path, passive=False)
    before = done[ASK].output
    assert "no disagreement" in done[VERIFY].words
    assert done[f"{ASK}\n"].output == before
    inside = done["python print(inside)"].output
    if kind == "core" and not own:
        assert "ro" in inside.split() and "cache" in inside.split() and "cache" not in before.split()
    else:
        assert inside.strip() == before.strip()
