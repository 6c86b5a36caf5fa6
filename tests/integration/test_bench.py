"""The benchmark runs and says something of every row; how fast is not for a test."""

from __future__ import annotations

import subprocess

from integration.sessions import CHECKOUT


def test_small() -> None:
    done = subprocess.run([CHECKOUT / "scripts" / "bench", "--small"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    works = [row.split("|")[1].strip() for row in rows]
    for words in (
        "core of 200",
        "--engine gdb NAME",
        "NAME without GDB",
        "(tls-audit) without GDB",
        "memory without GDB",
        "rows as JSON",
        "rows as CSV",
        "live process",
        "growth",
        "compute step",
        "tls-audit",
        "tls-map",
        "symbol",
        "first use",
        "source, the one file",
        "memory",
    ):
        assert any(words in work for work in works), (words, works)
