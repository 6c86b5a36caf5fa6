"""Files of macros."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdb_tls.errors import BadArgument
from gdb_tls.questions.table import macros
from gdb_tls.questions.table.answer import expressions
from gdb_tls.questions.table.macros import SHIPPED, MacroFile, Macros, parse

TEXT = """
# a comment
_cache = 'main.c'::cache
 + offset
G(member) = ((globals *)@_cache)->member
PAIR(a, b) = a + @G(b)
current = @G(data)
line = @current->line
line = @current->other
loop = @loop + 1
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "gdb-tls" / "macros"
    folder.mkdir(parents=True)
    (folder / "mine.macros").write_text(TEXT)
    return folder


def expanded(text: str, fits: str = "") -> str:
    return Macros().expanded(text, lambda one: fits in one)


def test_a_file() -> None:
    found = parse("mine", TEXT)
    assert found.columns == ["current", "line", "loop"]
    assert found.macros["_cache"][0].text == "'main.c'::cache + offset"
    assert found.macros["PAIR"][0].parameters == ["a", "b"]
    assert len(found.macros["line"]) == 2


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("@mine.current", "((((globals *)('main.c'::cache + offset))->data))"),
        ("@mine.current->x", "((((globals *)('main.c'::cache + offset))->data))->x"),
        ("1 + @mine.G(size)", "1 + (((globals *)('main.c'::cache + offset))->size)"),
        ("@mine.PAIR(x * 2, len)", "(x * 2 + (((globals *)('main.c'::cache + offset))->len))"),
        ("(char *)@mine._cache", "(char *)('main.c'::cache + offset)"),
        # GDB's own operator, and texts.
        ("*array@3", "*array@3"),
        ("*(array)@length", "*(array)@length"),
        ('"@mine.current"', '"@mine.current"'),
        ("x", "x"),
    ],
)
def test_expanded(own: Path, text: str, result: str) -> None:
    assert expanded(text) == result


def test_the_first_line_that_fits_is_taken(own: Path) -> None:
    assert expanded("@mine.line", "other").endswith("->other)")
    assert expanded("@mine.line", "->line").endswith("->line)")
    # Where none fits, GDB says of the first why.
    assert expanded("@mine.line", "nothing of the kind").endswith("->line)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@nothing.x", "There is no file nothing.macros. There are @mine, @php, @python;"),
        ("@mine.nothing", "mine.macros has no macro nothing."),
        ("@mine + 1", "@mine stands for several columns."),
        ("@mine.G", "@mine.G takes 1 argument, not 0. Write it like @mine.G(member)."),
        ("@mine.PAIR(1)", "@mine.PAIR takes 2 arguments, not 1."),
        ("@mine.loop", "stands for itself"),
    ],
)
def test_a_bad_macro_ends_in_one_sentence(own: Path, text: str, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        expanded(text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_bad_line_is_named() -> None:
    with pytest.raises(BadArgument, match=r"Line 2 of x.macros is no NAME = EXPRESSION: a b"):
        parse("x", "a = 1\na b = 2\n")


def test_columns(own: Path) -> None:
    mine = [(name, f"@mine.{name}") for name in ("current", "line", "loop")]
    assert expressions("errno, @mine, @mine.current as now", Macros()) == [
        ("errno", "errno"),
        *mine,
        ("now", "@mine.current"),
    ]
    assert expressions("@php.line", Macros()) == [("line", "@php.line")]
    with pytest.raises(BadArgument, match="several columns"):
        expressions("@mine as x", Macros())
    with pytest.raises(BadArgument, match="Two columns are called line"):
        expressions("@mine, @php.line", Macros())


def test_the_users_own_file_comes_first(own: Path) -> None:
    (own / "php.macros").write_text("only = 1\n")
    assert macros.read("php") == MacroFile("php", {"only": [macros.Macro(None, "1")]})
    assert macros.known() == ["mine", "php", "python"]


def test_what_is_shipped_is_all_there_and_readable() -> None:
    folder = Path(macros.__file__).parent / "macros"
    assert sorted(path.stem for path in folder.glob("*.macros")) == sorted(SHIPPED)
    for name in SHIPPED:
        found = macros.read(name)
        assert found.columns
        for column in found.columns:
            assert "@" not in Macros().expanded(f"@{name}.{column}", lambda one: False)
