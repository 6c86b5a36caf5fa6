"""Tables: the same with rich and without, in every width, and quickly drawn where they are long."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from rich.text import Text as RichText

from gdb_tls.views import plain
from gdb_tls.views.columns import NARROWEST, Fitting, Table
from gdb_tls.views.drawing import drawn, value_cell
from gdb_tls.views.pieces import Piece, Pieces, joined
from gdb_tls.views.screen import Screen

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
PATTERNS = "worker-* (158), io-* (27)"
NAME = "acme::networking::http::ConnectionContext::buffer"


def filled(text: Any, rows: int = 30) -> Table:
    """Columns that are cut, folded or set to the right; cells of two lines, of wide characters and of two styles."""
    table = Table()
    table.add_column("  Thread", whole=True)
    table.add_column("LWP", right=True, whole=True)
    table.add_column("A long name", most=9)
    table.add_column("Value")
    table.add_column("Where", gives_way=True)
    for row in range(rows):
        value = text(f"0x{row * 7919:x}").append(f' "{"日本 ä" * (row % 4)}"', "yellow")
        if row % 7 == 0:
            value = text("NULL", "bold white on red") if row % 2 else text("of two\nlines")
        where = text(no_wrap=True, overflow="ellipsis").append("work" * (row % 5)).append(f"  file.c:{row}", "dim")
        cell = Fitting(lambda room, row=row: text(f"{row} {room}"[:room]), 12, 8) if row % 5 == 4 else where
        table.add_row(text(f"  {row}"), str(row * 77), "name " * (row % 5), value, cell, style="bold" * (row % 3 == 0))
    return table


@pytest.mark.parametrize("columns", [30, 50, 60, 80, 200])
def test_the_same_with_rich_and_without(columns: int) -> None:
    with_colour = drawn(filled(RichText), Screen(columns, True))
    found = drawn(filled(RichText), Screen(columns, False)).splitlines()
    assert found == filled(plain.Text).lines(columns)
    assert found == [line.rstrip() for line in ESCAPES.sub("", with_colour).splitlines()]
    assert max(plain.Text(line).cell_len for line in found) <= columns
    assert "\x1b[1;37;41mN" in with_colour


def test_where_there_is_room_columns_are_as_wide_as_their_cells() -> None:
    table = Table("Id", "Name", "Bytes", right=("Id", "Bytes"))
    table.add_row("7", plain.Text("two\nlines"), "1,024")
    table.add_row("12", "of main", "8")
    assert table.lines(80) == ["Id  Name     Bytes", " 7  two      1,024", "    lines", "12  of main      8"]


def test_addresses_are_whole_where_many_columns_want_room() -> None:
    """As tls-inspect of a live server's threads: names are patterns, and a value is an address or a count."""
    table = Table()
    table.add_column("  Thread", whole=True)
    table.add_column("LWP", right=True, whole=True)
    for heading in ("Name", "State", "Value"):
        table.add_column(heading)
    table.add_column("Where", gives_way=True)
    for thread, name, value in (("* 1 main", "acme-server", "0x557ac8973eb0"), ("  114 threads (38 %)", PATTERNS, "")):
        cell = value_cell(RichText(value or "114 different values"), 2)
        place = RichText("wait_for_work  server.cc:19", no_wrap=True, overflow="ellipsis")
        table.add_row(thread, "26778", name, "set constructed", cell, place)
    for columns in (78, 80, 90, 120):
        assert " 0x557ac8973eb0 " in drawn(table, Screen(columns, False)), columns


def test_a_table_without_headings() -> None:
    table = Table(gap=3)
    table.add_row("block", "module 2")
    table.add_row("at", "0x1")
    assert table.lines(80) == ["block   module 2", "at      0x1"]


def test_what_gives_way_does_so_before_others_are_folded() -> None:
    table = Table("Variable", "Value")
    table.add_column("Where", gives_way=True)
    table.add_row(NAME, "1", plain.Text("worker_main  srv.cc:12  in pause", no_wrap=True, overflow="ellipsis"))
    assert table.lines(76)[1] == f"{NAME}  1      worker_main  srv.…"
    assert table.lines(60)[1:] == [
        "acme::networking::http::               1      worker_main…",
        "ConnectionContext::buffer",
    ]


def test_room_goes_where_it_saves_lines() -> None:
    table = Table("Variable", "Value")
    table.add_row("acme::one_name_of_a_variable", "x " * 100)
    assert len(table.lines(80)) < 7, "of two columns of equal width the long one has more lines"


def test_headings_stand_on_what_they_head_and_are_broken_at_their_words() -> None:
    table = Table("processed_requests_total", "last", right=("processed_requests_total",))
    table.add_row("3", "x" * 40)
    assert table.lines(56)[:2] == ["    processed_", "requests_total  last"]


def test_what_cannot_be_narrower_has_no_error() -> None:
    table = filled(plain.Text)
    assert not table.fits(20) and table.fits(200)
    for room in range(1, 30):
        assert table.lines(room)
    assert max(map(len, Table("a", "b").lines(3)[:1])) <= 2 * NARROWEST


def test_a_screen_of_ascii() -> None:
    table = drawing_of_a_long_cell()
    assert drawn(table, Screen(9, False)).splitlines()[-1] == "xxxxxxxx…"
    assert drawn(table, Screen(9, False, True)).splitlines()[-1] == "xxxxxxxx~"


def drawing_of_a_long_cell() -> Table:
    table = Table("Where")
    table.add_row(RichText("x" * 30, no_wrap=True, overflow="ellipsis"))
    return table


def test_ten_thousand_rows_are_drawn_in_seconds() -> None:
    start = time.process_time()
    drawn(filled(RichText, 10_000), Screen(80, True))
    assert time.process_time() - start < 10


def test_lines_that_are_made_already() -> None:
    line = joined([Piece("S"), Piece(" "), Piece("N", "red"), Piece("N", "red"), Piece("  ")])
    assert line == [Piece("S "), Piece("NN", "red"), Piece("  ")]
    made = Pieces([line, [Piece("x" * 9)], []])
    assert drawn(made, Screen(8, False)) == "S NN\nxxxxxxxx\n\n"
    assert "\x1b[31mNN" in drawn(made, Screen(8, True))
    assert made.lines(8) == ["S NN", "xxxxxxxx", ""]
