"""Where a thread is, in the room that a column has: the end of a name and the whole number of a line, or neither."""

from __future__ import annotations

from gdb_tls.program.where import Where
from gdb_tls.target.facts import Frame
from gdb_tls.views.columns import Fitting
from gdb_tls.views.drawing import declared_text, heading_text, value_cell, where_text
from gdb_tls.views.layout import Text
from gdb_tls.views.screen import Screen

OWN = Frame("acme::http::ConnectionContext::handle", "lib.cc", 22, 0x1000)
INSIDE = Where(OWN, OWN, Frame("std::vector<int>::at", "vector", 1063, 0x2000))


def place(room: int) -> str:
    return where_text(INSIDE, room).plain


def test_a_place_in_less_and_less_room() -> None:
    whole = "acme::http::ConnectionContext::handle  lib.cc:22  in std::vector::at"
    assert where_text(INSIDE).plain == place(len(whole)) == whole
    assert place(62) == "acme::http::ConnectionContext::handle  lib.cc:22  in std::vec…"
    assert place(50) == "acme::http::ConnectionContext::handle  lib.cc:22"
    assert place(40) == "…ConnectionContext::handle  lib.cc:22"
    assert place(20) == "…handle  lib.cc:22"
    assert place(16) == "…handle  lib.cc"
    assert place(8) == "…handle"


def test_a_short_name_keeps_its_file() -> None:
    main = Frame("main", "crowd.c", 120, 0x1000)
    assert where_text(Where(main, main), 14).plain == "main  crowd.c"
    assert where_text(Where(main, main), 17).plain == "main  crowd.c:120"


def test_no_line_is_another_ones() -> None:
    for room in range(1, 90):
        found = place(room)
        assert len(found) <= max(room, 2)
        assert "lib.cc:" not in found or "lib.cc:22" in found, found


def test_a_declaration_that_is_too_long() -> None:
    name, kind = "acme::http::ConnectionContext::buffer", "acme::http::Request *"
    assert declared_text(name, kind, 80, False).plain == f"{kind}{name}"
    assert declared_text(name, kind, 50, False).plain == f"{kind}\n  {name}"
    assert declared_text(name, kind, 32, False).plain == f"{kind}\n  acme::http::\n  ConnectionContext::buffer"
    assert heading_text(name, kind, "lib.cc:6", Screen(57, False)).plain == f"{kind}\n  {name}    lib.cc:6"
    assert heading_text("id", "int", "lib.cc:6", Screen(60, False)).plain == "int id    lib.cc:6"


def test_a_value_takes_some_lines() -> None:
    number = value_cell(Text("std::vector of length 3, capacity 4 = {1, 2, 3}"), 2)  # type: ignore[arg-type]
    assert isinstance(number, Fitting)
    assert number.text(16).plain == "std::vector of length 3, capac…"
    assert number.text(80).plain.endswith("{1, 2, 3}")
    phase = value_cell(Text("acme::http::Phase::reading_headers"), 2)  # type: ignore[arg-type]
    assert isinstance(phase, Fitting) and phase.text(24).plain == "…Phase::reading_headers"
