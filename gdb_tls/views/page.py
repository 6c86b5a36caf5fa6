"""What a page says, as data: `gdb_tls.views.html` writes it.

`from_document` makes one of any JSON document; a command that has more to show builds its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Union

from gdb_tls.views.json import whole

MOST_COLUMNS = 6
CODE = "code"
NUMBER = "number"
STATE = "state"
TEXT = "text"

# What the keys of the documents hold, where it is not plain text.
KINDS = {
    "state": STATE,
    "value": CODE,
    "text": CODE,
    "type": CODE,
    "address": CODE,
    "thread_pointer": CODE,
    "offset": CODE,
    "linkage_name": CODE,
    "num": NUMBER,
    "lwp": NUMBER,
    "size": NUMBER,
    "id": NUMBER,
    "key": NUMBER,
    "sequence": NUMBER,
}
NAMES = {
    **{"num": "Thread", "lwp": "LWP", "pid": "PID", "id": "ID", "libc": "C library", "dtv": "DTV"},
    **{"static_tls": "Static TLS", "shares": "Static modules"},
}
# What nobody reads in a row of a table.
DETAILS_ONLY = ("initial",)

# What a table leaves to the row's details first, where it has more columns than can be read.
LESS_WANTED = (
    *("linkage_name", "target_path", "path", "build_id", "load_base", "source", "exported", "static", "exited"),
    *("image_size", "alignment", "generation", "line", "file", "flags", "value", "thread_pointer", "via"),
    *("offset", "address"),
)

# What is read of something that has a name before its type, which may be long.
FIRST = ("num", "name", "state", "text")
# Of a value without blanks a cell shows so much; the row's details show all of it.
LONGEST_WORD = 40


class Words(str):
    """What is said in a column of code where there is no code: a reason."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        kind: how its cells are written: "text", "number", "code" or "state".
        minor: whether it is left out where the screen is narrow; the row's details have it then.
    """

    name: str
    kind: str = TEXT
    minor: bool = False


class Row(NamedTuple):
    """A row that opens.

    Attributes:
        cells: one a column.
        details: what is shown when it is opened; empty for a row that does not open.
        mark: what is special about the row, in a word (the selected thread); empty for most.
        grave: whether it is what the reader looks for: it stands out.
    """

    cells: Sequence[object]
    details: Sequence[Section] = ()
    mark: str = ""
    grave: bool = False


def marked_first(rows: Iterable[Row]) -> list[Row]:
    """The rows of threads, those that are remarkable on top: nobody finds them among ten thousand."""
    return sorted(rows, key=lambda row: not row.mark)


class Table(NamedTuple):
    """Rows that can be sorted, filtered and opened.

    Attributes:
        title: its heading; also what a row is called when they are counted ("threads").
        columns: of each row.
        rows: in the order in which they are first shown.
        plain: whether it is only to be read: their order says something, and there are few.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    plain: bool = False


class Facts(NamedTuple):
    """Names and what they stand for.

    Attributes:
        title: the heading; may be empty.
        facts: (name, value, kind as in `Column.kind`).
    """

    title: str
    facts: Sequence[tuple[str, object, str]]


class Finding(NamedTuple):
    """Something that looks wrong.

    Attributes:
        title: what it is about: a variable's name, say.
        sentences: why, the most important first.
        level: "high", "medium" or "low".
        details: what is shown when it is opened.
    """

    title: str
    sentences: Sequence[str]
    level: str = "high"
    details: Sequence[Section] = ()


class Findings(NamedTuple):
    """Findings, the gravest first.

    Attributes:
        title: the heading.
        findings: may be empty: then the page says `none`.
        none: the sentence for that.
    """

    title: str
    findings: Sequence[Finding]
    none: str = ""


class Line(NamedTuple):
    """One line of a map.

    Attributes:
        name: what it is.
        group: what it belongs to (the module); lines of one group stand together.
        states: one a column: a state's name, or "" where there is none.
        details: what a cell's tooltip and its reader hear beside the state; one a column, or none at all.
    """

    name: str
    group: str
    states: Sequence[str]
    details: Sequence[str] = ()


class Map(NamedTuple):
    """States at a glance: lines are variables, columns are threads or groups of them.

    Attributes:
        title: the heading.
        columns: the columns' names.
        lines: from the top.
        notes: what the columns' names stand for.
    """

    title: str
    columns: Sequence[str]
    lines: Sequence[Line]
    notes: Sequence[str] = ()


