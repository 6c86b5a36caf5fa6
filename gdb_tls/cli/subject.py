"""Which words of the command line are the core, its executable or a process: ELF headers say what a file is."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.cli import core
from gdb_tls.elf import headers
from gdb_tls.errors import BadArgument, quoted
from gdb_tls.tuples import NamedTuple

PID = re.compile(r"[0-9]+\Z")
MOST_DIGITS = 10
HELP = "Type gdb-tls --help."
CORE, PROGRAM, OTHER, FOLDER = "core", "program", "other file", "folder"
# The kernel's usual name for a core (core(5)), which is a way of gdb-tls, too.
USUAL_NAME = "core"


class Subject(NamedTuple):
    """What shall be looked at.

    Attributes:
        way: "core" or "pid".
        name: the core's file or the process id.
        executable: the executable's file, where the words name it.
        names: the words that are left: the variable's name.
    """

    way: str
    name: str
    executable: str | None
    names: list[str]


def kind_of(path: str) -> str:
    """What a file is: CORE (compressed, too), PROGRAM (any other ELF file), OTHER, FOLDER; empty where there is none.

    Raises:
        MissingFile: where it may not be read.
    """
    if os.path.isdir(path):
        return FOLDER
    if not os.path.isfile(path):
        return OTHER if os.path.exists(path) else ""
    packing = core.packing_of(path)
    if packing:
        from gdb_tls.cli import packed

        head = packed.head(path, packing, headers.LARGEST_HEADER)
    else:
        head = _head(path)
    if head is None:
        return CORE  # nothing here can look into it; the way of cores says what is missing
    with suppress(ValueError):
        kind = headers.read_file_header(head).type
        return CORE if kind == headers.ET_CORE else OTHER if packing else PROGRAM
    return OTHER


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(headers.LARGEST_HEADER)


def find(words: Sequence[str]) -> Subject:
    """The subject of a command line without `core`, `pid` or `run`.

    Raises:
        BadArgument: where the words do not say what it is.
    """
    first, rest = words[0], list(words[1:])
    kind = kind_of(first)
    following = kind_of(rest[0]) if rest else ""
    if kind == CORE:
        return of_core(words)
    if kind == PROGRAM and following == CORE:
        return Subject("core", rest[0], first, rest[1:])
    if kind == PROGRAM and rest and not following and PID.match(rest[0]):
        return Subject("pid", rest[0], first, rest[1:])
    if not kind and PID.match(first):
        return _numbered(first, rest)
    if kind == PROGRAM:
        if rest and not following and os.path.dirname(rest[0]):
            raise BadArgument(f"There is no file {rest[0]}", HELP)
        raise BadArgument(
            f"{first} is a program, and no core dump or process id of it follows",
            f"Type gdb-tls {first} CORE, or gdb-tls run -- {first}.",
        )
    if kind:
        if kind == OTHER and not PID.match(first):
            raise core.no_core(first)
        hint = f"For the process of that number type gdb-tls pid {first}." if PID.match(first) else HELP
        raise BadArgument(f"{first} is no core dump" + (", but a folder" if kind == FOLDER else ""), hint)
    if following == CORE:
        raise BadArgument(f"There is no file {first}", f"The core comes first: gdb-tls {rest[0]} {first}.")
    if os.path.dirname(first):
        raise BadArgument(f"There is no file {first}", HELP)
    from difflib import get_close_matches

    near = get_close_matches(first, ("core", "pid", "run"), 1)
    raise BadArgument(
        f"gdb-tls looks at a core, a pid, or what it runs; {first} is none of them, and no file",
        f"Did you mean {' '.join(['gdb-tls', near[0], *map(quoted, rest)])}?" if near else HELP,
    )


def _numbered(number: str, names: list[str]) -> Subject:
    if os.path.exists(f"/proc/{number}"):
        return Subject("pid", number, None, names)
    from shutil import which

    if which("coredumpctl"):
        return Subject("core", number, None, names)
    raise BadArgument(
        f"There is no process {number}, and no file of that name", "Type `pgrep NAME` for a program's process ids."
    )


def of_core(words: Sequence[str]) -> Subject:
    """The subject of `gdb-tls core WORD...`: the core and its executable, whichever comes first, and the NAME.

    Raises:
        BadArgument: where there is no core.
    """
    if not words or (not os.path.dirname(words[0]) and not PID.match(words[0]) and not kind_of(words[0])):
        # `gdb-tls core`, and the core is just called so
        if kind_of(USUAL_NAME) == CORE:
            return Subject("core", USUAL_NAME, None, list(words))
        if not words:
            raise BadArgument("gdb-tls core needs the FILE of a core dump", "Write it after the word core.")
    first, rest = words[0], list(words[1:])
    if rest:
        kinds = kind_of(first), kind_of(rest[0])
        if kinds == (PROGRAM, CORE):
            return Subject("core", rest[0], first, rest[1:])
        # No variable has a slash in its name.
        if kinds == (CORE, PROGRAM) and os.path.dirname(rest[0]):
            return Subject("core", first, rest[0], rest[1:])
    return Subject("core", first, None, rest)


def pid_of(subject: str) -> int:
    """The process id that was named.

    Raises:
        BadArgument: where it is none, or there is no such process.
    """
    if not subject.isdecimal() or not subject.isascii() or len(subject) > MOST_DIGITS:
        raise BadArgument(f"{subject} is no process id", "Type `pgrep NAME` for a program's process ids.")
    if not os.path.exists(f"/proc/{subject}"):
        raise BadArgument(f"There is no process {subject}", "Type `pgrep NAME` for a program's process ids.")
    return int(subject)
