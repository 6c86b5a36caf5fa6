"""The columns of tls-symbols on a narrow screen: names are whole, and a type of C++ takes one line."""

from __future__ import annotations

import pytest
from unit.made import INFO, report
from unit.made import instances as made_instances

from gdb_tls.questions.symbols.answer import Answer
from gdb_tls.questions.symbols.table import table
from gdb_tls.target.model import Kind, Type
from gdb_tls.views.drawing import drawn
from gdb_tls.views.screen import Screen

LONG = "std::unordered_map<std::string, std::vector<std::pair<int, std::string>>, Hash<std::string>>"


@pytest.mark.parametrize(("columns", "whole"), [(80, False), (200, True)])
def test_a_long_type_takes_one_line(columns: int, whole: bool) -> None:
    one = report(made_instances("s")).variable
    variables = [
        one._replace(name="cache", type=Type(LONG, Kind.AGGREGATE, 56), file="cache.cc", line=12),
        one._replace(name="space::inner::Class::member", offset=64, file="a_long_name_of_a_file.cc", line=1204),
    ]
    lines = drawn(table(Answer(INFO, variables, ()), Screen(columns, False)), Screen(columns, False)).splitlines()
    (row,) = (line for line in lines if " cache " in line)
    assert (LONG in row) == whole
    assert "unordered_map<" in row and row.endswith("cache.cc:12")
    assert max(map(len, lines)) <= columns
    # A name is to be typed: it is broken at its parts, and nothing of it is left out.
    assert any("space::inner::" in line for line in lines) and any("member" in line for line in lines)
