"""HTML: one file that needs nothing else, for a browser on a desk or a phone.

The program's text is escaped as it is written, and the page's own policy lets no script run but the one that
belongs to it, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby

from gdb_tls.views.folding import MORE
from gdb_tls.views.origin import Origin, facts
from gdb_tls.views.page import (
    CODE,
    NUMBER,
    STATE,
    Column,
    Facts,
    Finding,
    Findings,
    Line,
    Map,
    Page,
    Prose,
    Row,
    Section,
    Table,
    Words,
)
from gdb_tls.views.syntax import tokens
from gdb_tls.views.text import safe

# Beyond so many different texts C++ is no longer coloured: Pygments takes its time.
MOST_COLOURED = 1_000
# A table of so many rows is written as briefly as can be, and with so many characters of text: it is opened on a phone.
MANY_ROWS, MOST_TEXT, LEAST_SHOWN = 1_000, 1_100_000, 24
# So many of them are laid out before more are asked for, as page.css has it.
SHOWN_AT_FIRST = 500
CUT = "Long values are cut, as there are so many: --format csv writes all of each."
LETTERS = {
    **{"set": "S", "null": "N", "no-value": "v", "unallocated": "-", "not-constructed": "c", "destroyed": "d"},
    **{"unreadable": "u", "unresolved": "?"},
}


def render(page: Page, title: str, target: Mapping[str, object] | None = None, origin: Origin | None = None) -> str:
    """Writes the page.

    Args:
        page: what it says.
        title: the command line.
        target: the JSON document's "target", for the line under the title.
        origin: what else is known of the program, for the lines below that one.

    Returns:
        The file in ASCII, so that it is read alike whatever it is taken for.
    """
    style, script = _part("page.css"), _part("page.js")
    parts = {
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "style": style,
        "script": script,
        "title": _text(title),
        "target": _target(target or {}) + (_origin(origin, bool(target)) if origin else ""),
        "lead": _lead(page),
        "sections": "\n".join(_Writer().sections(page.sections, 2)),
    }
    # One pass: what is filled in is not looked at again.
    pieces = _part("page.html").split("%%")
    pieces[1::2] = [parts[name] for name in pieces[1::2]]
    return "".join(pieces).encode("ascii", "xmlcharrefreplace").decode()


def _part(name: str) -> str:
    found = pkgutil.get_data(__name__, name)
    assert found is not None, name
    return found.decode("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    """Any value as text in an element or a quoted attribute."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return escape(safe(", ".join(map(str, value))))
    return escape(safe(str(value)))


# A browser breaks a long name where it is told to, which is where a reader expects it, and leaves numbers whole.
LONG_WORD = re.compile(r"[^\s]{17,}")
NAME_PART = re.compile(r"(::|-&gt;|_|/|,)(?=[^\s_:])")


def _breakable(value: object) -> str:
    """Text in a cell, in which long names may be broken at their parts."""
    text = _text(value)
    return LONG_WORD.sub(lambda word: NAME_PART.sub(r"\1<wbr>", word[0]), text) if len(text) > LEAST_BROKEN else text


def _target(target: Mapping[str, object]) -> str:
    order = ("executable", "pid", "kind", "architecture", "libc", "engine")
    words = [f"PID {target[key]}" if key == "pid" else str(target[key]) for key in order if target.get(key)]
    return f'<p class="target">{" &#183; ".join(map(_text, words))}</p>' if words else ""


# A browser breaks lines at hyphens, but "12-15" is one word.
LEAST_BROKEN = 16
WHOLE = re.compile(r"0x[0-9a-f]+|-?\d+(\.\d+)?")
RANGE = re.compile(r"\b\d+-\d+\b")


def _prose(sentence: str) -> str:
    return RANGE.sub(r'<span class="range">\g<0></span>', _text(sentence))


def _origin(origin: Origin, is_named: bool) -> str:
    if is_named:
        origin = origin._replace(executable="", pid=None)
    rows = (f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts(origin))
    return f'\n<dl class="origin">{"".join(rows)}</dl>'


