"""Long names and values in little room: broken where a reader expects it, never inside a number."""

from __future__ import annotations

import pytest

from gdb_tls.views.folding import cut, folded, longest_part, qualified, shortened, width, without_arguments

NAME = "acme::networking::http::ConnectionContext::header_cache_by_host_name"


def lines(text: str, room: int) -> list[str]:
    return [text[start:end] for start, end in folded(text, room)]


def test_a_name_is_broken_behind_its_scopes() -> None:
    assert lines(NAME, 26) == ["acme::networking::http::", "ConnectionContext::", "header_cache_by_host_name"]
    assert lines("processed_requests_total", 12) == ["processed_", "requests_", "total"]
    assert lines("std::optional<...>::~optional", 22) == ["std::optional<...>::", "~optional"]


def test_blanks_at_the_ends_of_lines_are_on_neither() -> None:
    assert lines("its guard is not set: no constructor", 12) == ["its guard is", "not set: no", "constructor"]
    assert lines("two\nlines", 40) == ["two", "lines"]
    assert lines("", 10) == [""]


@pytest.mark.parametrize("room", range(16, 60))
def test_no_number_is_broken_and_nothing_is_lost(room: int) -> None:
    text = "(acme::pool::Worker *) 0x564de9401630, {12345, 1.25, 6,713} = std::vector<int>[9876543210] 2-29,31-33"
    found = lines(text, room)
    assert max(map(len, found)) <= room
    assert "".join("".join(found).split()) == "".join(text.split())
    for number in ("0x564de9401630", "12345", "1.25", "9876543210"):
        assert any(number in line for line in found), (number, found)


def test_wide_characters() -> None:
    assert lines("日本語日本語", 5) == ["日本", "語日", "本語"]
    assert width("日本") == 4


def test_what_is_cut_ends_before_a_number() -> None:
    text = "main  srv.cc:361"
    assert [text[: cut(text, room)] for room in (13, 15)] == ["main  srv.cc", "main  srv.cc:"]
    assert cut("7,11,16,19,22", 9) == len("7,11,16,")
    assert cut("123456789", 5) == 4  # nothing else is there


def test_scopes_are_left_out_in_front() -> None:
    assert qualified("a::b<c::d>::e(f::g)::h") == [0, 3, 12, 21]
    assert shortened(NAME, len(NAME)) == NAME
    assert shortened(NAME, 50) == "…ConnectionContext::header_cache_by_host_name"
    assert shortened(NAME, 30) == "…header_cache_by_host_name"
    assert shortened(NAME, 10) == "header_ca…"
    assert all(len(shortened(NAME, room)) <= room for room in range(2, 80))


def test_the_longest_part() -> None:
    assert longest_part("not-constructed", 20) == len("constructed")
    assert longest_part(NAME, 40) == len("ConnectionContext::")
    assert longest_part(NAME, 12) == 12
    assert longest_part("", 12) == 0


def test_template_arguments_are_left_out() -> None:
    assert without_arguments("std::condition_variable::wait<work(int)::<lambda()> >") == "std::condition_variable::wait"
    assert without_arguments("std::map<int, std::less<int> >::at") == "std::map::at"
    for name in ("operator<", "operator-><int>", "<lambda()>", "pause"):
        assert without_arguments(name) == name
