"""Another core of the same program, for tls-diff."""

from __future__ import annotations

from typing import Any

from gdb_tls.errors import BadArgument


def map_of_core(core_file: str, pattern: str | None) -> Any:
    """The JSON document that `tls-map` makes of another core.

    Raises:
        BadArgument: until this engine can.
    """
    raise BadArgument(f"{core_file} cannot be compared by this engine", "Use --engine gdb.")
