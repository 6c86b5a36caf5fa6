"""The Python packages that install.sh put beside the extension."""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _extension() -> str:
    # In the one file that scripts/bundle makes, modules lie below that file as if it were a folder.
    if os.path.isfile(ROOT):
        return ROOT
    installed_by_pip = os.path.join(ROOT, "gdb_tls", "gdb-tls.py")
    return installed_by_pip if os.path.isfile(installed_by_pip) else os.path.join(ROOT, "gdb_tls.py")


# What GDB sources.
EXTENSION = _extension()


def find_packages() -> None:
    """Lets the packages that install.sh put beside the extension be imported; they fit every Python."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    for top in (os.path.join(ROOT, "site"), os.path.join(data, "gdb-tls", "site")):
        own = f"cpython-{sys.version_info[0]}.{sys.version_info[1]}"
        folders = sorted(os.listdir(top), key=lambda name: name != own) if os.path.isdir(top) else []
        sys.path += [os.path.join(top, name) for name in folders[:1]]
