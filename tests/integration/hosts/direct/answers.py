"""Runs gdb-tls with an engine, and compares the documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from limits import LIMIT_SECONDS

ROOT = Path(__file__).resolve().parents[4]
# Python that has no drgn, whatever is installed.
WITHOUT_DRGN = "import sys; sys.modules['drgn'] = None; "
# As the tests have GDB: the separate debug files of this machine's libraries take no part.
WITHOUT_DEBUG_FILES = (
    "from gdb_tls.hosts.direct import files, plain_names; "
    "files.DEBUG_DIRECTORIES = plain_names.DEBUG_DIRECTORIES = (); "
)
MAIN = "import sys; from gdb_tls.cli.main import main; sys.exit(main())"


class Said(NamedTuple):
    """What a run of gdb-tls said."""

    output: str
    errors: str
    status: int

    @property
    def document(self) -> Any:
        assert self.output.strip(), self.errors
        return json.loads(self.output)


def gdb_tls(words: Sequence[object], *, drgn: bool = True, debug_files: bool = False, before: str = "") -> Said:
    """Runs the command line of this checkout; `before` is Python that is run first."""
    without = ("" if drgn else WITHOUT_DRGN) + ("" if debug_files else WITHOUT_DEBUG_FILES)
    command = [sys.executable, "-c", without + before + MAIN, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    return Said(done.stdout, done.stderr, done.returncode)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, value, other value) wherever two documents differ; a path has no indices."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differences(one.get(key, "(none)"), other.get(key, "(none)"), f"{path}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for mine, theirs in zip(one, other):
            yield from differences(mine, theirs, path)
    elif one != other:
        yield path, one, other


def last_key(path: str) -> str:
    """The key at the end of a path."""
    return re.split(r"[.\[]", path)[-1]
