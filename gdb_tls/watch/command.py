"""The user's own command, for each new alarm."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping

from gdb_tls.watch.model import Alarm, Event, Look
from gdb_tls.watch.words import document


class AlarmCommand:
    """Runs a command line once for each alarm that has not been there before; the watch goes on meanwhile."""

    def __init__(self, command: str, pid: int, warn: Callable[[str], None]) -> None:
        """Runs nothing yet."""
        self._command = command
        self._pid = pid
        self._warn = warn
        self._running: list[subprocess.Popen[bytes]] = []

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Starts the command for new alarms, and says of those that have ended whether they failed."""
        for event in events:
            if event.kind == "alarm" and event.alarm and not event.more.get("again"):
                self._start(event, event.alarm)
        self._running = [one for one in self._running if not self._is_done(one)]

    def _start(self, event: Event, alarm: Alarm) -> None:
        # A file, not a pipe: whoever does not read it holds up nobody.
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(document(event)).encode() + b"\n")
            file.seek(0)
            try:
                # What the user typed is for the shell, and the program's names are in variables, where it takes them
                # for nothing else.
                self._running.append(
                    subprocess.Popen(
                        self._command,
                        shell=True,
                        stdin=file,
                        stdout=2,
                        env={**os.environ, **environment(self._pid, alarm)},
                        start_new_session=True,
                    )
                )
            except OSError as error:
                self._warn(f"gdb-tls: --on-alarm could not be run: {error.strerror or error}.")

    def _is_done(self, one: subprocess.Popen[bytes]) -> bool:
        status = one.poll()
        if status:
            self._warn(f"gdb-tls: the command of --on-alarm ended with status {status}.")
        return status is not None

    def close(self) -> None:
        """Waits for those that still run."""
        for one in self._running:
            one.wait()
            self._is_done(one)
        self._running = []


def environment(pid: int, alarm: Alarm) -> Mapping[str, str]:
    """What the command finds in its environment."""
    words = {
        "GDB_TLS_PID": str(pid),
        "GDB_TLS_NAME": alarm.name,
        "GDB_TLS_MODULE": alarm.module,
        "GDB_TLS_RULE": alarm.rule,
        "GDB_TLS_SCORE": str(alarm.score),
        "GDB_TLS_TEXT": alarm.sentences[0] if alarm.sentences else "",
    }
    # A name of the program may have anything in it; a zero byte ends a variable.
    return {
        name: text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0") for name, text in words.items()
    }
