"""Fixtures of the unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.process import Process


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """An x86-64 process on a current glibc, as a core dump, without threads and modules yet."""
    return Process(tmp_path)
