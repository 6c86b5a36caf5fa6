"""A question that GDB answers: it is started on the program, and its exit status says what came of it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from gdb_tls.cli import engine
from gdb_tls.cli.arguments import Wanted, quote
from gdb_tls.cli.core import BadCore, FoundCore
from gdb_tls.cli.extension import EXTENSION
from gdb_tls.cli.status import CLEAN, FAILED, FLAGGED
from gdb_tls.cli.subject import pid_of
from gdb_tls.errors import BadArgument, TlsError
from gdb_tls.hosts.native.core_file import gaps_in, open_core
from gdb_tls.hosts.native.permission import uninterruptible
from gdb_tls.tuples import NamedTuple

# What gdb ends with, plus one of the exit statuses: anything else is not from gdb_tls.hosts.gdb.batch.
ANSWERED = 60
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
        if error := uninterruptible(pid_of(wanted.subject)):
            raise error
        start = [f"file {quote(os.path.abspath(own.exe))}"] if own.exe else []
        return Plan((), settings, [*start, f"attach {wanted.subject}"])
    if shutil.which(wanted.program[0]) is None:
        raise BadArgument(f"There is no program {wanted.program[0]}", "")
    # A container may forbid to turn address randomisation off, and the bug need not depend on it.
    settings += ["set disable-randomization off", "unset environment LINES", "unset environment COLUMNS"]
    settings += ["set breakpoint pending on", "handle all nostop noprint pass", f"handle {DEADLY} stop print"]
    return Plan(("--args", *wanted.program), settings, ["tbreak _exit", "run"], interactive=True)


def core_plan(wanted: Wanted, found: FoundCore, folder: Callable[[], str]) -> Plan:
    """Brings a core in.

    Args:
        wanted: the command line.
        found: the core.
        folder: makes a folder that lasts until GDB has ended.

    Raises:
        BadCore: where GDB cannot read it.
    """
    settings, path = _settings(wanted.own), found.path
    file = open_core(path)
    if file.lacks_notes:  # GDB calls it no core dump
        raise BadCore(f"GDB cannot read so little of a core. {gaps_in(file)}", f"Try {engine.WITHOUT_GDB}.")
    if not wanted.asks_gdb:
        settings.append(WITHOUT_LIBTHREAD_DB)
    if not PLAIN_NAME.match(path):
        # GDBs differ in how they read a file name with a blank in it.
        link = os.path.join(folder(), "link")
        os.symlink(path, link)
        path = link
    return Plan((), settings, [f"file {quote(found.executable)}", f"core-file {path}"])


def start(wanted: Wanted, plan: Plan) -> int:
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
