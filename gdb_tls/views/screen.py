"""What a table is made for."""

from __future__ import annotations

from typing import NamedTuple


class Screen(NamedTuple):
    """What a table is made for.

    Attributes:
        columns: how wide it is.
        colour: whether styles will be seen, so that highlighting is worth its time.
        is_ascii: whether nothing but ASCII is seen.
    """

    columns: int
    colour: bool
    is_ascii: bool = False