class Prose(NamedTuple):
    """Sentences.

    Attributes:
        title: the heading; may be empty.
        sentences: a paragraph each.
    """

    title: str
    sentences: Sequence[str]


Section = Union[Table, Facts, Findings, Map, Prose]


class Page(NamedTuple):
    """A whole answer.

    Attributes:
        lead: the answer in a few sentences, the most important first; may be empty.
        sections: what stands under it.
        grave: whether the lead is bad news; None where it is neither good nor bad.
    """

    lead: Sequence[str]
    sections: Sequence[Section]
    grave: bool | None = None


# What is remarkable about a thread stands beside its number.
MARKS = "marks"


def from_document(
    document: Mapping[str, Any], lead: Sequence[str] = (), grave: bool | None = None, without: Sequence[str] = ()
) -> Page:
    """A page for any JSON document: the tables first, then the facts.

    Args:
        document: it.
        lead: the answer in a few sentences.
        grave: whether these are bad news.
        without: keys that are not shown, as the lead says what they hold.
    """
    # The page's head has the target already, and nobody asks what was not interrupted.
    items = whole(document).items()
    hidden = ("schema", "target", *without)
    shown = {key: value for key, value in items if key not in hidden and value is not False}
    sections = [section for key, value in shown.items() for section in _sections(key, value)]
    single = facts({key: value for key, value in shown.items() if not isinstance(value, Mapping)})
    tables = [section for section in sections if isinstance(section, Table)]
    rest = [section for section in sections if not isinstance(section, Table)]
    return Page(lead, [*tables, *([single] if single.facts else []), *rest], grave)


def title(key: str) -> str:
    """A key of a document, as a heading."""
    words = key.replace("_", " ")
    return NAMES.get(key, words[:1].upper() + words[1:])


def kind_of(key: str) -> str:
    """How the values of a key are written."""
    return KINDS.get(key, TEXT)


def facts(values: Mapping[str, Any], name: str = "") -> Facts:
    """The plain values of a mapping, and those of the mappings in it."""
    return Facts(name, list(_flat(values)))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, object, str]]:
    for key, value in values.items():
        name = f"{before} {title(key).lower()}" if before else title(key)
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif _is_plain(value) and value not in (None, "", [], ()):
            yield name, value, KINDS.get(key, TEXT)


def _sections(key: str, value: Any) -> Iterable[Section]:
    if isinstance(value, Mapping):
        if any(True for _ in _flat(value)):
            yield facts(value, title(key))
        for inner, one in value.items():
            if _is_rows(one):
                yield from _sections(inner, one)
    elif _is_rows(value):
        yield _table(title(key), value)
    elif isinstance(value, (list, tuple)) and value and not _is_plain(value):
        yield Prose(title(key), [str(one) for one in value])


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    keys = [
        key
        for key in dict.fromkeys(key for row in rows for key in row)
        if key != MARKS and key not in DETAILS_ONLY and any(_says(row.get(key)) for row in rows)
    ]
    for key in LESS_WANTED:
        if len(keys) > MOST_COLUMNS and key in keys:
            keys.remove(key)
    keys = keys[:MOST_COLUMNS]
    if "name" in keys:
        keys.sort(key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
    columns = [Column(title(key), KINDS.get(key, TEXT), index > 2) for index, key in enumerate(keys)]
    return Table(
        name,
        columns,
        [Row([_short(row.get(key)) for key in keys], _details(row), ", ".join(row.get(MARKS) or ())) for row in rows],
    )


def _says(value: Any) -> bool:
    """Whether a value is worth a column."""
    return value not in (None, "", False) and value != [] and (_is_plain(value) or _short(value) is not value)


def _short(value: Any) -> Any:
    """What a table shows of a mapping that stands for something with a name: a variable, a module."""
    if isinstance(value, Mapping):
        if value.get("name"):
            return value["name"]
        if value.get("path"):
            return os.path.basename(value["path"])
        if "name" in value:  # a function without a symbol, or none at all
            address = value.get("address")
            return address if address and int(address, 16) else None
    if isinstance(value, str) and len(value) > LONGEST_WORD and " " not in value and "::" not in value:
        return value[:LONGEST_WORD] + "..."
    return value


def _details(row: Mapping[str, Any]) -> list[Section]:
    found: list[Section] = [facts({key: value for key, value in row.items() if key != MARKS and not _is_rows(value)})]
    for key, value in row.items():
        if _is_rows(value):
            found += _sections(key, value)
    return found


def _is_rows(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(one, (str, int)) and len(str(one)) < 40 for one in value)
    return not isinstance(value, Mapping)
