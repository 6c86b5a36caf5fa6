"""gdb-tls, the command outside GDB: it finds the program, starts GDB on it, and asks one question.

Exit status: 0 where nothing looks wrong, 1 where something does, 2 on an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

CLEAN, FLAGGED, FAILED = 0, 1, 2
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ("pygments", "rich")


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line and gives the exit status; every error is one or two lines."""
    try:
        find_packages()
    except ImportError as error:
        say(f"gdb-tls needs the Python package {error.name}. Run {os.path.join(ROOT, 'install.sh')} once.")
        return FAILED
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


def say(text: str) -> None:
    """Writes a line to standard error; what is no text for a terminal is escaped."""
    from gdb_tls.views.text import safe

    for line in text.split("\n"):
        print(safe(line), file=sys.stderr, flush=True)


def find_packages() -> None:
    """Lets the packages that install.sh put beside the extension be imported; they are pure Python.

    Raises:
        ImportError: where one is missing.
    """
    import importlib.util

    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    for top in (os.path.join(ROOT, "site"), os.path.join(data, "gdb-tls", "site")):
        own = f"cpython-{sys.version_info[0]}.{sys.version_info[1]}"
        folders = sorted(os.listdir(top), key=lambda name: name != own) if os.path.isdir(top) else []
        sys.path += [os.path.join(top, name) for name in folders[:1]]
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise ImportError(name=name)
