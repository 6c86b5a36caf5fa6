"""The language of --where."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gdb_tls.errors import BadArgument
from gdb_tls.questions.table.condition import parse
from gdb_tls.questions.table.rows import sort_key, sorted_by
from gdb_tls.target.model import Instance, State, Thread

COLUMNS = [
    ("request", "request"),
    ("id", "request->id"),
    ("path", "request->path[0]"),
    ("a < b", "a < b"),
    ("name2", "n"),
]
THREAD = Thread(3, 1003, "worker-3")


def cell(state: State, value: int | float | None = None, text: str = "", reason: str | None = None) -> Instance:
    return Instance(THREAD, state, (), None, value, text, "gdb", reason)


CELLS = [
    cell(State.NULL, 0, "(struct request *) 0x0"),
    cell(State.NULL, reason="request is null"),
    cell(State.SET, text="\"/a,b\", '\\000' <repeats 11 times>"),
    cell(State.SET, 1, "1"),
    cell(State.UNALLOCATED),
]


@dataclass
class Row:
    """A thread with these cells; it notes what it is asked for."""

    asked: list[str] = field(default_factory=list)

    def cell(self, column: int) -> Instance:
        return CELLS[column]

    def word(self, word: str) -> int | str | None:
        self.asked.append(word)
        known = {"thread": 3, "lwp": None, "name": "worker-3", "where": "serve  a.c:3  in poll", "state": "unallocated"}
        return known[word]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("request == 0", True),
        ("request != 0", False),
        ("request == 0x0", True),
        ("request == null && where ~ 'serve'", True),
        ("!request", True),
        ("request", False),
        ("thread > 2 && thread <= 3", True),
        ("thread >= 4 || name == 'worker-3'", True),
        ('name ~ "^w.*-\\d$"', True),
        ('name !~ "main"', True),
        ("name ~ 'main'", False),
        ("path == '/a,b'", True),
        ("path ~ 'repeats'", True),
        ("request -> path [0] == '/a,b'", True),
        ("a < b == 1", True),
        ("a<b", True),
        ("0 == request", True),
        ("state == unallocated", True),
        ("state != unallocated", False),
        ("name2 == unallocated", True),
        ("id == null", True),
        ("id != not-constructed && request != destroyed", True),
        ("id == set", False),
        ("request < 1.5 && request > -1", True),
        # What the thread does not have is neither.
        ("id == 5", None),
        ("id != 5", None),
        ("!(id == 5)", None),
        ("lwp > 0", None),
        ("name2", None),
        ("id == 5 || request == 0", True),
        ("id == 5 && request != 0", False),
        ("request != 0 && id == 5", False),
        ("id == 5 && request == 0", None),
        ("name == 3", False),
        ("(request == 0 || thread == 9) && !(thread == 9)", True),
    ],
)
def test_a_condition(text: str, holds: bool | None) -> None:
    assert parse(text, COLUMNS)(Row()) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("idd == 3", "There is no column idd."),
        ("request->size == 3", "There is no column request->size."),
        ("id ==", "is missing"),
        ("id == 3 id", "not understood"),
        ("(id == 3", "a ) is missing"),
        ("id == == 3", "is missing"),
        ("name ~ 3", "is no text"),
        ("name ~ '('", "no regular expression"),
        ("name == null", "name has no state"),
        ("id < null", "a state can only be compared"),
        ("null", "compared with nothing"),
        ("id = 3", "not understood"),
        ("5x == id", "is missing"),
    ],
)
def test_a_bad_condition_ends_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        parse(text, COLUMNS)
    assert said in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_a_stack_is_read_only_where_it_decides() -> None:
    row = Row()
    assert parse("request != 0 && where ~ 'serve'", COLUMNS)(row) is False
    assert parse("where ~ 'serve' && request != 0", COLUMNS)(row) is False
    assert parse("(where ~ 'main' && thread == 3) || request == 0", COLUMNS)(row) is True
    assert row.asked == []
    assert parse("where ~ 'serve' && request == 0", COLUMNS)(row) is True
    assert row.asked == ["where"]


def test_orders() -> None:
    assert sort_key("-id", COLUMNS).descending
    assert not sort_key("request->id", COLUMNS).descending
    assert sort_key("-lwp", COLUMNS).operand == sort_key("lwp", COLUMNS).operand
    with pytest.raises(BadArgument, match="no column foo"):
        sort_key("foo", COLUMNS)
    keys = {0: 3, 1: None, 2: -1, 3: "b", 4: "a", 5: 2.5}
    members = [[at] for at in keys]
    assert [some[0] for some in sorted_by(members, lambda some: keys[some[0]], False)] == [2, 5, 0, 4, 3, 1]
    assert [some[0] for some in sorted_by(members, lambda some: keys[some[0]], True)] == [0, 5, 2, 3, 4, 1]
