"""A table and a page say which program they speak of, what it was started with, where, and how it ended."""

from __future__ import annotations

import os
import re
import time
from html import unescape
from pathlib import Path

import pytest
from integration.harness import Inferior, command_of, kernel_writes_cores, make_core
from integration.sessions import run_gdb


@pytest.mark.parametrize("kind", ["live", "core"])
def test_table_and_page(kind: str, programs: Path, tmp_path: Path) -> None:
    by_kernel = kind == "core" and kernel_writes_cores()
    command = command_of(programs / "zoo", tmp_path / "zoo", "abort" if by_kernel else "wait")
    page = tmp_path / "page.html"
    with Inferior(command, tmp_path / "zoo", environment={"HOSTNAME": "mars"}) as inferior:
        inferior.wait_ready()
        core = make_core(inferior, by_kernel=by_kernel) if kind == "core" else None
        where: list[object] = [programs / "zoo", "-c", core] if core else ["-p", inferior.pid]
        commands = ["echo >>>\\n", "tls-inspect zoo_buffer", f"tls-map --format html --output {page}"]
        said = run_gdb(where, commands).stdout.partition(">>>\n")[2].splitlines()
        pid = inferior.pid
    assert said[0] == (f"zoo, core {core}" if core else f"zoo, process {pid}")
    assert "zoo_buffer" in said[1]
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page.read_text().partition("</header>")[0]))
    line = " ".join(map(str, command))
    noted = unescape(facts["command line"])
    assert noted == line or (kind == "core" and line.startswith(noted.removesuffix("...")) and len(noted) > 60)
    assert facts["host"] == ("mars (by its environment)" if core else os.uname().nodename)
    if core:
        assert facts["core"] == str(core)
        assert facts.get("signal") == ("SIGABRT in thread 1" if by_kernel else None)
    written = time.mktime(time.strptime(facts["written" if core else "time"][:19], "%Y-%m-%d %H:%M:%S"))
    assert abs(written - time.time()) < 600
