"""Where the file is that GDB sources."""

from __future__ import annotations

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _extension() -> str:
    # In the one file that scripts/bundle makes, modules lie below that file as if it were a folder.
    if os.path.isfile(ROOT):
        return ROOT
    installed_by_pip = os.path.join(ROOT, "gdb_tls", "gdb-tls.py")
    return installed_by_pip if os.path.isfile(installed_by_pip) else os.path.join(ROOT, "gdb_tls.py")


EXTENSION = _extension()
