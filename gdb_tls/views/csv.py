"""CSV: one row a record, with a heading."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from gdb_tls.views.records import Records
from gdb_tls.views.text import safe


def render(records: Records) -> Iterator[str]:
    """The records as RFC 4180 text, a row a piece; control characters of the program's text are escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")

    def line(cells: list[object]) -> str:
        text.seek(0)
        text.truncate()
        writer.writerow(cells)
        return text.getvalue()

    yield line(list(records.columns))
    for row in records.rows:
        yield line([safe(cell) if isinstance(cell, str) else cell for cell in row])
