"""The part of gdb-tls (`gdb_tls.cli`) that runs inside GDB: brings the program in, asks, and ends GDB with a status.

What GDB says while it loads things is kept back, so that standard output has the answer and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

import gdb

from gdb_tls.errors import NoProcess
from gdb_tls.hosts.gdb import output
from gdb_tls.hosts.gdb.sentences import FAILED, STATUS, speak_to_a_shell
from gdb_tls.hosts.native.permission import denied

NEWS = re.compile(
    r"^\[Inferior .* exited|^Program terminated|^warning: .*(build-id|truncated|may not match)", re.IGNORECASE
)
NOT_PERMITTED = "Operation not permitted"
ATTACH = re.compile(r"attach (\d+)\Z")


def run(text: str) -> None:
    """Does a task (JSON of `gdb_tls.cli.with_gdb.start`) and leaves GDB."""
    task = json.loads(text)
    status = FAILED
    speak_to_a_shell()
    for command in task["settings"]:
        with suppress(gdb.error):
            gdb.execute(command, to_string=True)
    try:
        signals: list[str] = []
        gdb.events.stop.connect(lambda event: signals.append(getattr(event, "stop_signal", "")))
        with _silence():
            _start(task["start"], task["verbose"])
        if task["interactive"] and signals and signals[-1]:
            thread = gdb.selected_thread()
            output.warn(f"The program got {signals[-1]}" + (f" in thread {thread.num}." if thread else "."))
        gdb.execute(task["question"])
        status = int(gdb.convenience_variable(STATUS) or 0)
    except (gdb.error, NoProcess) as error:
        attached = [found for found in map(ATTACH.match, task["start"]) if found]
        if attached and NOT_PERMITTED in str(error):
            error = denied(int(attached[0][1]), tracing=True)
        output.warn(f"gdb-tls: {' '.join(f'{error}'.split())}")
    except KeyboardInterrupt:
        output.warn("gdb-tls: interrupted.")
    with suppress(gdb.error):
        gdb.execute("kill" if task["interactive"] else "detach", to_string=True)
    gdb.execute(f"quit {task['answered'] + status}")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps GDB from writing to standard output, which `to_string` does not where it says that a process stopped."""
    gdb.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        gdb.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _start(commands: Sequence[str], verbose: bool) -> None:
    for command in commands:
        said = gdb.execute(command, to_string=True)
        for line in said.splitlines():
            if line.strip() and (verbose or NEWS.search(line)):
                output.warn(line)
    if not gdb.selected_inferior().pid:
        raise NoProcess("The program has ended, so there is nothing to look at", "")
