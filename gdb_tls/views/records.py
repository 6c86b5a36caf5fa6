"""An answer as one flat table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    pass


class Records(NamedTuple):
    """An answer as one flat table, for CSV and the rows of a page.

    Attributes:
        columns: their names.
        rows: the cells: text, numbers or None.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
