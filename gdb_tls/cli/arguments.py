"""The command line of gdb-tls: its ways of naming a program, and the options of the command that is run on it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gdb_tls.cli import subject, watch
from gdb_tls.errors import BadArgument
from gdb_tls.questions import command_line
from gdb_tls.questions.command import CommandSpec, Option
from gdb_tls.questions.every import every

SUMMARY = "See a thread_local variable in every thread of a process or a core dump"
DESCRIPTION = """
Looks at a core dump, a process or a program, and asks one thing: with a NAME what tls-inspect says of that
thread-local variable, without one what tls-audit says of all of them. --command runs another of the commands that
gdb-tls adds to gdb. The options of the command that is run are understood too, such as --format and --output.

Cores and processes are read directly where drgn is installed (pip install 'gdb-tls[direct]'), and else through gdb, as
is what only gdb can do. --engine says which shall do it; without drgn the direct engine has no stacks but all the rest.

Only memory is read: a process goes on as it was. Nothing is fetched from the network unless --debuginfod is given.
"""
# What stands before an explanation.
WIDEST = 20
STATUS = (
    ("0", "nothing looks wrong"),
    ("1", "something does: null or dangling in a thread, or wrongly shared"),
    ("2", "there is no answer; standard error says why"),
)


class Way(NamedTuple):
    """A way of naming the program: the first word of the command line.

    Attributes:
        name: "core", "pid", "run" or "watch".
        usage: what follows it.
        summary: one sentence without a full stop.
        description: paragraphs of plain text.
        short: how it may be typed without the first word; empty where it cannot.
    """

    name: str
    usage: str
    summary: str
    description: str
    short: str = ""


WAYS = (
    Way(
        "core",
        "FILE [NAME] [OPTION]...",
        "Look at a core dump",
        """
FILE is the core dump. The core itself says which executable wrote it; the file found must have the build id that is
in the core. A core that is compressed (.gz, .xz, .bz2, .zst, .lz4) is decompressed into a temporary file first. Where
systemd keeps the cores, FILE may be the PID of the process that crashed, as coredumpctl lists it.

Where gdb reads it, it opens it without libthread_db, with which a core of thousands of threads takes many times as
long, and which gdb-tls does not need: only --via gdb and tls-verify, which ask gdb itself for addresses, load it.

The word core may be left out: what is a core says so itself. The executable may stand beside it, as for gdb.
""",
        "[EXECUTABLE] CORE [NAME] [OPTION]...",
    ),
    Way(
        "pid",
        "PID [NAME] [OPTION]...",
        "Look at a running process",
        """
Read directly, the process is not stopped: what comes and goes meanwhile is read again, and what never stands still is
marked "changing". With --stop its threads are held for that time; gdb always stops it, and it goes on afterwards. It
takes the permission that ptrace(2) takes. The process may be in a container.

The word pid may be left out, where no file has the number for its name.
""",
        "[EXECUTABLE] PID [NAME] [OPTION]...",
    ),
    Way(
        "run",
        "[NAME] [OPTION]... -- CMD [ARGUMENT]...",
        "Run a program until it crashes or ends, and look at it there",
        """
CMD runs under gdb with this terminal. It is looked at when it gets a signal that ends it (SIGSEGV, SIGABRT and their
like), when you press Ctrl-C, or just before it ends by itself; then it is killed.
""",
    ),
    Way(
        "watch",
        "PID [NAME]... [OPTION]...",
        "Watch a running process, which is never stopped",
        """
Looks at the process again and again, and tells what has changed: which threads came and went, which variable is null,
set, shared or dangling in which of them, which libraries were loaded, and what tls-audit finds alarming. On a terminal
that is a live view, elsewhere a line an event. Without a NAME it watches all variables of the program's own; with
NAMEs, only these, and their alarms. Values come and go without notice: what is watched is their state.

gdb is not used, and the process is neither stopped nor traced. It takes the permission that ptrace(2) takes. While
nothing changes, a look costs some milliseconds of one core; the audit is repeated where something has changed, and
not so often that it takes more than half a per cent of one core.

The command of --on-alarm finds GDB_TLS_PID, GDB_TLS_NAME, GDB_TLS_MODULE, GDB_TLS_RULE, GDB_TLS_SCORE and GDB_TLS_TEXT
in its environment. --metrics needs the Python package prometheus-client.

