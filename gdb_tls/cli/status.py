"""Exit statuses, and what is said on standard error."""

from __future__ import annotations

import sys

CLEAN, FLAGGED, FAILED = 0, 1, 2


def say(text: str) -> None:
    """Writes a line to standard error; what is no text for a terminal is escaped."""
    from gdb_tls.views.text import safe

    for line in text.split("\n"):
        print(safe(line), file=sys.stderr, flush=True)