def _lead(page: Page) -> str:
    if not page.lead:
        return ""
    first, *rest = page.lead
    classes = {True: "lead grave", False: "lead good", None: "lead"}[page.grave]
    return "\n".join(
        [
            f'<div class="{classes}"><p class="first">{_prose(first)}</p>',
            *(f"<p>{_prose(one)}</p>" for one in rest),
            "</div>",
        ]
    )


class _Writer:
    """Writes sections; knows what it has coloured, and gives out ids."""

    def __init__(self) -> None:
        self._coloured: dict[str, str] = {}
        self._ids = 0

    def sections(self, sections: Sequence[Section], level: int) -> Iterable[str]:
        """The sections, under headings of this level."""
        for section in sections:
            heading = [f"<h{level}>{_text(section.title)}</h{level}>"] if section.title else []
            yield "\n".join(["<section>", *heading, *self._section(section, level), "</section>"])

    def _section(self, section: Section, level: int) -> Iterable[str]:
        if isinstance(section, Table):
            return self._table(section, level)
        if isinstance(section, Facts):
            return self._facts(section)
        if isinstance(section, Findings):
            return self._findings(section, level)
        if isinstance(section, Map):
            return self._map(section)
        return self._prose(section)

    def _prose(self, prose: Prose) -> Iterable[str]:
        return [f"<p>{_prose(sentence)}</p>" for sentence in prose.sentences]

    def _facts(self, facts: Facts) -> Iterable[str]:
        yield "<dl>"
        for name, value, kind in facts.facts:
            yield f"<div><dt>{_text(name)}</dt><dd>{self._value(value, kind)}</dd></div>"
        yield "</dl>"

    def _value(self, value: object, kind: str) -> str:
        if kind == STATE and value:
            return _state(str(value))
        if kind == CODE and value is not None and not isinstance(value, Words):
            return f"<code>{self._code(str(value))}</code>"
        return _breakable(value)

    def _code(self, text: str) -> str:
        if text not in self._coloured:
            if len(self._coloured) >= MOST_COLOURED:
                return _breakable(text)
            # Ten thousand rows are megabytes: neighbours of one kind share an element.
            grouped = groupby(tokens(text), key=lambda token: token[0])
            pieces = [(kind, _breakable("".join(piece for _, piece in some))) for kind, some in grouped]
            self._coloured[text] = "".join(
                f'<span class="{kind}">{piece}</span>' if kind else piece for kind, piece in pieces
            )
        return self._coloured[text]

    def _findings(self, findings: Findings, level: int) -> Iterable[str]:
        if not findings.findings:
            yield f'<p class="none">{_text(findings.none)}</p>'
            return
        yield '<ol class="findings">'
        for finding in findings.findings:
            yield from self._finding(finding, level)
        yield "</ol>"

    def _finding(self, finding: Finding, level: int) -> Iterable[str]:
        level_class = finding.level if finding.level in ("high", "medium", "low") else "low"
        mark = _element("span", _text(finding.level), class_="level")
        yield f'<li class="{level_class}">'
        yield _element(f"h{level + 1}", f"<code>{self._code(finding.title)}</code> {mark}")
        yield from (f"<p>{_prose(sentence)}</p>" for sentence in finding.sentences)
        if finding.details:
            yield "<details><summary>Details</summary>"
            yield from self.sections(finding.details, level + 2)
            yield "</details>"
        yield "</li>"

    def _table(self, table: Table, level: int) -> Iterable[str]:
        opens = any(row.details for row in table.rows)
        top = level == 2 and not table.plain
        if top:
            yield from self._tools(table, opens)
        most = _most_shown(table.rows) if top and len(table.rows) > MANY_ROWS and not opens else None
        if most is not None and any(
            isinstance(cell, str) and len(cell) > most for row in table.rows for cell in row.cells
        ):
            yield f'<p class="legend">{CUT}</p>'
        name = _text(table.title or "Rows")
        yield (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">' if not top else '<div class="wide">'
        )
        kind = "inner" if not top else "rows" if most is None else "rows brief begun"
        yield f'<table class="{kind}" aria-label="{name}">'
        yield "<thead><tr>"
        for column in table.columns:
            classes = _classes(column.kind, column.minor)
            label = f'<button type="button">{_breakable(column.name)}</button>' if top else _text(column.name)
            yield f'<th scope="col"{classes}>{label}</th>'
        yield "</tr></thead>"
        for row in table.rows:
            if most is None:
                yield from self._row(table, row, level, top and opens)
            else:
                yield _brief_row(table.columns, row, most)
        yield "</table></div>"
        if top:
            if most is not None:
                begun = {"class_": "more", "data_most": str(SHOWN_AT_FIRST)}
                yield _element("button", "Show all", type="button", hidden="", **begun)
            yield '<p class="empty" hidden>No row matches.</p>'

    def _tools(self, table: Table, opens: bool) -> Iterable[str]:
        self._ids += 1
        field = f"filter{self._ids}"
        yield '<div class="tools" hidden>'
        yield _element("label", "Filter", for_=field)
        yield f'<input id="{field}" type="search" autocomplete="off" spellcheck="false">'
        position = next((index for index, column in enumerate(table.columns) if column.kind == STATE), None)
        if position is not None:
            counts = Counter(_first_word(row.cells[position]) for row in table.rows)
            if len(counts) > 1:
                yield '<span class="chips" role="group" aria-label="States">'
                for word, count in counts.most_common():
                    label = f"{_text(_shown(word))} <b>{count:,}</b>"
                    yield _element("button", label, type="button", aria_pressed="false", data_state=word)
                yield "</span>"
        if opens:
            yield '<button type="button" class="all" aria-pressed="false">Open all</button>'
        yield f'<output aria-live="polite" data-what="{_text(table.title.lower() or "rows")}"></output></div>'

    def _row(self, table: Table, row: Row, level: int, opens: bool) -> Iterable[str]:
        state = next((_first_word(cell) for column, cell in zip(table.columns, row.cells) if column.kind == STATE), "")
        self._ids += 1
        details = f"row{self._ids}"
        classes = " ".join(word for word, holds in (("grave", row.grave), ("marked", bool(row.mark))) if holds)
        is_open = opens and len(table.rows) == 1  # nobody wants to click to see the only one
        classes += " opened" if is_open else ""
        named = f' class="{classes.strip()}"' if classes.strip() else ""
        yield f'<tbody{named} data-state="{_text(state)}"><tr>'
        for index, (column, cell) in enumerate(zip(table.columns, row.cells)):
            text = self._value(cell, column.kind)
            if index == 0:
                mark = f' <span class="mark">{_text(row.mark)}</span>' if row.mark else ""
                if row.details and opens:
                    open_button = {
                        "type": "button",
                        "class": "open",
                        "aria-expanded": "true" if is_open else "false",
                        "aria-controls": details,
                    }
                    text = _element("button", text or "&#8211;", **open_button)
                elif opens:
                    text = f'<span class="shut">{text}</span>'
                yield f'<th scope="row"{_classes(column.kind, column.minor)}>{text}{mark}</th>'
            else:
                yield f"<td{_classes(column.kind, column.minor)}>{text}</td>"
        yield "</tr>"
        # Inside an open row the tables are for reading: no more is shown of their rows than what they hold.
        shown = row.details if opens else [section for section in row.details if isinstance(section, Table)]
        if shown:
            yield f'<tr class="details" id="{details}"><td colspan="{len(table.columns)}">'
            yield from self.sections(shown, level + 1)
            yield "</td></tr>"
        yield "</tbody>"

    def _map(self, chart: Map) -> Iterable[str]:
        states = list(dict.fromkeys(state for line in chart.lines for state in line.states if state))
        yield ('<p class="legend">' + " ".join(f"{_cell(state)} {_text(_shown(state))}" for state in states) + "</p>")
        yield from (f'<p class="legend">{_prose(note)}</p>' for note in chart.notes)
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(chart.title)}"><table class="map">'
        yield (
            '<thead><tr><th scope="col">Variable</th>'
            + "".join(f'<th scope="col">{_text(name)}</th>' for name in chart.columns)
            + "</tr></thead>"
        )
        group = ""
        for line in chart.lines:
            if line.group != group:
                group = line.group
                heading = _element("th", _text(group), scope="rowgroup", colspan=str(len(chart.columns) + 1))
                yield f'<tbody class="group"><tr>{heading}</tr></tbody>'
            yield from self._line(line)
        yield "</table></div>"

    def _line(self, line: Line) -> Iterable[str]:
        # A line that is the same all over is no news.
        even = ' class="even"' if len(set(line.states)) == 1 else ""
        yield f'<tbody{even}><tr><th scope="row"><code>{_breakable(line.name)}</code></th>'
        for index, state in enumerate(line.states):
            detail = line.details[index] if index < len(line.details) else ""
            yield f"<td>{_cell(state, detail) if state else ''}</td>"
        yield "</tr></tbody>"


