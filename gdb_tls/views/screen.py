"""What a table is made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    pass


class Screen(NamedTuple):
    """What a table is made for.

    Attributes:
        columns: how wide it is.
        colour: whether styles will be seen, so that highlighting is worth its time.
    """

    columns: int
    colour: bool
