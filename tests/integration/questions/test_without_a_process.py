"""Every command without a process: one sentence, and its help."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.sessions import one_sentence, session


@pytest.mark.parametrize(
    "command", ["tls-modules", "tls-symbols", "tls-thread", "tls-keys", "tls-whatis 1", "tls-access x"]
)
def test_without_a_process(command: str, programs: Path, tmp_path: Path) -> None:
    done = session([programs / "zoo"], [command, f"help {command.split()[0]}"], tmp_path)
    assert "no process" in one_sentence(done, command)
    assert f"Usage: {command.split()[0]}" in done[f"help {command.split()[0]}"].output