def _most_shown(rows: Sequence[Row]) -> int:
    """How many characters of a cell are shown, so that all cells together are not more than a page may have."""
    lengths = Counter(len(cell) for row in rows for cell in row.cells if isinstance(cell, str))
    most = max(lengths, default=0)
    while most > LEAST_SHOWN and sum(min(length, most) * number for length, number in lengths.items()) > MOST_TEXT:
        most = most * 9 // 10
    return most


def _brief_row(columns: Sequence[Column], row: Row, most: int) -> str:
    """A row of thousands: without colours, and without the end tags that HTML does not ask for."""
    cells = []
    state = ""
    for index, (column, cell) in enumerate(zip(columns, row.cells)):
        if isinstance(cell, str) and len(cell) > most:
            cell = cell[:most] + MORE
        state = state or (_first_word(cell) if column.kind == STATE else "")
        text = _state(str(cell)) if column.kind == STATE and cell else _breakable(cell)
        mark = f' <span class="mark">{_text(row.mark)}</span>' if row.mark and index == 0 else ""
        kind = "" if isinstance(cell, Words) else column.kind
        opened = 'th scope="row"' if index == 0 else "td"
        classes = _classes(kind, column.minor)
        if kind == CODE and WHOLE.fullmatch(text):
            classes = ' class="code whole"'
        cells.append(f"<{opened}{classes}>{text}{mark}")
    classes = " ".join(word for word, holds in (("grave", row.grave), ("marked", bool(row.mark))) if holds)
    named = f' class="{classes}"' if classes else ""
    shown = f' data-state="{_text(state)}"' if state else ""
    return f"<tbody{named}{shown}><tr>{''.join(cells)}"


