"""The command line, from `gdb-tls` to an exit status; every error is one or two lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from gdb_tls.cli.status import FAILED, say


def command() -> NoReturn:
    """The command gdb-tls: does what `main` does, and ends the process at once.

    Python would free all that was read object by object: for ten thousand threads that takes longer than to read it.
    """
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads it any more
        status = FAILED
    os._exit(status)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line and gives the exit status; every error is one or two lines."""
    from gdb_tls.cli.run import run
    from gdb_tls.errors import TlsError

    try:
        return run(list(sys.argv[1:] if words is None else words))
    except TlsError as error:
        say(f"gdb-tls: {error.for_shell()}")
    except BrokenPipeError:
        return FAILED
    except KeyboardInterrupt:
        say("gdb-tls: interrupted.")
    return FAILED
