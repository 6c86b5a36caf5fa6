"""One run of gdb-tls: from the command line to GDB, and back to an exit status."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.cli import arguments, core, engine, watch
from gdb_tls.cli.arguments import Wanted, quote
from gdb_tls.cli.extension import EXTENSION
from gdb_tls.cli.status import CLEAN, FAILED, FLAGGED, say
from gdb_tls.errors import BadArgument, TlsError
from gdb_tls.hosts.native.core_file import gaps_in, open_core
from gdb_tls.hosts.native.permission import uninterruptible

# What gdb ends with, plus one of the exit statuses: anything else is not from gdb_tls.hosts.gdb.batch.
ANSWERED = 60
MOST_DIGITS = 10
PLAIN_NAME = re.compile(r"[\w@%+=:,./-]+\Z")
# Signals that end a program which does not expect them; all others are the program's own affair.
DEADLY = "SIGSEGV SIGBUS SIGILL SIGFPE SIGABRT SIGSYS"
# GDB has libthread_db walk all threads of a core again and again; what gdb-tls shows of them does not come from it.
# Nothing can be in this folder: /dev/null is no folder anywhere.
WITHOUT_LIBTHREAD_DB = "set libthread-db-search-path /dev/null"


class NoGdb(TlsError):
    """GDB cannot be started."""


class Plan(NamedTuple):
    """What GDB has to do.

    Attributes:
        words: more arguments for gdb.
        settings: commands that may fail (an older GDB does not know them).
        start: commands that bring the program in.
        interactive: whether the program uses this terminal.
    """

    words: Sequence[str]
    settings: Sequence[str]
    start: Sequence[str]
    interactive: bool = False


class _FoundCore(NamedTuple):
    """A core dump, and its executable."""

    path: str
    executable: str


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
        return watch.run(watch.parse(words[1:]), _pid_of)
    wanted = arguments.parse(words)
    with tempfile.TemporaryDirectory(prefix="gdb-tls-") as folder:
        if wanted.way.name == "core":
            found = _find_core(wanted, folder)
            if engine.chosen(wanted) == engine.DIRECT:
                return _ask_directly(wanted, found)
            return start_gdb(wanted, _core_plan(wanted, found, folder))
        if wanted.way.name == "pid" and engine.chosen(wanted) == engine.DIRECT:
            return _ask_process(wanted)
        return start_gdb(wanted, make_plan(wanted))


def _settings(own: argparse.Namespace) -> list[str]:
    settings = ["set confirm off", "set suppress-cli-notifications on"]
    settings.append(f"set debuginfod enabled {'on' if own.debuginfod else 'off'}")
    if own.sysroot:
        settings.append(f"set sysroot {os.path.abspath(own.sysroot)}")
    return settings


def make_plan(wanted: Wanted) -> Plan:
    """Finds the process or the program.

    Raises:
        TlsError: where it cannot be found.
    """
    own = wanted.own
    settings = _settings(own)
    if wanted.way.name == "pid":
        if error := uninterruptible(_pid_of(wanted.subject)):
            raise error
        start = [f"file {quote(os.path.abspath(own.exe))}"] if own.exe else []
        return Plan((), settings, [*start, f"attach {wanted.subject}"])
    if shutil.which(wanted.program[0]) is None:
        raise BadArgument(f"There is no program {wanted.program[0]}", "")
    # A container may forbid to turn address randomisation off, and the bug need not depend on it.
    settings += ["set disable-randomization off", "unset environment LINES", "unset environment COLUMNS"]
    settings += ["set breakpoint pending on", "handle all nostop noprint pass", f"handle {DEADLY} stop print"]
    return Plan(("--args", *wanted.program), settings, ["tbreak _exit", "run"], interactive=True)


def _find_core(wanted: Wanted, folder: str) -> _FoundCore:
    """The core, unpacked into the folder where it is packed, and its executable."""
    path, own = wanted.subject, wanted.own
    if path.isdigit() and not os.path.exists(path):
        path = os.path.join(folder, "core")
        core.dump(wanted.subject, path)
    packing = core.packing_of(path)
    if packing:
        unpacked = os.path.join(folder, "unpacked")
        say(f"Decompressing {path} ...")
        core.unpack(path, packing, unpacked)
        path = unpacked
    beside = wanted.subject if os.path.exists(wanted.subject) else path
    executable = core.find_executable(beside, core.origin(path), own.sysroot, own.exe)
    return _FoundCore(os.path.abspath(path), os.path.abspath(executable))


def _ask_directly(wanted: Wanted, found: _FoundCore) -> int:
    from gdb_tls.hosts.direct.command import of_core
    from gdb_tls.hosts.direct.command import run as answer

    sysroot = os.path.abspath(wanted.own.sysroot) if wanted.own.sysroot else None
    return answer(wanted.words, of_core(found.path, found.executable, sysroot))


def _ask_process(wanted: Wanted) -> int:
    from gdb_tls.hosts.direct.command import of_process
    from gdb_tls.hosts.direct.command import run as answer

    executable = os.path.abspath(wanted.own.exe) if wanted.own.exe else None
    return answer(wanted.words, of_process(_pid_of(wanted.subject), executable, stop=bool(wanted.own.stop)))


def _pid_of(subject: str) -> int:
    """The process id that was named.

    Raises:
        BadArgument: where it is none, or there is no such process.
    """
    if not subject.isdecimal() or not subject.isascii() or len(subject) > MOST_DIGITS:
        raise BadArgument(f"{subject} is no process id", "Type `pgrep NAME` for a program's process ids.")
    if not os.path.exists(f"/proc/{subject}"):
        raise BadArgument(f"There is no process {subject}", "Type `pgrep NAME` for a program's process ids.")
    return int(subject)


def _core_plan(wanted: Wanted, found: _FoundCore, folder: str) -> Plan:
    settings, path = _settings(wanted.own), found.path
    file = open_core(path)
    if file.lacks_notes:  # GDB calls it no core dump
        raise core.BadCore(f"GDB cannot read so little of a core. {gaps_in(file)}", f"Try {engine.WITHOUT_GDB}.")
    if not wanted.asks_gdb:
        settings.append(WITHOUT_LIBTHREAD_DB)
    if not PLAIN_NAME.match(path):
        # GDBs differ in how they read a file name with a blank in it.
        os.symlink(path, os.path.join(folder, "link"))
        path = os.path.join(folder, "link")
    return Plan((), settings, [f"file {quote(found.executable)}", f"core-file {path}"])


def start_gdb(wanted: Wanted, plan: Plan) -> int:
    """Runs GDB; the exit status.

    Raises:
        NoGdb: where there is none, or one that ends in an unexpected way.
    """
    gdb = wanted.own.gdb or os.environ.get("GDB") or "gdb"
    if shutil.which(gdb) is None:
        raise NoGdb(f"There is no {gdb} here", "Install gdb, or name one with --gdb.")
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    # GDB says on standard output that a program stops. So GDB gets another one while the program runs, and the program
    # this; a file that is open when GDB starts stays open in the program.
    kept = os.dup(1)
    settings = list(plan.settings)
    if plan.interactive:
        settings.append(f"""set exec-wrapper sh -c 'exec "$0" "$@" 1>&{kept} {kept}>&-'""")
    task = {
        "settings": [*settings, *(["set style enabled on"] if coloured else [])],
        "start": list(plan.start),
        "question": wanted.question,
        "interactive": plan.interactive,
        "verbose": bool(wanted.own.verbose),
        "answered": ANSWERED,
    }
    # Where the extension has not loaded it has said why.
    batch = "python if 'gdb_tls' in __import__('sys').modules: import gdb_tls.hosts.gdb.batch as batch; "
    batch += f"batch.run({json.dumps(json.dumps(task))})"
    command = [gdb, "-nx", "--batch", "-ex", f"source {EXTENSION}", "-ex", batch, *plan.words]
    environment = {**os.environ, "SHELL": "/bin/sh"}
    stdin = None if plan.interactive else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=stdin, env=environment, pass_fds=(kept,) if plan.interactive else ())
    os.close(kept)
    while True:
        try:
            status = process.wait() - ANSWERED
            break
        except KeyboardInterrupt:
            continue  # Ctrl-C is gdb's: it stops what it does and says so
    if status not in (CLEAN, FLAGGED, FAILED):
        raise NoGdb(f"{gdb} ended without an answer", "What it said is above.")
    return status
