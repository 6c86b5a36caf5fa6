"""GDB's own debug adapter, which VS Code, Emacs and others speak to: the commands work in its console."""

from __future__ import annotations

import csv
import io

import pytest
from integration.conftest import Subjects
from integration.dap import DapClient, has_dap

pytestmark = pytest.mark.skipif(not has_dap(), reason="GDB has its debug adapter from 14 on")


def test_the_commands_work_in_the_console(subjects: Subjects) -> None:
    subject = subjects.get("table", "live")
    truth = {str(line.lwp): line for line in subject.truth.of("counter")}
    with DapClient() as client:
        client.attach(subject.executable, subject.pid)
        said = client.console("tls-table counter, request->id as id, $sp --format csv")
        rows = {row["lwp"]: row for row in csv.DictReader(io.StringIO(said))}
        assert {lwp: row["counter"] for lwp, row in rows.items()} == {lwp: str(one.value) for lwp, one in truth.items()}

        table = client.console("tls-table counter, request->id as id")
        assert "\x1b" not in table
        lines = table.splitlines()
        start = next(index for index, line in enumerate(lines) if line.startswith("  Thread"))
        columns = lines[start].index("counter"), lines[start].index("counter") + len("counter")
        numbers = [line[slice(*columns)].strip() for line in lines[start + 1 : start + 1 + len(truth)]]
        assert sorted(numbers) == sorted(str(one.value) for one in truth.values())

        assert "NULL in 1 of 5 threads" in client.console("tls-inspect request")
        assert "No thread-local variable is called nothing" in client.console("tls-inspect nothing")
        assert 'schema="gdb-tls/table/1"' in client.console('interpreter-exec mi "-tls-table counter"')
