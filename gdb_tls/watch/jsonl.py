"""Events in a file, a JSON document a line."""

from __future__ import annotations

import json
import os

from gdb_tls.errors import OutputError
from gdb_tls.watch.model import Event, Look
from gdb_tls.watch.words import document


class JsonLines:
    """Appends to a file, so that a watch that is started again goes on in it."""

    def __init__(self, path: str) -> None:
        """Opens the file.

        Raises:
            OutputError: where it cannot be written.
        """
        try:
            handle = os.open(os.path.expanduser(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(
                f"{path!r} cannot be written ({error.strerror})", "Choose another file with --jsonl."
            ) from error
        self._file = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace")
        self._path = path

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Writes events; whoever follows the file sees them at once.

        Raises:
            OutputError: where they cannot be written.
        """
        try:
            for event in events:
                self._file.write(json.dumps(document(event), ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"{self._path!r} cannot be written any more ({error.strerror})", "") from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
