"""Runs any of the commands for its JSON documents, in one gdb session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from integration.harness import Subject
from integration.sessions import run_gdb


def documents(
    subject: Subject, commands: Sequence[str], folder: Path, *, gdb_folder: Path | None = None, **gdb_options: Any
) -> dict[str, Any]:
    """The document of each tls- command; others are only run."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {command: folder / f"{number}.json" for number, command in enumerate(commands)}
    words = [
        f"{command} --format json --output {file}" if command.startswith("tls-") else command
        for command, file in files.items()
    ]
    result = run_gdb(subject.arguments, words, folder=gdb_folder, **gdb_options)
    found = {command: json.loads(file.read_text()) for command, file in files.items() if file.exists()}
    missing = [command for command in commands if command.startswith("tls-") and command not in found]
    assert not missing, f"no answer for {missing}:\n{result.text}"
    return found
