"""Which words of the command line are the core, its executable or a process: ELF headers say what a file is."""

from __future__ import annotations

import difflib
import lzma
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from gdb_tls.cli import core
from gdb_tls.elf import headers
from gdb_tls.errors import BadArgument, quoted
from gdb_tls.tuples import NamedTuple

PID = re.compile(r"[0-9]+\Z")
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
    head = _unpacked_head(path, packing) if packing else _head(path)
    if packing and head is None:
        return CORE  # nothing here can look into it; the way of cores says what is missing
    with suppress(ValueError):
        kind = headers.read_file_header(head or b"").type
        return CORE if kind == headers.ET_CORE else OTHER if packing else PROGRAM
    return OTHER


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(headers.LARGEST_HEADER)


def _unpacked_head(path: str, packing: core.Packing) -> bytes | None:
    """The first bytes of what is in a compressed file; None where they cannot be had."""
    if packing.opened:
        try:
            with packing.opened(path) as source:
                return bytes(source.read(headers.LARGEST_HEADER))
        except (OSError, EOFError, lzma.LZMAError):
            return None
    if shutil.which(packing.tool[0]) is None:
        return None
    with subprocess.Popen([*packing.tool, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        found = process.stdout.read(headers.LARGEST_HEADER)
        process.kill()
    return found or None


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
    near = difflib.get_close_matches(first, ("core", "pid", "run"), 1)
    raise BadArgument(
        f"gdb-tls looks at a core, a pid, or what it runs; {first} is none of them, and no file",
        f"Did you mean {' '.join(['gdb-tls', near[0], *map(quoted, rest)])}?" if near else HELP,
    )


def _numbered(number: str, names: list[str]) -> Subject:
    if os.path.exists(f"/proc/{number}"):
        return Subject("pid", number, None, names)
    if shutil.which("coredumpctl"):
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