def _element(tag: str, inner: str, **attributes: str) -> str:
    """An element around what is HTML already; `class_` stands for class, `data_state` for data-state."""
    written = [f' {name.rstrip("_").replace("_", "-")}="{_text(value)}"' for name, value in attributes.items()]
    return f"<{tag}{''.join(written)}>{inner}</{tag}>"


def _first_word(state: object) -> str:
    return str(state or "").split(" ")[0].lower()


def _shown(state: str) -> str:
    return "NULL" if state == "null" else state


def _state(text: str) -> str:
    """A state, and behind it its flags, each in a frame of its own."""
    state, *flags = text.split()
    name = state.lower()
    known = name if name in LETTERS else "other"
    return " ".join(
        [
            f'<span class="state {known}">{_text(_shown(name))}</span>',
            *(f'<span class="flag">{_text(flag)}</span>' for flag in flags),
        ]
    )


def _cell(state: str, detail: str = "") -> str:
    """A cell of a map: a letter, with the whole word for who hears it or points at it."""
    name = state.split()[0].lower()
    known = name if name in LETTERS else "other"
    title = f"{_shown(name)}: {detail}" if detail else _shown(name)
    return f'<abbr class="cell {known}" title="{_text(title)}">{_text(LETTERS.get(name, name[:1]))}</abbr>'


def _classes(kind: str, minor: bool) -> str:
    words = [word for word, holds in (("number", kind == NUMBER), ("code", kind == CODE), ("minor", minor)) if holds]
    return f' class="{" ".join(words)}"' if words else ""
