"""Names as programmers write them, by the program c++filt: it knows Rust and D, too."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.program.names import RUST_HASH, without_rust_details

SECONDS = 20


def by_tool(names: Sequence[str]) -> list[str]:
    """What c++filt makes of them; all stay as they are where it is missing."""
    tool = shutil.which("c++filt")
    if tool is None:
        return list(names)
    found = dict(zip(names, names))
    for form in ("auto", "dlang"):
        some = [name for name in names if name.startswith("_D") is (form == "dlang")]
        if some:
            with suppress(OSError, subprocess.SubprocessError):
                command, text = [tool, "-s", form], "\n".join(some)
                said = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=True)
                lines = said.stdout.splitlines()
                if len(lines) == len(some):
                    found.update(zip(some, lines))
    return [_without_details(name, found[name]) for name in names]


def _without_details(name: str, found: str) -> str:
    return without_rust_details(found) if name.startswith("_R") or RUST_HASH.search(found) else found
