"""The language of `tls-table --where`: which threads are shown.

    condition:   comparison | !condition | condition && condition | condition || condition | (condition)
    comparison:  operand | operand OP operand      OP: == != < <= > >= ~ !~
    operand:     a column, by its name or expression; a word of the thread: thread, lwp, name, where, state;
                 a number; "text"; a state (`null`, `no-value`, ...)

`~` searches with a regular expression.  A column compared with a state means the column's state; `state` is the
gravest of all columns.  What compares a value that a thread does not have is neither true nor false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Optional, Protocol, Union

from gdb_tls.errors import BadArgument
from gdb_tls.target.model import Instance, State
from gdb_tls.tuples import NamedTuple

WORDS = ("thread", "lwp", "name", "where", "state")
STATES = tuple(state.value for state in State)
HELP = 'Write it like: request == 0 && where ~ "worker".'

TOKEN = re.compile(
    r"""\s*(?:(?P<operator>&&|\|\||==|!=|<=|>=|!~|[<>~!()])"""
    r"""|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.]))"""
    r"""|(?P<word>(?:not-constructed|no-value)\b|[A-Za-z_]\w*))""",
    re.DOTALL,
)
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Row(Protocol):
    """One thread, as a condition looks at it."""

    def cell(self, column: int) -> Instance:
        """What a column has for it."""
        ...

    def word(self, word: str) -> int | str | None:
        """What `thread`, `lwp`, `name`, `where` or `state` is for it; None where that is not known."""
        ...


Truth = Optional[bool]
Condition = Callable[[Row], Truth]


class ColumnOperand(NamedTuple):
    """A column, by its position."""

    at: int


class WordOperand(NamedTuple):
    """A word of the thread."""

    word: str


class StateOperand(NamedTuple):
    """A state's name."""

    state: str


Operand = Union[ColumnOperand, WordOperand, StateOperand, int, float, str]


def parse(text: str, columns: Sequence[tuple[str, str]]) -> Condition:
    """Reads a condition.

    Args:
        text: it.
        columns: the name and the expression of each column.

    Raises:
        BadArgument: where it cannot be understood.
    """
    return _Parser(text, columns).whole()


def find_column(word: str, columns: Sequence[tuple[str, str]]) -> ColumnOperand | WordOperand | None:
    """What a word means that stands alone: a column, or a word of the thread."""
    bare = "".join(word.split())
    for at, names in enumerate(columns):
        if bare in ["".join(name.split()) for name in names]:
            return ColumnOperand(at)
    return WordOperand(bare) if bare in WORDS else None


def known(columns: Sequence[tuple[str, str]]) -> str:
    """The sentence that says what may be named."""
    return f"The columns are {', '.join(name for name, _ in columns)}; of the thread there are {', '.join(WORDS)}."


