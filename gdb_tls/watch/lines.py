"""Events as lines of text, where there is no terminal."""

from __future__ import annotations

import sys

from gdb_tls.watch.model import Event, Look
from gdb_tls.watch.words import line


class Lines:
    """Writes to standard output, a line an event."""

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Writes events at once."""
        for event in events:
            text = line(event) + "\n"
            try:
                sys.stdout.write(text)
            except UnicodeError:
                sys.stdout.write(text.encode("ascii", "backslashreplace").decode())
        if events:
            sys.stdout.flush()

    def close(self) -> None:
        """Nothing is open."""
