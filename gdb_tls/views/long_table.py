"""rich's table, quick where it has very many rows, or there are very many tables.

rich measures, wraps, pads and crops every cell by itself, some 0.1 ms each.  Here the columns are as wide as rich has
them, and only cells that do not fit into one line are wrapped by rich.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

MANY_ROWS = 200


class Table(RichTable):
    """A table without lines (`box=None`) draws itself where it is long; all others are rich's."""

    of_many = False

    def __rich_console__(self, console: Any, options: Any) -> Any:
        """What rich asks for."""
        measured = getattr(self, "_calculate_column_widths", None)
        is_short = self.row_count <= MANY_ROWS and not self.of_many
        if is_short or self.box is not None or measured is None:
            yield from super().__rich_console__(console, options)
            return
        widths = measured(console, options.update_width(options.max_width))
        if self.show_header:
            header = console.get_style(self.header_style or "")
            yield from self._row(console, options, widths, [column.header for column in self.columns], header, True)
        for row, cells in zip(self.rows, zip(*(column.cells for column in self.columns))):
            yield from self._row(console, options, widths, cells, console.get_style(row.style or ""))

    def _row(self, console: Any, options: Any, widths: Any, cells: Any, style: Any, low: bool = False) -> Iterator[Any]:
        """A row's segments, with the ends of its lines; cells of fewer lines stand at the row's bottom if it is low."""
        gap = self.padding[1]
        drawn = []
        for column, width, cell in zip(self.columns, widths, cells):
            text = cell if isinstance(cell, Text) else Text(str(cell))
            room = max(width - gap, 0)
            length = text.cell_len
            if length > room or "\n" in text.plain:
                own = options.update(
                    width=room, justify=column.justify, no_wrap=column.no_wrap, overflow=column.overflow, height=None
                )
                lines = console.render_lines(text, own, style=style)
            else:
                own = console.get_style(text.style)
                pieces = list(text.render(console)) if text.spans else [Segment(text.plain, own)]
                blanks = [Segment(" " * (room - length))]
                both = blanks + pieces if column.justify == "right" else pieces + blanks
                lines = [list(Segment.apply_style(both, style))]
            drawn.append((lines, room))
        after = Segment(" " * gap, style)
        height = max(len(lines) for lines, _ in drawn)
        for at in range(height):
            for lines, room in drawn:
                line = at - (height - len(lines) if low else 0)
                yield from lines[line] if 0 <= line < len(lines) else (Segment(" " * room, style),)
                yield after
            yield Segment.line()