It ends with the process, after the time of --for, or by Ctrl-C. Its exit status is 0 where there was no alarm, 1 where
there was one, and 2 where the process could not be looked at.
""",
    ),
)

CORE, PID, RUN, WATCH = WAYS

ENGINES = ("gdb", "direct")

OWN_OPTIONS = (
    Option("--command", "Run this command of gdb-tls instead, such as tls-map", {"metavar": "COMMAND"}, "commands"),
    Option("--exe", "Take FILE for the executable", {"metavar": "FILE"}, complete="files"),
    Option("--sysroot", "Look for the program's files below DIR", {"metavar": "DIR"}, complete="files"),
    Option(
        "--engine",
        "Look with gdb, or directly, without one; by default the one that can answer",
        {"choices": ENGINES, "metavar": "ENGINE"},
    ),
    Option("--stop", "Stop the process while it is read; without gdb it goes on meanwhile", {"action": "store_true"}),
    Option("--gdb", "Use this GDB instead of the first on the PATH", {"metavar": "GDB"}, complete="files"),
    Option("--debuginfod", "Let gdb fetch missing debug information", {"action": "store_true"}),
    Option("--verbose", "Show on standard error what gdb says while it loads the program", {"action": "store_true"}),
)
NAME = Option("name", "The variable, as for tls-inspect", {"metavar": "NAME", "nargs": "*"}, complete="names")
WITH_NAME, WITHOUT_NAME = "tls-inspect", "tls-audit"
# What asks GDB for addresses: one command with all resolvers, and one resolver.
COMPARISON, GDB = "tls-verify", "gdb"


class Wanted(NamedTuple):
    """A command line that has been understood.

    Attributes:
        way: how the program is named.
        subject: the core or the process id; empty for `run`.
        program: for `run`, the program and its arguments.
        words: the command that is run, and its arguments.
        own: the options of gdb-tls itself.
        asks_gdb: whether GDB itself shall say where a thread has a variable.
        is_raw: whether the first argument is a text whose quotes are the program's language's.
    """

    way: Way
    subject: str
    program: Sequence[str]
    words: Sequence[str]
    own: argparse.Namespace
    asks_gdb: bool = False
    is_raw: bool = False

    @property
    def question(self) -> str:
        """The command for GDB."""
        plain = 2 if self.is_raw else 1
        return " ".join([*self.words[:plain], *map(quote, self.words[plain:])])


def parse(words: Sequence[str]) -> Wanted:
    """Understands everything after `gdb-tls`.

    Raises:
        BadArgument: where it makes no sense.
    """
    way = _named(words[0]) if words else None
    rest, program = list(words[1 if way else 0 :]), []
    if way is RUN:
        if "--" not in rest or rest[-1] == "--":
            raise BadArgument(
                "gdb-tls run needs a program", "Write it after --, as in: gdb-tls run -- ./server --port 80."
            )
        rest, program = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    found = _parser(way).parse_intermixed_args(_descending(rest))
    name = ""
    if way is not RUN:
        seen = _subject(way, found.name or [])
        if seen.executable and found.exe:
            raise BadArgument(f"The executable is named twice: {seen.executable} and {found.exe}", "Leave one out.")
        way, name, found.name, found.exe = _named(seen.way), seen.name, seen.names, seen.executable or found.exe
    assert way is not None
    spec = _chosen(found)
    asks_gdb = spec.name == COMPARISON or found.via == GDB
    return Wanted(way, name, program, question(spec, found), found, asks_gdb, spec.is_raw)


def _descending(words: Sequence[str]) -> list[str]:
    """`--sort -COLUMN` as one word: alone, the second would be taken for an option."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == "--sort" and word.startswith("-"):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _named(name: str) -> Way | None:
    return next((way for way in WAYS if way.name == name), None)


def _subject(way: Way | None, words: Sequence[str]) -> subject.Subject:
    """What the words that are no options name.

    Raises:
        BadArgument: where they name nothing.
    """
    if way is CORE:
        return subject.of_core(words)
    if way is PID:
        if not words:
            raise BadArgument("gdb-tls pid needs a PID", "Type `pgrep NAME` for a program's process ids.")
        return subject.Subject("pid", words[0], None, list(words[1:]))
    if not words:
        raise BadArgument("gdb-tls looks at a core, a pid, or what it runs; none is given", "Type gdb-tls --help.")
    return subject.find(words)


def options(way: Way) -> list[Option]:
    """All options that may follow a way: its own, and those of the commands that it runs without --command."""
    if way is WATCH:
        return list(watch.OPTIONS)
    found = {option.name: option for option in OWN_OPTIONS}
    for spec in _specs(WITH_NAME, WITHOUT_NAME):
        found.update((option.name, option) for option in spec.options if option.name.startswith("-"))
    # What it means for other commands, their own help says.
    all_of_it = "Show what is left out by default: threads that are alike, or weak hints"
    return [option._replace(help=all_of_it) if option.name == "--all" else option for option in found.values()]


class _Parser(command_line.Parser):
    def error(self, message: str) -> Any:
        raise BadArgument(message[:1].upper() + message[1:], f"Type {self.prog} --help for what it takes.")


