"""What tables and sentences are made of: the same lines with colours and without, never wider than the screen."""

from __future__ import annotations

import re

import pytest
from rich.text import Text as RichText

from gdb_tls.views.columns import Table
from gdb_tls.views.drawing import drawn
from gdb_tls.views.layout import Drawn, Group, Padding, Text
from gdb_tls.views.screen import Screen

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def made() -> Group:
    table = Table("Number", "Name", "Where", right=("Number",))
    for index, word in enumerate(WORDS):
        cut = Text(f"{word}  file.cc:{index}", is_cut=True)
        table.add_row(str(index**3), Text(" ".join(WORDS[: index + 1])), cut, style="bold")
    facts = Table()
    facts.add_row("left", Text("right", "dim").append(Text(" more")))
    moved = Padding(Text(" ".join(WORDS), "red"), (0, 0, 0, 4))
    return Group(table, Text(""), moved, facts, "a sentence 日本語", Text(" ".join(WORDS), "bold", is_cut=True))


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 1000])
def test_in_colours_and_without_it_is_the_same(width: int) -> None:
    lines = drawn(made(), Screen(width, False)).splitlines()
    assert max(Text(line).cell_len for line in lines) <= width
    said = " ".join(lines)
    for index, word in enumerate(WORDS):
        assert word in said and f"{index**3} " in said
    coloured = drawn(made(), Screen(width, True))
    assert [line.rstrip() for line in ESCAPES.sub("", coloured).splitlines()] == lines
    assert "\x1b[31m" in coloured


def test_sentences_are_broken_at_their_blanks() -> None:
    sentence = Text("NULL in 5 of 6 threads: 2-6. It is set in thread 1 only: the main thread")
    assert sentence.lines(40) == ["NULL in 5 of 6 threads: 2-6. It is set", "in thread 1 only: the main thread"]


def test_styles_are_those_of_rich() -> None:
    """Of the whole, of what was added, and of what was in that."""

    def both(kind: type) -> Drawn:
        inner = kind("inner ", "red").append("and more ", "bold").append("plain")
        found: Drawn = kind("outer ", "dim").append(inner).append(" under", "underline").append("")
        return found

    for width in (80, 1000):
        assert drawn(both(Text), Screen(width, True)) == drawn(both(RichText), Screen(width, True))
    part = drawn(both(Text)[3:15], Screen(80, True))  # type: ignore[index]
    assert part == drawn(both(RichText)[3:15], Screen(80, True))  # type: ignore[index]


def test_what_cannot_be_narrower_stays_readable() -> None:
    assert Text("abcdefgh").lines(4) == ["abcd", "efgh"]
    assert "".join(made().lines(1)).count("twelve") == 0  # folded, but no error
