"""Another core of the same program, looked at by another GDB: the user's session stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import gdb

from gdb_tls.errors import BadArgument
from gdb_tls.hosts.gdb.selection import shown

SECONDS = 600
# What the user may have told this GDB so that it finds the program's files.
PASSED_ON = ("data-directory", "sysroot", "solib-search-path", "debug-file-directory", "libthread-db-search-path")


def map_of_core(core_file: str, executable: str | None, pattern: str | None) -> Any:
    """The JSON document that `tls-map` makes of another core.

    Raises:
        BadArgument: where GDB or tls-map cannot read it; with their sentence.
    """
    core_file = os.path.abspath(os.path.expanduser(core_file))
    if not os.path.isfile(core_file):
        raise BadArgument(f"There is no core {core_file}")
    load = f"python import sys; sys.path[:] = {sys.path!r}; from gdb_tls.hosts.gdb.register import register; register()"
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "map.json")
        module = f" --module '{pattern}'" if pattern else ""
        # This very GDB: Python runs inside of it.
        words = [os.path.realpath("/proc/self/exe"), "-nx", "--batch"]
        for name in PASSED_ON:
            value = _value(name)
            words += ["-iex", f"set {name} {value}"] if value else []
        words += ["-iex", "set debuginfod enabled off"] + ([executable] if executable else [])
        words += ["-c", core_file, "-ex", load, "-ex", f"tls-map --format json --output {output}{module}"]
        try:
            said = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadArgument(f"{core_file} could not be looked at ({error})") from error
        try:
            with open(output, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            lines = said.stderr.decode(errors="replace").strip().splitlines()
            raise BadArgument(
                f"{core_file} could not be looked at: {lines[-1].rstrip('.') if lines else 'no answer'}"
            ) from None


def _value(name: str) -> str:
    try:
        return shown(name)
    except (gdb.error, RuntimeError):
        return ""
