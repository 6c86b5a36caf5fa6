"""The command line, from `gdb-tls` to an exit status; every error is one or two lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gdb_tls.cli.status import FAILED, say


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line and gives the exit status; every error is one or two lines."""
    from gdb_tls.cli.run import run
    from gdb_tls.errors import TlsError

    try:
        return run(list(sys.argv[1:] if words is None else words))
    except TlsError as error:
        say(f"gdb-tls: {error}")
    except BrokenPipeError:
        return FAILED
    except KeyboardInterrupt:
        say("gdb-tls: interrupted.")
    return FAILED
