"""gdb-tls: in GDB, `source gdb_tls.py`.

This file must be understood by the oldest Python that a GDB may bring, long enough to
say that it is too old.
"""

import gc
import os
import sys

OLDEST_PYTHON = (3, 9)


def _load():
    # Not __file__: in a file that is sourced from another one, GDB leaves the other's name there.
    here = os.path.dirname(os.path.abspath(os.path.expanduser(_load.__code__.co_filename)))
    version = "%d.%d" % sys.version_info[:2]
    if sys.version_info < OLDEST_PYTHON:
        return "gdb-tls needs a GDB with Python 3.9 or newer; this one has Python %s." % version
    other = getattr(sys.modules.get("gdb_tls"), "__file__", None)
    if other and not os.path.abspath(other).startswith(here + os.sep):
        return "gdb-tls is loaded already, from %s: start gdb anew to use this one." % os.path.dirname(other)
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    folder = os.path.join("site", "cpython-" + version)
    places = [os.path.join(here, folder), os.path.join(data, "gdb-tls", folder)]
    sys.path[:0] = [place for place in [here] + places if os.path.isdir(place) and place not in sys.path]
    from importlib.util import find_spec

    # Alone, it is found itself under that name.
    if not find_spec("gdb_tls").submodule_search_locations:
        wanted = "gdb_tls.py needs the folder gdb_tls of its checkout beside it, in %s."
        return wanted % here + " To carry one file only: scripts/bundle."
    from gdb_tls.hosts.gdb.register import register

    register()
    if find_spec("rich") is None:
        import gdb

        line = "GDB=%s %s --deps" % (os.path.realpath("/proc/self/exe"), os.path.join(here, "install.sh"))
        note = "gdb-tls: tables are plain text, as GDB's Python %s has no package rich. To add it, run: %s\n"
        gdb.write(note % (version, line), gdb.STDERR)
    return ""


def _quickly(work):
    # Imports make many objects, and no garbage.
    enabled = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if enabled:
            gc.enable()


_problem = _quickly(_load)
if _problem:
    import gdb

    # Not an exception: GDB shows its traceback.
    gdb.write(_problem + "\n", gdb.STDERR)
del _problem
