"""One run of gdb-tls: from the command line to who can answer, and back to an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from gdb_tls.cli import arguments, core, engine
from gdb_tls.cli.arguments import Wanted
from gdb_tls.cli.status import CLEAN, FAILED, say
from gdb_tls.cli.subject import pid_of


def run(words: list[str]) -> int:
    """Does what a command line says; the exit status.

    Raises:
        TlsError: where there is no answer.
    """
    if not words:
        sys.stderr.write(arguments.help_text())
        return FAILED
    before = words[: words.index("--")] if "--" in words else words
    if "--help" in before or "-h" in before:
        way = next((way for way in arguments.WAYS if way.name == words[0]), None)
        sys.stdout.write(arguments.way_help(way) if way else arguments.help_text())
        return CLEAN
    if "--version" in before:
        from gdb_tls import __version__

        print(f"gdb-tls {__version__}")
        return CLEAN
    if words[0] == arguments.WATCH.name:
        from gdb_tls.cli import watch

        return watch.run(watch.parse(words[1:]), pid_of)
    wanted = arguments.parse(words)
    if wanted.way is arguments.CORE:
        with ExitStack() as stack:
            return _ask_core(wanted, lambda: stack.enter_context(_temporary_folder()))
    if wanted.way is arguments.PID and engine.chosen(wanted) == engine.DIRECT:
        return _ask_process(wanted)
    from gdb_tls.cli import with_gdb

    return with_gdb.start(wanted, with_gdb.make_plan(wanted))


def _temporary_folder() -> AbstractContextManager[str]:
    from tempfile import TemporaryDirectory

    return TemporaryDirectory(prefix="gdb-tls-")


def _ask_core(wanted: Wanted, folder: Callable[[], str]) -> int:
    """Asks a core; the folders that are made for it last as long."""
    found = _find_core(wanted, folder)
    if engine.chosen(wanted) == engine.DIRECT:
        return _ask_directly(wanted, found)
    from gdb_tls.cli import with_gdb

    return with_gdb.start(wanted, with_gdb.core_plan(wanted, found, folder))


def _find_core(wanted: Wanted, folder: Callable[[], str]) -> core.FoundCore:
    """The core, unpacked into a folder where it is packed, and its executable."""
    path, own = wanted.subject, wanted.own
    if path.isdigit() and not os.path.exists(path):
        from gdb_tls.cli import packed

        path = packed.dump(wanted.subject, folder())
    packing = core.packing_of(path)
    if packing:
        from gdb_tls.cli import packed

        say(f"Decompressing {path} ...")
        path = packed.unpack(path, packing, folder())
    beside = wanted.subject if os.path.exists(wanted.subject) else path
    executable = core.find_executable(beside, core.origin(path), own.sysroot, own.exe)
    return core.FoundCore(os.path.abspath(path), os.path.abspath(executable))


def _ask_directly(wanted: Wanted, found: core.FoundCore) -> int:
    from gdb_tls.hosts.direct.command import of_core
    from gdb_tls.hosts.direct.command import run as answer

    sysroot = os.path.abspath(wanted.own.sysroot) if wanted.own.sysroot else None
    return answer(wanted.words, of_core(found.path, found.executable, sysroot))


def _ask_process(wanted: Wanted) -> int:
    from gdb_tls.hosts.direct.command import of_process
    from gdb_tls.hosts.direct.command import run as answer

    executable = os.path.abspath(wanted.own.exe) if wanted.own.exe else None
    return answer(wanted.words, of_process(pid_of(wanted.subject), executable, stop=bool(wanted.own.stop)))
