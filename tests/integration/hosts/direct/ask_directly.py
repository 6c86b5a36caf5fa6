"""Asks for several variables in one run of Python: `ask_directly.py FOLDER PREFIX WORDS... -- QUERY...`.

Writes FOLDER/PREFIX-QUERY.json for each that has an answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from gdb_tls.cli.main import main


def run(words: list[str]) -> None:
    folder, prefix, *rest = words
    at = rest.index("--")
    for query in rest[at + 1 :]:
        output = ["--format", "json", "--output", f"{folder}/{prefix}-{query}.json"]
        main([*rest[:at], query, "--engine", "direct", *output])


if __name__ == "__main__":
    run(sys.argv[1:])
