"""Pages and pictures from data alone: what the program calls a thing is text in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from gdb_tls.questions.audit import page as audit_page
from gdb_tls.questions.map import page as map_page
from gdb_tls.views import html, page, svg
from gdb_tls.views.layout import Text
from gdb_tls.views.page import Column, Finding, Findings, Line, Map, Page, Prose, Row, Table

BAD = "</script><img src=x onerror=alert(1)>\"'&amp;\x1b[2J\u202e"
SHOWN = "</script><img src=x onerror=alert(1)>\"'&amp;\\x1b[2J\\u202e"


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "input", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed where it should be"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def everything(text: str) -> Page:
    """A page that has the text in every place that there is for one."""
    inner = Table(text, [Column(text)], [Row([text], [page.facts({text: text})])])
    details = [page.facts({text: text, "state": text, "type": text}), inner, Prose(text, [text])]
    table = Table(
        text, [Column(text), Column(text, page.STATE), Column(text, page.CODE)], [Row([text] * 3, details, text)]
    )
    chart = Map(text, [text], [Line(text, text, [text], [text])])
    return Page(
        [text, text], [Findings(text, [Finding(text, [text], text, details)]), Findings("", [], text), chart, table]
    )


def test_text_is_text_everywhere() -> None:
    seen = Seen(html.render(everything(BAD), BAD, {"executable": BAD, "pid": 1, "kind": BAD}))
    assert seen.open == []
    assert seen.text.count(SHOWN) >= 20
    assert "img" not in seen.tags
    assert seen.tags.count("script") == 1
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert {name for name, value in seen.attributes if SHOWN in value} <= {
        "title",
        "aria-label",
        "data-state",
        "data-what",
    }


def test_the_same_elements_for_harmless_text() -> None:
    def tags(text: str) -> list[str]:
        return [tag for tag in Seen(html.render(everything(text), text)).tags if tag not in ("span", "wbr")]

    assert tags(BAD.replace(" ", "")) == tags("harmless")


def test_page_needs_nothing_else() -> None:
    written = html.render(everything("x"), "title")
    assert "://" not in written
    assert written.isascii()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', written)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "%%" not in written


def test_placeholders_in_the_program_s_text_are_left_alone() -> None:
    assert "%%sections%%" in Seen(html.render(Page(["%%sections%%"], []), "%%style%%")).text


def test_any_document_makes_a_page() -> None:
    document = {
        "schema": "gdb-tls/new/1",
        "target": {"kind": "core"},
        "interrupted": False,
        "count": 3,
        "things": [
            {"name": "a", "module": {"id": 1, "path": "/lib/one.so"}, "parts": [{"x": 1}, {"x": 2}]},
            {"name": "b", "module": {"id": 2, "path": "/lib/two.so"}, "none": None},
        ],
        "about": {"speed": "0x10", "inner": {"deep": True}},
        "missing": [],
    }
    made = page.from_document(document)
    table = made.sections[0]
    assert isinstance(table, Table)
    assert [column.name for column in table.columns] == ["Name", "Module"]
    assert [row.cells for row in table.rows] == [["a", "one.so"], ["b", "two.so"]]
    assert [part.title for part in table.rows[0].details] == ["", "Parts"]
    assert page.facts(document["about"]).facts == [("Speed", "0x10", "text"), ("Inner deep", True, "text")]
    seen = Seen(html.render(made, "tls-new"))
    assert seen.tags.count("table") == 2
    assert "core" not in seen.text, "the target is for the head"


VARIABLE = {"name": "buffer", "type": "char *", "module": {"id": 2, "path": "/lib/app.so", "storage": "static"}}


def test_audit() -> None:
    reason = {"rule": "set-in-main", "score": 65, "sentence": "Set only in the main thread.", "threads": [2]}
    finding = {
        "variable": VARIABLE,
        "name": "buffer",
        "key": None,
        "score": 65,
        "level": "likely wrong",
        "alarming": True,
        "states": {"set": 1, "null": 2},
        "reasons": [reason],
    }
    summary = {
        "threads": 3,
        "modules": 1,
        "variables": 4,
        "pointers": 2,
        "alarming": 1,
        "hints": 0,
        "missing": [],
        "interrupted": False,
    }
    frame = {"function": "push", "file": "a.cc", "line": 3, "pc": "0x10"}
    fault = {"num": 2, "lwp": 7, "signal": "SIGSEGV", "address": "0x8", "frames": [frame]}
    made = audit_page.page_of(
        {
            "schema": "gdb-tls/audit/1",
            "fault": fault,
            "verdict": ["1 looks wrong."],
            "findings": [finding],
            "summary": summary,
        }
    )
    assert made.lead == ["1 looks wrong."]
    assert made.grave
    (found,) = made.sections[0].findings  # type: ignore[union-attr]
    assert (found.title, found.level, found.sentences) == ("char *buffer", "high", ["Set only in the main thread."])
    text = Seen(html.render(made, "tls-audit")).text
    assert "Thread 2 stopped on SIGSEGV on an access to 0x8." in text
    assert "set in 1, NULL in 2" in text
    healthy = audit_page.page_of(
        {
            "schema": "gdb-tls/audit/1",
            "fault": None,
            "verdict": ["None does."],
            "findings": [],
            "summary": {**summary, "alarming": 0},
        }
    )
    assert healthy.lead == ["None does."]
    assert healthy.grave is False


@pytest.mark.parametrize(
    ("threads", "main", "columns", "shown", "notes"),
    [
        (3, None, ["1", "2", "3"], ["set", "null", "null"], []),
        (100, None, ["A", "1"], ["null", "set"], ["A: 99 threads (99 %): 2-100"]),
        (100, 3, ["3", "A", "1"], ["null", "null", "set"], ["3: main", "A: 98 threads (98 %): 2,4-100"]),
    ],
)
def test_map(threads: int, main: int | None, columns: list[str], shown: list[str], notes: list[str]) -> None:
    """Threads that are alike share a column where there are many; each has its row."""
    states = ["set"] + ["null"] * (threads - 1)
    variable = {**VARIABLE, "states": states, "bytes": ["01"] + ["00"] * (threads - 1)}
    rows = [{"num": number, "lwp": 100 + number, "name": "", "exited": False} for number in range(1, threads + 1)]
    for row in rows:
        row["marks"] = ["main"] if row["num"] == main else []
    summary = {"threads": threads, "variables": 1, "missing": []}
    made = map_page.page_of({"schema": "gdb-tls/map/1", "threads": rows, "variables": [variable], "summary": summary})
    chart, table = made.sections
    assert isinstance(chart, Map) and isinstance(table, Table)
    assert (chart.columns, chart.lines[0].states, chart.notes) == (columns, shown, notes)
    first = [main] if main else []
    assert [row.cells[0] for row in table.rows] == first + [n for n in range(1, threads + 1) if n not in first]
    written = html.render(made, "tls-map")
    assert written.count('class="cell null"') == len(columns) - 1 + 1, "one for the legend"
    assert Seen(written).open == []


def test_what_stands_for_a_function_is_its_name() -> None:
    """Not a dictionary; and what has no blank to break at is cut in the table, whole in what the row opens to."""
    rows = [
        {"key": 0, "destructor": {"address": "0x10", "name": "free_plain", "file": "x.so"}, "build": "ff" * 60},
        {"key": 1, "destructor": {"address": "0x0", "name": None, "file": None}, "build": None},
        {"key": 2, "destructor": {"address": "0x20", "name": None, "file": "x.so"}, "build": None},
    ]
    made = page.from_document({"schema": "gdb-tls/x/1", "keys": rows})
    (table,) = made.sections
    assert isinstance(table, Table)
    at = [column.name for column in table.columns].index("Destructor")
    assert [row.cells[at] for row in table.rows] == ["free_plain", None, "0x20"]
    assert "ff" * 20 + "..." in table.rows[0].cells
    assert "ff" * 60 in html.render(made, "x") and "{'" not in html.render(made, "x")


def test_picture_keeps_blanks_everywhere() -> None:
    """librsvg strips the ends of a text, no-break spaces too, unless it is told not to."""
    drawn = svg.render(lambda screen: Text("  2 main"), "x")
    assert '-matrix" xml:space="preserve">' in drawn


def test_picture_fits_its_text() -> None:
    for length in (10, 100, 400):
        text = Text("x" * length)
        drawn = svg.render(lambda screen, text=text: text, BAD)  # type: ignore[misc]
        (width,) = re.findall(r'<svg viewBox="0 0 (\d+)', drawn)
        columns = float(width) / 12.2
        assert min(max(length, svg.NARROWEST), svg.WIDEST) <= columns <= min(max(length, svg.NARROWEST), svg.WIDEST) + 6
        assert "<img" not in drawn and "\x1b" not in drawn and drawn.isascii()
        assert drawn.count("://") == 1, "the name space, and no font from the network"


def test_a_page_of_thousands_of_rows_is_small() -> None:
    """However long the values: those are cut then, and the page says so; no row is left out."""
    columns = [Column("Thread", page.NUMBER), Column("State", page.STATE), Column("Value", page.CODE)]
    for value, is_cut in (("std::vector of length 3 = {1, 2, 3} " * 8, True), ("0x7f1234567890", False)):
        rows = [Row([number, "set", value], (), "main" if number == 1 else "") for number in range(10_000)]
        written = html.render(Page([], [Table("Threads", columns, rows)]), "title")
        assert len(written) < 3_000_000
        assert written.count("<tbody") == 10_000 and written.count('<span class="mark">main</span>') == 1
        assert (html.CUT in written) == is_cut == (value not in written)


def test_names_may_be_broken_at_their_parts_and_numbers_nowhere() -> None:
    table = Table("", [Column("", page.CODE)], [Row(["acme::networking::ConnectionContext"]), Row(["0x55b148fcdf10"])])
    written = html.render(Page([], [table]), "title")
    assert "acme::<wbr>networking::<wbr>ConnectionContext" in written
    assert '<span class="num">0x55b148fcdf10</span>' in written


def test_a_reason_is_no_code() -> None:
    table = Table("", [Column("", page.CODE)], [Row([page.Words("not in this thread")]), Row(["not"])])
    written = html.render(Page([], [table]), "title")
    assert ">not in this thread<" in written and '<span class="keyword">not</span>' in written
