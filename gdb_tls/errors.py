"""What can go wrong, each with a sentence that says what to try next.

Every error that a user can cause is a `TlsError`.  The edge (`gdb_tls.hosts.gdb.command`)
turns it into one line; nothing else catches it on the way.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence


class TlsError(Exception):
    """The root of all errors that are shown to the user.

    Attributes:
        what: one sentence, without the final full stop, that says what is wrong.
        hint: what to try next, as a sentence; may be empty.
        typed: what of the hint is a name or path to be typed.
    """

    default_hint = ""
    # The same for who types into a shell; empty where it is the same.
    shell_hint = ""

    def __init__(self, what: str, hint: str | None = None, typed: Sequence[str] = ()) -> None:
        """Makes the error from its sentence and, where the kind's own does not fit, a hint."""
        self.what = what
        self.hint = self.default_hint if hint is None else hint
        self.typed = typed
        super().__init__(str(self))

    def for_shell(self) -> str:
        """The error in words that can be typed into a shell as they are."""
        hint = self.hint.replace(self.default_hint, self.shell_hint) if self.shell_hint else self.hint
        for text in sorted(self.typed, key=len, reverse=True):
            hint = hint.replace(text, quoted(text))
        return f"{self.what}. {hint}".rstrip()

    def __str__(self) -> str:
        return f"{self.what}. {self.hint}".rstrip() if self.hint else f"{self.what}."


class NoProcess(TlsError):
    """There is neither a process nor a core dump to look at."""

    default_hint = "Use `run`, `attach PID` or `core-file FILE` first."


class BadArgument(TlsError):
    """The command line cannot be understood."""


class UnknownName(TlsError):
    """No thread-local variable has this name."""

    default_hint = "Type `tls-inspect ` and the Tab key for the names that are known."
    shell_hint = "With --command tls-symbols the names that are known are listed."


class NotThreadLocal(TlsError):
    """The name exists, but every thread sees the same object."""


class AmbiguousName(TlsError):
    """Several thread-local variables have this name."""


class BadPath(TlsError):
    """The path into the value (`->field`, `[2]`) does not fit the variable's type."""


class UnsupportedTarget(TlsError):
    """The C library or the architecture cannot be read."""


class MissingFile(TlsError):
    """A file of the inspected program is not on this machine."""

    default_hint = "Use `set sysroot DIR` (a copy of that machine's files) or `set debuginfod enabled on`."
    shell_hint = "Use --sysroot DIR (a copy of that machine's files) or --debuginfod."


class MissingPackage(TlsError):
    """A Python package that one command needs is not there; the others work without it."""

    default_hint = "Run ./install.sh again (or ./install.sh --deps in a checkout); everything else works without it."


class CorruptMemory(TlsError):
    """The process's own bookkeeping does not make sense."""


class ResolverUnavailable(TlsError):
    """The resolver that was asked for cannot work on this target."""

    default_hint = "Use --via passive, which only reads memory."


class OutputError(TlsError):
    """The result cannot be written where it was asked for."""


def reason(error: Exception) -> str:
    """Why one variable, thread or module has no answer, for its row: the others' rows go on.

    What nobody foresaw says so, and ends the command where GDB_TLS_DEBUG is set.
    """
    if isinstance(error, TlsError):
        return error.what
    if os.environ.get("GDB_TLS_DEBUG"):
        raise error
    sentence = " ".join(str(error).split()).rstrip(".")
    if type(error).__module__ == "gdb":
        return f"GDB says: {sentence}"
    return f"{type(error).__name__}: {sentence} (perhaps a defect of gdb-tls: please report it)"


def quoted(text: str) -> str:
    """A text as it has to be typed into a shell; what a shell takes as it is stays as it is."""
    if not re.search(r"[^\w@%+=:,./'-]", text) and text.count("'") % 2 == 0 and not text.startswith("-"):
        return text
    return shlex.quote(text) if re.search(r"[\"$`\\!]", text) else f'"{text}"'
