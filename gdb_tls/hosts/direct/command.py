"""One command over a target that is read directly: from its words to the answer and an exit status."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

from gdb_tls.errors import BadArgument
from gdb_tls.hosts.direct import screen
from gdb_tls.hosts.direct.target import DirectTarget
from gdb_tls.hosts.native.failures import failure, is_defect
from gdb_tls.hosts.native.output import UNLIMITED, save, written
from gdb_tls.hosts.native.process_ids import process_of
from gdb_tls.program.program import Program
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Request, Settings
from gdb_tls.questions.every import every
from gdb_tls.questions.rooms import Rooms
from gdb_tls.views.screen import Screen

FAILED = 2
# What the last command has read: it is given back with the process, not object by object.
_kept: list[object] = []

Query = Callable[[Callable[[], Program]], Any]


def of_core(path: str, executable: str | None, sysroot: str | None) -> Callable[[Query], Any]:
    """Asks a core dump; see `CoreTarget`."""

    def ask(query: Query) -> Any:
        from gdb_tls.hosts.direct.core_target import CoreTarget

        target = CoreTarget(path, executable, sysroot)
        return _told(query(lambda: Program(target, screen.warn)), target)

    return ask


def _told(answer: Any, target: DirectTarget) -> Any:
    """The answer, after it has been said what would have known more."""
    if target.missing:
        screen.warn(target.missing)
    return answer


def of_process(pid: int, executable: str | None, *, stop: bool) -> Callable[[Query], Any]:
    """Asks a process, by its id or that of one of its threads: while it goes on, or stopped for that time."""
    own = process_of(pid)

    def ask(query: Query) -> Any:
        from gdb_tls.hosts.direct.process_target import ProcessTarget
        from gdb_tls.hosts.direct.steady import steadily
        from gdb_tls.hosts.direct.stop import stopped

        if not stop:
            return steadily(own, lambda steady: ProcessTarget(own, executable, steady), query, screen.warn)
        with stopped(own) as held:
            target = ProcessTarget(own, executable, held=held)
            return _told(query(lambda: Program(target, screen.warn)), target)

    return ask


def run(words: Sequence[str], ask: Callable[[Query], Any]) -> int:
    """Runs a command such as ["tls-inspect", "name"]; its exit status (see `Rooms.status`).

    Args:
        words: the command and its arguments.
        ask: gives a query its program, once or until its answer is good; `of_core` and `of_process` make it.
    """
    spec = next((one for one in every() if one.name == words[0]), None)
    if spec is None:
        raise BadArgument(f"There is no command {words[0]}")
    collecting = gc.isenabled()
    gc.disable()  # ten thousand threads are many small objects, and none of them is garbage yet
    try:
        return _run(spec, words[1:], ask)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("GDB_TLS_DEBUG") and is_defect(error):
            raise
        screen.warn(f"gdb-tls: {failure(spec.name, error, shell=True)}")
        return FAILED
    finally:
        if collecting:
            gc.enable()


def _run(spec: CommandSpec, words: Sequence[str], ask: Callable[[Query], Any]) -> int:
    arguments = command_line.parser(spec).parse_intermixed_args(list(words))
    settings = Settings("passive", screen.rows_of_a_table())
    rooms = Rooms(spec)
    programs: list[Program] = []

    def query(program: Callable[[], Program]) -> Any:
        def noted() -> Program:
            programs.append(program())
            return programs[-1]

        return rooms.query(Request(arguments, settings, noted))

    answer = ask(query)
    _kept[:] = [answer, programs]
    on = screen.screen() if arguments.output is None else Screen(UNLIMITED, False)
    title = command_line.title(spec, arguments)
    text = written(rooms, answer, arguments.format, on, title, programs[-1].target if programs else None)
    if arguments.output is not None:
        save(arguments.output, text)
    else:
        screen.write(text)
    return rooms.status(answer)
