"""Type names as programmers write them."""

from __future__ import annotations

import pytest

from gdb_tls.program.type_names import short_beginning, short_type

STRING = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
VECTOR = f"std::vector<{STRING}, std::allocator<{STRING} > >"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("int", "int"),
        ("char *", "char *"),
        (STRING, "std::string"),
        (f"{STRING} *", "std::string *"),
        (f"const {STRING} &", "const std::string &"),
        (STRING.replace("char", "wchar_t").replace("wchar_t_traits", "char_traits"), "std::wstring"),
        ("std::basic_string_view<char16_t, std::char_traits<char16_t> >", "std::u16string_view"),
        (VECTOR, "std::vector<std::string>"),
        (
            f"std::map<{STRING}, {VECTOR}, std::less<{STRING} >, "
            f"std::allocator<std::pair<{STRING} const, {VECTOR} > > >",
            "std::map<std::string, std::vector<std::string>>",
        ),
        (
            "std::unordered_map<int, long, std::hash<int>, std::equal_to<int>, "
            "std::allocator<std::pair<int const, long> > >",
            "std::unordered_map<int, long>",
        ),
        ("std::unique_ptr<point, std::default_delete<point> >", "std::unique_ptr<point>"),
        ("std::unique_ptr<point [], std::default_delete<point []> >", "std::unique_ptr<point []>"),
        ("std::unique_ptr<point, void (*)(point *)>", "std::unique_ptr<point, void (*)(point *)>"),
        (
            "std::priority_queue<int, std::vector<int, std::allocator<int> >, std::less<int> >",
            "std::priority_queue<int>",
        ),
        ("std::__1::vector<int, std::__1::allocator<int>>::iterator", "std::vector<int>::iterator"),
        ("std::function<void (int, char)>", "std::function<void (int, char)>"),
        ("pair_of<'<', '>'>", "pair_of<'<', '>'>"),
        # What is no default stays.
        ("std::vector<int, my::allocator<int> >", "std::vector<int, my::allocator<int>>"),
        ("std::set<int, std::greater<int>, std::allocator<int> >", "std::set<int, std::greater<int>>"),
        ("std::map<int, int, std::less<void>, std::allocator<std::pair<int const, int> > >",
         "std::map<int, int, std::less<void>>"),
        ("my::std::vector<int, std::allocator<int> >", "my::std::vector<int, std::allocator<int>>"),
        ("mystd::vector<int, std::allocator<int> >", "mystd::vector<int, std::allocator<int>>"),
        ("alloc::vec::Vec<u8, alloc::alloc::Global>", "alloc::vec::Vec<u8>"),
        ("box::operator<", "box::operator<"),
        ("broken<int", "broken<int"),
    ],
)  # fmt: skip
def test_short_type(name: str, short: str) -> None:
    assert short_type(name) == short
    assert short_type(short) == short


def test_short_beginning() -> None:
    assert short_beginning(f"std::optional<{STRING}> [no contained value]") == (
        "std::optional<std::string> [no contained value]"
    )
    assert short_beginning('"std::vector<int, std::allocator<int> >"') == '"std::vector<int, std::allocator<int> >"'
    assert short_beginning("{a = 1}") == "{a = 1}"
