"""Tables without rich: the same words, aligned, and never wider than the screen."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Group as RichGroup
from rich.padding import Padding as RichPadding
from rich.text import Text as RichText

from gdb_tls.views import drawing, plain
from gdb_tls.views.columns import Table
from gdb_tls.views.screen import Screen

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def made(kit: Any) -> Any:
    """The same renderable of either kit."""
    table = Table("Number", "Name", "Where", right=("Number",))
    for index, word in enumerate(WORDS):
        cut = kit.Text(f"{word}  file.cc:{index}", no_wrap=True, overflow="ellipsis")
        table.add_row(str(index**3), kit.Text(" ".join(WORDS[: index + 1])), cut, style="bold")
    facts = Table()
    facts.add_row("left", kit.Text("right", "dim").append(kit.Text(" more")))
    return kit.Group(table, kit.Text(""), kit.Padding(kit.Text("moved"), (0, 0, 0, 4)), facts, "a sentence 日本語")


class Rich:
    Group, Padding, Text = RichGroup, RichPadding, RichText


def test_where_there_is_room_it_is_what_rich_draws() -> None:
    screen = Screen(1000, False)
    assert drawing.HAS_RICH
    assert plain.lines(made(plain), screen.columns) == drawing.drawn(made(Rich), screen).splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_narrow(width: int) -> None:
    lines = plain.lines(made(plain), width)
    assert max(plain.Text(line).cell_len for line in lines) <= width
    said = " ".join(lines)
    for index, word in enumerate(WORDS):
        assert word in said and f"{index**3} " in said


def test_what_cannot_be_narrower_stays_readable() -> None:
    assert plain.lines(plain.Text("abcdefgh"), 4) == ["abcd", "efgh"]
    assert "".join(plain.lines(made(plain), 1)).count("moved") == 0  # folded, but no error
