"""Every way in which a command can fail, as one sentence."""

from __future__ import annotations

import gc
import os
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import gdb

from gdb_tls.hosts.gdb import shared
from gdb_tls.hosts.gdb.output import width
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.hosts.native.failures import failure, is_defect

# $_tls_status: 0 after an answer in which nothing looks wrong, 1 after one in which something does, 2 after an error.
STATUS = "_tls_status"
FAILED = 2
_in_shell = False


def speak_to_a_shell() -> None:
    """Who asks has typed into a shell, not into this GDB, and will type there what an error says to type."""
    global _in_shell
    _in_shell = True


def _in_charset(text: str) -> str:
    """What GDB can show of a text: of an error with other letters it says nothing but "Error occurred in Python"."""
    if text.isascii():
        return text
    # "auto; currently UTF-8"
    name = re.search(r'([\w.:-]+)"', gdb.execute("show host-charset", to_string=True))
    try:
        text.encode(name[1] if name else "ascii")
    except (LookupError, UnicodeError):
        return text.encode("ascii", "backslashreplace").decode()
    return text


def _wrapped(text: str) -> str:
    """In lines of the screen: GDB breaks words."""
    columns = width()
    wrap = partial(textwrap.fill, width=columns, break_on_hyphens=False, break_long_words=False)
    return "\n".join(wrap(line) if len(line) > columns else line for line in text.split("\n"))


@contextmanager
def one_run(name: str, for_screen: bool = True) -> Iterator[None]:
    """One run of a command: in gdb-tls's language, with one look at the program; every error ends as one sentence.

    Args:
        name: the command's.
        for_screen: whether the sentence is broken into lines of the screen.

    Raises:
        gdb.GdbError: with that sentence.
    """
    gdb.set_convenience_variable(STATUS, FAILED)
    collecting = gc.isenabled()
    gc.disable()  # ten thousand threads are many small objects, and none of them is garbage yet
    try:
        with own_language(), shared.sharing():
            yield
    except gdb.GdbError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("GDB_TLS_DEBUG") and is_defect(error):
            raise
        said = failure(name, error, _in_shell)
        raise gdb.GdbError(_in_charset(_wrapped(said) if for_screen and not _in_shell else said)) from None
    finally:
        if collecting:
            gc.enable()