class _Parser:
    def __init__(self, text: str, columns: Sequence[tuple[str, str]]) -> None:
        self._text = text
        self._columns = columns
        self._at = 0

    def whole(self) -> Condition:
        if not self._text.strip():
            raise BadArgument("The condition of --where is empty", HELP)
        found = self._either()
        if self._text[self._at :].strip():
            raise self._bad("and what follows it is not understood")
        return found

    def _either(self) -> Condition:
        parts = [self._costed(self._both)]
        while self._taken("||"):
            parts.append(self._costed(self._both))
        ordered = _cheap_first(parts)
        return ordered[0] if len(ordered) == 1 else lambda row: _any(part(row) for part in ordered)

    def _costed(self, read: Callable[[], Condition]) -> tuple[bool, Condition]:
        """A part of the condition, and whether it asks where a thread is."""
        start = self._at
        found = read()
        return bool(re.search(r"\bwhere\b", self._text[start : self._at])), found

    def _both(self) -> Condition:
        parts = [self._costed(self._one)]
        while self._taken("&&"):
            parts.append(self._costed(self._one))
        ordered = _cheap_first(parts)
        return ordered[0] if len(ordered) == 1 else lambda row: _all(part(row) for part in ordered)

    def _one(self) -> Condition:
        if self._taken("!"):
            inner = self._one()
            return lambda row: None if (found := inner(row)) is None else not found
        if self._taken("("):
            inner = self._either()
            if not self._taken(")"):
                raise self._bad("and a ) is missing there")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        sign = next((sign for sign in ("!~", *COMPARISONS, "~") if self._taken(sign)), "")
        if not sign:
            if isinstance(left, StateOperand):
                raise self._bad(f"and {left.state} is compared with nothing")
            return lambda row: _is_true(_value(left, row))
        right = self._operand()
        if isinstance(left, StateOperand) or isinstance(right, StateOperand):
            return self._of_states(left, sign, right)
        if "~" in sign:
            return self._search(left, sign, right)
        compare = COMPARISONS[sign]
        return lambda row: _compared(compare, _value(left, row), _value(right, row))

    def _of_states(self, left: Operand, sign: str, right: Operand) -> Condition:
        one, other = (left, right) if isinstance(right, StateOperand) else (right, left)
        if sign not in ("==", "!=") or not isinstance(one, (ColumnOperand, WordOperand)):
            raise self._bad("where a state can only be compared with a column, by == or !=")
        if isinstance(one, WordOperand) and one.word != "state":
            raise self._bad(f"but {one.word} has no state")
        assert isinstance(other, StateOperand)
        state, wanted = other.state, sign == "=="

        def judge(row: Row) -> Truth:
            has = row.cell(one.at).state.value if isinstance(one, ColumnOperand) else row.word(one.word)
            return (has == state) is wanted

        return judge

    def _search(self, left: Operand, sign: str, right: Operand) -> Condition:
        if not isinstance(right, str):
            raise self._bad(f"but what follows {sign} is no text")
        try:
            pattern = re.compile(right)
        except re.error as error:
            raise BadArgument(f"{right} in --where is no regular expression ({error})", HELP) from None
        wanted = sign == "~"

        def judge(row: Row) -> Truth:
            text = _value(left, row).text
            return None if text is None else bool(pattern.search(text)) is wanted

        return judge

    # Pieces

    def _taken(self, sign: str) -> bool:
        match = TOKEN.match(self._text, self._at)
        if match is None or match["operator"] != sign:
            return False
        self._at = match.end()
        return True

    def _operand(self) -> Operand:
        column = self._column()
        if column is not None:
            return column
        match = TOKEN.match(self._text, self._at)
        if match is None or match["operator"]:
            raise self._bad("where a column, a number or a text is missing")
        self._at = match.end()
        if match["text"]:
            return _unquoted(match["text"])
        if match["number"]:
            number = match["number"]
            return int(number, 0) if re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|[1-9]\d*|0)", number) else float(number)
        word = match["word"]
        if word in STATES:
            return StateOperand(word)
        if word in WORDS:
            return WordOperand(word)
        rest = re.match(r"(\s*(->|\.|\[[^\]]*\])\s*\w*)*", self._text[self._at :])
        raise BadArgument(f"There is no column {word}{rest[0].strip() if rest else ''}", known(self._columns))

    def _column(self) -> ColumnOperand | None:
        """The column whose name or expression stands here, the longest; blanks in it do not matter."""
        start = len(self._text) - len(self._text[self._at :].lstrip())
        best: tuple[int, int] | None = None
        for at, names in enumerate(self._columns):
            for name in names:
                pattern = r"\s*".join(map(re.escape, re.findall(r"\w+|[^\w\s]", name)))
                match = re.compile(pattern).match(self._text, start)
                if match and _ends_here(self._text, match.end()) and (best is None or match.end() > best[0]):
                    best = (match.end(), at)
        if best is None:
            return None
        self._at = best[0]
        return ColumnOperand(best[1])

    def _bad(self, why: str) -> BadArgument:
        return BadArgument(f"--where is understood up to {self._text[: self._at].strip()!r}, {why}", HELP)


def _ends_here(text: str, at: int) -> bool:
    """Whether a name ends there, so that it is not the beginning of a longer one or of a path."""
    return not (re.match(r"\w", text[at:]) and re.match(r"\w", text[at - 1 :])) and not re.match(
        r"\s*(->|\.|\[|\(|::)", text[at:]
    )


def _unquoted(text: str) -> str:
    """Only a quote is escaped: a regular expression has backslashes of its own."""
    return re.sub(r"\\([\"'])", r"\1", text[1:-1])


def _cheap_first(parts: Sequence[tuple[bool, Condition]]) -> list[Condition]:
    """Where a thread is costs the debugger its stack: not before it is needed.  The order changes no answer."""
    return [part for _, part in sorted(parts, key=lambda one: one[0])]


def _all(parts: Iterable[Truth]) -> Truth:
    """Kleene's logic: what is not known stays so, unless another part decides."""
    found: Truth = True
    for part in parts:
        if part is False:
            return False
        found = None if part is None else found
    return found


def _any(parts: Iterable[Truth]) -> Truth:
    found: Truth = False
    for part in parts:
        if part is True:
            return True
        found = None if part is None else found
    return found


class _Value(NamedTuple):
    """What an operand is in one thread: a number, its text; None for what it does not have."""

    number: int | float | None
    text: str | None


def _value(operand: Operand, row: Row) -> _Value:
    if isinstance(operand, ColumnOperand):
        instance = row.cell(operand.at)
        if instance.reason is not None or instance.state is State.UNALLOCATED:
            return _Value(None, None)
        return _Value(instance.value, instance.text)
    plain: int | float | str | None
    if isinstance(operand, WordOperand):
        plain = row.word(operand.word)
    else:
        assert not isinstance(operand, StateOperand)
        plain = operand
    return _Value(plain, str(plain)) if isinstance(plain, (int, float)) else _Value(None, plain)


def _compared(compare: Callable[[Any, Any], Any], left: _Value, right: _Value) -> Truth:
    """Numbers with numbers, texts with texts; between them, nothing is known."""
    if left.number is not None and right.number is not None:
        return bool(compare(left.number, right.number))
    if left.text is None or right.text is None:
        return None
    return bool(compare(_content(left.text), _content(right.text)))


def _content(text: str) -> str:
    """What is in the quotes of a text as the debugger prints it; all of it where there are none."""
    quoted = re.search(r'"((?:\\.|[^"\\])*)"', text)
    return quoted[1] if quoted else text


def _is_true(value: _Value) -> Truth:
    if value.number is not None:
        return bool(value.number)
    return None if value.text is None else bool(value.text)