def _parser(way: Way | None) -> command_line.Parser:
    made = _Parser(f"gdb-tls {way.name}" if way else "gdb-tls", add_help=False, allow_abbrev=False)
    known = {option.name: option for option in OWN_OPTIONS}
    for spec in every():
        known.update((option.name, option) for option in spec.options if option.name.startswith("-"))
    for option in (NAME, *known.values()):
        # What is not given stays None, so that only what was given goes to the command.
        made.add_argument(option.name, help=option.help, **{**option.settings, "default": None})
    return made


def _specs(*names: str) -> list[CommandSpec]:
    return [spec for spec in every() if spec.name in names]


def _chosen(found: argparse.Namespace) -> CommandSpec:
    name = found.command or (WITH_NAME if found.name else WITHOUT_NAME)
    for spec in _specs(name, f"tls-{name}"):
        return spec
    known = ", ".join(spec.name for spec in every())
    if not found.command:
        raise BadArgument("The variable's NAME is missing", "Write it after the program: gdb-tls core FILE NAME.")
    raise BadArgument(f"There is no command {name}", f"There are {known}.")


def question(spec: CommandSpec, found: argparse.Namespace) -> list[str]:
    """The command and its arguments.

    Raises:
        BadArgument: where an option is given that the command does not have.
    """
    names = [" ".join(" ".join(found.name or ()).split("\n"))] if spec.is_raw else list(found.name or ())
    words = [spec.name, *names]
    known = {option.name for option in (*spec.options, *OWN_OPTIONS)}
    for name, value in vars(found).items():
        option = "--" + name.replace("_", "-")
        if name == "name" or value is None or value is False:
            continue
        if option not in known:
            raise BadArgument(
                f"{option} is no option of {spec.name}", f"Type gdb-tls --help, or help {spec.name} in gdb."
            )
        if option in {own.name for own in OWN_OPTIONS}:
            continue
        text = "" if value is True else str(value)
        words += [f"{option}={text}"] if text.startswith("-") else [option, text] if text else [option]
    command_line.parser(spec).parse_intermixed_args(list(found.name or ()))  # says what NAMEs it takes
    return words


def quote(word: str) -> str:
    """A word as GDB's buildargv (libiberty) takes it apart again: there, a backslash quotes inside quotes too."""
    if "\n" in word:
        raise BadArgument("An argument has a line end in it", "")
    return re.sub(r"([^\w@%+=:,./>\[\]*-])", r"\\\1", word) or "''"


def help_text() -> str:
    """What --help prints."""
    import textwrap

    lines = ["Usage: gdb-tls core|pid|run|watch ...", "", f"{SUMMARY}.", ""]
    for way in WAYS:
        lines.append(f"  gdb-tls {way.name} {way.usage}")
        lines += [f"  gdb-tls {way.short}"] if way.short else []
        lines += textwrap.wrap(f"{way.summary}.", 78, initial_indent=" " * 6, subsequent_indent=" " * 6)
    lines.append("")
    for paragraph in DESCRIPTION.strip().split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), 78, break_on_hyphens=False), ""]
    lines += ["Options:", *_shown(options(CORE)), "", "Options of watch:", *_shown(options(WATCH)), ""]
    lines += [
        "Commands (--command):",
        *(line for spec in every() for line in _row(spec.name, spec.summary)),
        "",
    ]
    lines += ["Exit status:", *(f"  {status}  {meaning}" for status, meaning in STATUS)]
    return "\n".join(lines) + "\n"


def way_help(way: Way) -> str:
    """What `gdb-tls WAY --help` prints."""
    import textwrap

    lines = [f"Usage: gdb-tls {way.name} {way.usage}", *([f"   or: gdb-tls {way.short}"] if way.short else [])]
    lines += ["", f"{way.summary}.", ""]
    for paragraph in way.description.strip().split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), 78, break_on_hyphens=False), ""]
    return "\n".join([*lines, "Options:", *_shown(options(way))]) + "\n"


def _shown(some: Iterable[Option]) -> list[str]:
    lines = []
    for option in some:
        choices = option.settings.get("choices")
        about = option.help + (f": {', '.join(choices)}" if choices else "")
        lines += _row(f"{option.name} {option.settings.get('metavar', '')}".strip(), f"{about}.")
    return lines


def _row(name: str, about: str) -> list[str]:
    import textwrap

    if len(name) > WIDEST:
        return [f"  {name}", *textwrap.wrap(about, 78, initial_indent=" " * 24, subsequent_indent=" " * 24)]
    return textwrap.wrap(f"{name:<{WIDEST}}  {about}", 78, initial_indent="  ", subsequent_indent=" " * 24)
