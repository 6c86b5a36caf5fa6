"""A table of very many rows looks as rich draws it."""

from __future__ import annotations

import re

import pytest
from rich.table import Table as RichTable
from rich.text import Text

from gdb_tls.views import long_table
from gdb_tls.views.drawing import drawn
from gdb_tls.views.pieces import Piece, Pieces, joined
from gdb_tls.views.screen import Screen

ROWS = long_table.MANY_ROWS + 1


def filled(table: RichTable, rows: int = ROWS) -> RichTable:
    """Columns that are cut, folded or set to the right; cells of two lines, of wide characters and of two styles."""
    table.add_column("  Thread", no_wrap=True)
    table.add_column("LWP", justify="right", no_wrap=True)
    table.add_column("A long name", overflow="fold", max_width=9)
    table.add_column("Value", overflow="fold")
    table.add_column("Where")
    for row in range(rows):
        value = Text(f"0x{row * 7919:x}").append(f' "{"日本 ä" * (row % 4)}"', "yellow")
        if row % 7 == 0:
            value = Text("NULL", "bold white on red") if row % 2 else Text("of two\nlines")
        where = Text(no_wrap=True, overflow="ellipsis").append("work" * (row % 5)).append(f"  file.c:{row}", "dim")
        table.add_row(Text(f"  {row}"), str(row * 77), "name " * (row % 5), value, where, style="bold" * (row % 3 == 0))
    return table


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("columns", [30, 60, 80, 200])
def test_as_rich_draws_it(columns: int, colour: bool) -> None:
    settings = {"box": None, "padding": (0, 2, 0, 0), "header_style": "bold", "show_edge": False}
    screen = Screen(columns, colour)
    found, theirs = (
        drawn(filled(make(**settings)), screen)  # type: ignore[operator]
        for make in (long_table.Table, RichTable)
    )
    escapes = re.compile(r"\x1b\[[0-9;]*m")
    assert escapes.sub("", found) == escapes.sub("", theirs)
    assert ("\x1b[1;37;41mN" in found) == colour == bool(escapes.search(found))


@pytest.mark.parametrize("columns", [30, 80])
def test_a_short_table_of_many(columns: int) -> None:
    quick, theirs = (make(box=None, padding=(0, 2, 0, 0), show_edge=False) for make in (long_table.Table, RichTable))
    quick.of_many = True
    screen = Screen(columns, False)
    assert drawn(filled(quick, 8), screen) == drawn(filled(theirs, 8), screen)


def test_lines_that_are_made_already() -> None:
    line = joined([Piece("S"), Piece(" "), Piece("N", "red"), Piece("N", "red"), Piece("  ")])
    assert line == [Piece("S "), Piece("NN", "red"), Piece("  ")]
    made = Pieces([line, [Piece("x" * 9)], []])
    assert drawn(made, Screen(8, False)) == "S NN\nxxxxxxxx\n\n"
    assert "\x1b[31mNN" in drawn(made, Screen(8, True))
    assert made.lines(8) == ["S NN", "xxxxxxxx", ""]
