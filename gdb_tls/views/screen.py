"""What a table is made for."""

from __future__ import annotations

from gdb_tls.tuples import NamedTuple


class Screen(NamedTuple):
    """What a table is made for.

    Attributes:
        columns: how wide it is.
        colour: whether styles will be seen, so that highlighting is worth its time.
    """

    columns: int
    colour: bool
