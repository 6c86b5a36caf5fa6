"""An answer as one flat table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gdb_tls.tuples import NamedTuple


class Records(NamedTuple):
    """An answer as one flat table, for CSV and the rows of a page.

    Attributes:
        columns: their names.
        rows: the cells: text, numbers or None.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
