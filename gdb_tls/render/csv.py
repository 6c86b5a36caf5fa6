"""CSV: one row a record, with a heading."""

from __future__ import annotations

import csv
import io

from gdb_tls.commands import Records
from gdb_tls.render.text import safe


def render(records: Records) -> str:
    """The records as RFC 4180 text; control characters of the program's text are escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(records.columns)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in records.rows)
    return text.getvalue()
