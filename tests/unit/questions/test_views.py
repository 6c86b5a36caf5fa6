"""What people and programs read: exact text at two widths, exact keys, and hostile text as mere text."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.console import Console
from unit.fake import INTEGER, POINTER
from unit.made import INFO, MODULE, VARIABLE, instance, instances, report

from gdb_tls.program.instances import Instances
from gdb_tls.program.report import Report
from gdb_tls.program.where import Where
from gdb_tls.questions.inspect import answer as answers
from gdb_tls.questions.inspect import document as views
from gdb_tls.questions.inspect import table as inspect_table
from gdb_tls.questions.inspect.answer import OneAnswer
from gdb_tls.questions.verify import document as verify_document
from gdb_tls.questions.verify import table as verify_views
from gdb_tls.questions.verify.answer import Comparison, Disagreement
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Flag, Instance, Kind, Path, State, Thread, Type
from gdb_tls.views import csv as csv_format
from gdb_tls.views import json as json_format
from gdb_tls.views.drawing import code
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

CRASH = Where(Frame("swoole::String::clear", "swoole_string.h", 179, 0x1234))
WAIT = Where(Frame("epoll_wait", "", 0, 0x5678))


def shown(renderable: Any, columns: int = 80, colour: bool = False) -> str:
    """What a console of its own prints: with rich's markup on, since no view may depend on it being off."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=columns,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    console.print(renderable)
    return text.getvalue()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def table(
    found: Report, columns: int = 80, most: int | None = None, where: Mapping[int | None, Where | None] | None = None
) -> list[str]:
    """The lines of a report's table."""
    answer = OneAnswer(found, answers.rows(found, most), where or {})
    return lines(shown(inspect_table.table(answer, Screen(columns, False)), columns))


def the_crash() -> tuple[Report, dict[int | None, Where | None]]:
    """The report that started it all: set in the main thread, null in the workers."""
    rows = [*instances("nnnnn"), instance(6, State.SET, value=0x558181486BE0)]
    rows = [one._replace(thread=one.thread._replace(lwp=7728 - (one.thread.num or 0))) for one in rows]
    found = report(rows, starts_null=True)._replace(target=INFO._replace(pid=7722))
    return found, {1: CRASH, **dict.fromkeys(range(2, 7), WAIT)}


NULL_IN_FIVE = [(str(number), number < 6) for number in range(1, 7)]


def the_marks(shown: Sequence[str]) -> list[tuple[str, bool]]:
    """Of a table's rows the first column, and whether the row says NULL."""
    start = next(index for index, line in enumerate(shown) if line.startswith("  Thread "))
    rows = [line for line in shown[start + 1 : shown.index("", start)] if line[2] != " "]
    return [(line[2:].split()[0], "NULL" in line) for line in rows]


def test_threads_without_storage_of_their_own() -> None:
    """The kernel's workers of io_uring have the thread pointer of the thread that made them."""
    rows = instances("sss")
    rows[2] = rows[2]._replace(thread=rows[2].thread._replace(thread_pointer=rows[0].thread.thread_pointer))
    assert "Thread 3 uses the blocks of thread 1: it has the same thread pointer." in table(report(rows), 200)
    assert not any("uses the blocks" in line for line in table(report(instances("sss")), 200))


class TestTable:
    def test_at_80_columns(self) -> None:
        found, where = the_crash()
        assert table(found, 80, where=where) == [
            "swoole::String *swoole_websocket_buffer    swoole_websocket_server.cc:47",
            "module 3  swoole.so  offset 0x330  dynamic TLS  starts null  file-local",
            "",
            "  Thread   LWP  Name  State  Value           Where",
            "* 1       7727  php   NULL   0x0             …String::clear  swoole_string.h:179",
            "  2       7726  php   NULL   0x0             epoll_wait",
            "  3       7725  php   NULL   0x0             epoll_wait",
            "  4       7724  php   NULL   0x0             epoll_wait",
            "  5       7723  php   NULL   0x0             epoll_wait",
            "  6       7722  php   set    0x558181486be0  epoll_wait",
            "",
            "NULL in 5 of 6 threads: 1-5.",
            "Set only in the main thread: perhaps initialised once for the process, not once",
            "for each thread.",
        ]

    def test_at_200_columns(self) -> None:
        found, where = the_crash()
        assert table(found, 200, where=where) == [
            "swoole::String *swoole_websocket_buffer    swoole_websocket_server.cc:47",
            "module 3  swoole.so  offset 0x330  dynamic TLS  starts null  file-local",
            "",
            "  Thread   LWP  Name  State  Value           Where",
            "* 1       7727  php   NULL   0x0             swoole::String::clear  swoole_string.h:179",
            "  2       7726  php   NULL   0x0             epoll_wait",
            "  3       7725  php   NULL   0x0             epoll_wait",
            "  4       7724  php   NULL   0x0             epoll_wait",
            "  5       7723  php   NULL   0x0             epoll_wait",
            "  6       7722  php   set    0x558181486be0  epoll_wait",
            "",
            "NULL in 5 of 6 threads: 1-5.",
            "Set only in the main thread: perhaps initialised once for the process, not once for each thread.",
        ]

    def test_every_state(self) -> None:
        rows = [*instances("snurx"), instance(None, State.SET, Flag.SHARED, Flag.DANGLING, Flag.EXITED, value=0x10)]
        assert table(report(rows, starts_null=True, selected=3), 200)[3:10] == [
            "  Thread  LWP  Name  State                       Value                                  Where",
            "  1       100  php   set                         0x5510",
            "  2       101  php   NULL                        0x0",
            "* 3       102  php   unallocated                 would start null",
            "  4       103  php   unreadable                  the page at 0x5000 is not in the core",
            "  5       104  php   unresolved                  the thread's DTV cannot be read",
            "  -         -  php   set shared dangling exited  0x10",
        ]

    def test_without_names(self) -> None:
        rows = [one._replace(thread=one.thread._replace(name="")) for one in instances("sn")]
        assert table(report(rows))[3].split() == ["Thread", "LWP", "State", "Value", "Where"]

    def test_without_a_type(self) -> None:
        found = report(instances("s"), type=None, variable=VARIABLE._replace(type=None, file="", line=0))
        assert table(found, 200)[:2] == [
            "swoole_websocket_buffer",
            "module 3  swoole.so  offset 0x330  dynamic TLS  file-local  "
            "type not known: taken for a pointer (--type TYPE if it is not)",
        ]

    def test_path(self) -> None:
        found = report(instances("s"), path=Path("->length", (), INTEGER), type=INTEGER)
        assert table(found, 200)[0].startswith("int swoole_websocket_buffer->length ")

    def test_addresses_without_a_function(self) -> None:
        found = report(instances("s"))
        assert table(found, 200, where={1: Where(Frame("", "", 0, 0xABC))})[4].endswith("0xabc")

    def test_many_threads_share_lines(self) -> None:
        found = report(instances("s" + "n" * 50 + "u" * 49), selected=7)
        shown = table(found, 200, most=20)
        body = shown[shown.index(next(line for line in shown if "Thread" in line)) + 1 :]
        assert body[:4] == [
            "* 7                  106  php   NULL         0x0",
            "  49 threads (49 %)             NULL         0x0     2-6,8-51",
            "  49 threads (49 %)             unallocated          52-100",
            "  1                  100  php   set          0x5510",
        ]
        assert "Threads that are alike share a line; --all shows each, --format csv writes each." in body

    def test_values_that_differ_on_a_shared_line(self) -> None:
        found = report(instances("s" * 30), selected=None)
        assert " 30 different values" in table(found, 200, most=20)[4]

    def test_as_many_as_fit_have_a_line_each(self) -> None:
        assert len(answers.rows(report(instances("s" * 20)), 20)) == 20
        assert len(answers.rows(report(instances("s" * 21)), 20)) == 2, "the selected thread keeps its own"
        assert len(answers.rows(report(instances("s" * 9999)), None)) == 9999

    @pytest.mark.parametrize("columns", [60, 72, 80, 200])
    def test_null_threads_are_seen_where_it_is_narrow(self, columns: int) -> None:
        found, where = the_crash()
        assert the_marks(table(found, columns, where=where)) == NULL_IN_FIVE

    @pytest.mark.parametrize("columns", [80, 100])
    def test_null_threads_are_seen_beside_a_long_text(self, columns: int) -> None:
        found, where = the_crash()
        reason = "the thread's DTV at 0x7f04b0001230 is damaged (generation 9128161955581640424, room for 17)"
        long_text = f'(char *) 0x7f04b0001230 "{"x" * 40}"...'
        for changes in ({"reason": reason}, {"text": long_text}):
            last = found.instances[5]._replace(**changes)  # type: ignore[arg-type]
            rows = [*found.instances[:5], last]
            assert the_marks(table(found._replace(instances=Instances.of(rows)), columns, where=where)) == NULL_IN_FIVE

    def test_colour(self) -> None:
        found, where = the_crash()
        answer = OneAnswer(found, answers.rows(found, None), where)
        text = shown(inspect_table.table(answer, Screen(80, True)), 80, colour=True)
        assert text.count("\x1b[1;37;41mNULL") == 5
        assert "\x1b[" not in shown(inspect_table.table(answer, Screen(80, False)), 80)

    def test_no_threads(self) -> None:
        assert table(report([]))[-1] == "There is no thread to look at."


# Design section 8: what other programs read.  A type, or a tuple of the values that may be there.
NULLABLE_TEXT = (str, type(None))
SCHEMA: dict[str, Any] = {
    "schema": str,
    "target": {"kind": str, "pid": int, "executable": str, "architecture": str, "libc": str, "engine": str},
    "variable": {
        "name": str,
        "linkage_name": str,
        "type": NULLABLE_TEXT,
        "size": int,
        "offset": str,
        "exported": bool,
        "source": str,
        "module": {"id": int, "path": str, "storage": str},
        "piece_of": type(None),
        "initial": {"hex": str, "null": bool},
    },
    "threads": [
        {
            "num": (int, type(None)),
            "lwp": (int, type(None)),
            "name": str,
            "thread_pointer": NULLABLE_TEXT,
            "state": str,
            "flags": [str],
            "address": NULLABLE_TEXT,
            "value": (str, int, float, bool, type(None)),
            "text": str,
            "via": str,
            "marks": list,
            "reason": NULLABLE_TEXT,
        }
    ],
    "summary": dict.fromkeys(
        (
            *(
                "threads",
                "set",
                "null",
                "no-value",
                "unallocated",
                "not-constructed",
                "destroyed",
                "unreadable",
                "unresolved",
            ),
            *("shared", "dangling", "exited"),
        ),
        int,
    ),
    "caution": type(None),
    "left_out": [str],
    "copies": [str],
    "used_instead": NULLABLE_TEXT,
}


def check(value: Any, expected: Any, place: str = "") -> None:
    """Whether a document has exactly these keys, in this order, with values of these types."""
    if isinstance(expected, dict):
        assert list(value) == list(expected), place
        for key, kind in expected.items():
            check(value[key], kind, f"{place}.{key}")
    elif isinstance(expected, list):
        assert isinstance(value, list), place
        for one in value:
            check(one, expected[0], f"{place}[]")
    else:
        assert isinstance(value, expected), f"{place} is {value!r}"


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


def document(found: Report) -> Any:
    """The JSON document, as a strict reader has it."""
    text = "".join(json_format.render(views.document(OneAnswer(found, (), {}))))
    assert text.endswith("}\n")
    text.encode()
    return json.loads(text, parse_constant=refuse)


class TestJson:
    def test_keys_and_types(self) -> None:
        rows = [*instances("snurx"), instance(None, State.SET, Flag.SHARED, Flag.EXITED, Flag.ASSUMED_POINTER)]
        found = document(report(rows))
        check(found, SCHEMA)
        assert found["schema"] == "gdb-tls/inspect/1"
        assert found["summary"] == {
            "threads": 6, "set": 2, "null": 1, "unallocated": 1,
            "no-value": 0, "not-constructed": 0, "destroyed": 0, "unreadable": 1, "unresolved": 1,
            "shared": 1, "dangling": 0, "exited": 1,
        }  # fmt: skip

    def test_values(self) -> None:
        found = document(report(instances("n"), starts_null=True))
        assert found["target"] == {
            "kind": "core", "pid": 100, "executable": "/usr/bin/php", "architecture": "x86-64", "libc": "glibc",
            "engine": "gdb",
        }  # fmt: skip
        assert found["variable"] == {
            "name": "swoole_websocket_buffer",
            "linkage_name": "_ZL23swoole_websocket_buffer",
            "type": "swoole::String *",
            "size": 8,
            "offset": "0x330",
            "exported": False,
            "source": "gdb",
            "module": {"id": 3, "path": "/usr/lib/php/swoole.so", "storage": "dynamic"},
            "piece_of": None,
            "initial": {"hex": "0000000000000000", "null": True},
        }
        assert found["threads"] == [
            {
                "num": 1, "lwp": 100, "name": "php", "thread_pointer": "0x7f0000001000", "state": "null", "flags": [],
                "address": "0x6008", "value": "0x0", "text": "(swoole::String *) 0x0", "via": "passive",
                "marks": [], "reason": None,
            }
        ]  # fmt: skip

    def test_flags_are_a_list(self) -> None:
        rows = [instance(1, State.SET, Flag.SHARED, Flag.DANGLING, Flag.ASSUMED_POINTER)]
        assert document(report(rows))["threads"][0]["flags"] == ["shared", "dangling", "assumed-pointer"]

    @pytest.mark.parametrize(
        ("kind", "value", "expected"),
        [
            (POINTER, 0xABC, "0xabc"),
            (None, 0xABC, "0xabc"),
            (INTEGER, -1, -1),
            (INTEGER, 0, 0),
            (Type("bool", Kind.BOOLEAN, 1), True, True),
            (Type("double", Kind.FLOAT, 8), 0.5, 0.5),
            (Type("color", Kind.ENUM, 4), 2, 2),
            (Type("point", Kind.AGGREGATE, 16), None, None),
            (Type("double", Kind.FLOAT, 8), math.inf, None),
            (Type("double", Kind.FLOAT, 8), math.nan, None),
        ],
    )
    def test_value(self, kind: Type | None, value: Any, expected: Any) -> None:
        rows = [instance(1, State.SET)._replace(value=value, text=str(value))]
        found = document(report(rows, type=kind))["threads"][0]
        assert (found["value"], found["text"]) == (expected, str(value))
        assert type(found["value"]) is type(expected)

    def test_path_describes_its_end(self) -> None:
        path = Path(".buffer_stack->str", (), POINTER)
        found = document(report(instances("s"), path=path, type=POINTER))
        assert found["variable"]["path"] == ".buffer_stack->str"
        assert found["variable"]["type"] == "swoole::String *", "of the root"
        assert list(found["variable"]) == [*SCHEMA["variable"], "path"]

    def test_what_is_not_known_is_null(self) -> None:
        variable = VARIABLE._replace(type=None, initial=None, module=MODULE._replace(path=None))
        found = document(report([instance(None, State.UNRESOLVED)], variable=variable, type=None))
        assert found["variable"]["type"] is None
        assert found["variable"]["initial"] is None
        assert found["variable"]["module"]["path"] is None
        thread = found["threads"][0]
        assert (thread["num"], thread["address"], thread["value"]) == (None, None, None)

    def test_static_storage(self) -> None:
        variable = VARIABLE._replace(module=MODULE._replace(static_offset=0x40))
        assert document(report([], variable=variable))["variable"]["module"]["storage"] == "static"


class TestCsv:
    def rows(self, found: Report) -> list[list[str]]:
        text = "".join(csv_format.render(views.records(OneAnswer(found, (), {}))))
        assert text.endswith("\r\n")
        return list(csv.reader(io.StringIO(text, newline="")))

    def test_columns_are_the_documents_keys(self) -> None:
        assert self.rows(report([])) == [list(SCHEMA["threads"][0])]

    def test_cells(self) -> None:
        rows = [instance(1, State.SET, Flag.SHARED, Flag.DANGLING), instance(None, State.UNALLOCATED)]
        assert self.rows(report(rows))[1:] == [
            ["1", "100", "php", "0x7f0000001000", "set", "shared dangling", "0x6008", "0x5510",
             "(swoole::String *) 0x5510", "passive", "", ""],
            ["", "", "php", "0x7f0000099000", "unallocated", "", "", "", "", "passive", "",
             "this thread has not touched swoole.so yet"],
        ]  # fmt: skip

    def test_text_with_commas_and_quotes(self) -> None:
        rows = [instance(1, State.SET)._replace(text='{a = 1, b = "x"}')]
        assert self.rows(report(rows))[1][8] == '{a = 1, b = "x"}'


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "[red]markup[/red]",
    "[/]",
    "[link=http://x]y[/link]",
    ":smile:",
    "<img src=x onerror=alert(1)>",
    "a\nb\rc\td",
    "\u202eright to left",
    "\x9b31m",
    "\udcff\udc80",
    "\0",
    "\u2028",
    "x" * 300,
    "'\"\\",
    "日本語",
]


def hostile_report(text: str) -> Report:
    """A report in which everything that the program may call what it likes is called this."""
    variable = VARIABLE._replace(
        name=text,
        linkage_name=text,
        file=text,
        module=MODULE._replace(name=text, path=text, target_path=text),
    )
    rows: list[Instance] = []
    for number, state in enumerate((State.SET, State.UNALLOCATED, State.UNREADABLE), 1):
        one = instance(number, state)
        rows.append(one._replace(thread=one.thread._replace(name=text), text=text and one.text + text))
    rows.append(instance(4, State.UNRESOLVED)._replace(reason=text))
    return report(
        rows, variable=variable, path=Path(f"->{text}", (), POINTER), type=POINTER._replace(name=text)
    )._replace(
        target=INFO._replace(executable=text),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
class TestHostileText:
    @pytest.mark.parametrize("columns", [80, 200])
    def test_table(self, text: str, columns: int) -> None:
        found = hostile_report(text)
        where = {1: Where(Frame(text, text, 1, 0))}
        answer = OneAnswer(found, answers.rows(found, None), where)
        for colour in (False, True):
            printed = shown(inspect_table.table(answer, Screen(columns, colour)), columns, False)
            printed.encode()
            assert all(c.isprintable() or c == "\n" for c in printed)
            # Nothing is swallowed as markup or turned into an emoji: the characters are there.
            kept = safe(text).split()[0][:10]
            assert kept[:6] in printed

    def test_json(self, text: str) -> None:
        found = document(hostile_report(text))
        assert found["variable"]["name"] == text
        assert found["threads"][0]["name"] == text

    def test_csv(self, text: str) -> None:
        written = "".join(csv_format.render(views.records(OneAnswer(hostile_report(text), (), {}))))
        written.encode()
        assert all(c.isprintable() for line in written.split("\r\n") for c in line)
        assert len(list(csv.reader(io.StringIO(written, newline="")))) == 5

    def test_verify(self, text: str) -> None:
        printed = shown(verify_views.table(comparison(text), Screen(200, False)), 200)
        assert all(c.isprintable() or c == "\n" for c in printed)
        assert safe(text)[:10] in printed

    def test_text(self, text: str) -> None:
        assert safe(text).isprintable()
        for colour in (False, True):
            assert code(text, colour).plain == safe(text).rstrip()


@pytest.mark.parametrize("text", ["plain", "été", "日本語", "", "a b", "[x]"])
def test_safe_leaves_what_can_be_shown(text: str) -> None:
    assert safe(text) == text


def comparison(name: str = "buffer", disagreements: int = 1) -> Comparison:
    variable = VARIABLE._replace(name=name, module=MODULE._replace(name=name))
    from gdb_tls.target.model import Absence

    places: Sequence[dict[str, Any]] = [
        {"passive": 0x1000, "gdb": 0x2000},
        {"passive": 0x1000, "gdb": 0x2000, "dlsym": Absence(State.UNRESOLVED, name)},
    ]
    return Comparison(
        variables=3,
        threads=2,
        compared=6,
        answered={"passive": 6, "gdb": 5, "dlsym": 0},
        unavailable={"dlsym": f"The symbol {name} is not exported"},
        disagreements=[
            Disagreement(
                variable, Thread(1, 100, "php") if index % 2 == 0 else Thread(None, None, ""), places[index % 2]
            )
            for index in range(disagreements)
        ],
    )


class TestVerify:
    def test_agreement(self) -> None:
        assert lines(shown(verify_views.table(comparison(disagreements=0), Screen(80, False)))) == [
            "passive  6 addresses",
            "gdb      5 addresses",
            "dlsym    0 addresses (The symbol buffer is not exported)",
            "",
            "3 variables in 2 threads: 6 instances compared, no disagreement.",
        ]

    def test_disagreements(self) -> None:
        assert lines(shown(verify_views.table(comparison(disagreements=2), Screen(80, False))))[3:] == [
            "",
            "Variable  Module  Thread  Answers",
            "buffer    buffer  1       passive: 0x1000",
            "                          gdb: 0x2000",
            "buffer    buffer  -       passive: 0x1000",
            "                          gdb: 0x2000",
            "                          dlsym: buffer",
            "",
            "3 variables in 2 threads: 6 instances compared, 2 disagreements.",
        ]

    def test_what_gdb_was_not_asked(self) -> None:
        found = comparison(disagreements=0)._replace(threads=10_000, asked=337, derived=25_359, unlisted=2)
        printed = " ".join(shown(verify_views.table(found, Screen(80, False))).split())
        assert "GDB does not list 2 of the threads." in printed
        assert "it was asked in 337 of the 10,000 threads, evenly spread." in printed
        assert "25,359 of GDB's addresses follow from its answer for another variable" in printed

    def test_many_disagreements(self) -> None:
        text = shown(verify_views.table(comparison(disagreements=1050), Screen(80, False)))
        assert "and 1,000 more" in text and "1,050 disagreements" in text

    def test_document(self) -> None:
        found = json.loads("".join(json_format.render(verify_document.document(comparison(disagreements=2)))))
        assert found["schema"] == "gdb-tls/verify/1"
        assert found["disagreements"][1] == {
            "variable": "buffer", "module": "buffer", "num": None, "lwp": None,
            "addresses": {"passive": "0x1000", "gdb": "0x2000", "dlsym": None},
            "reasons": {"passive": None, "gdb": None, "dlsym": "buffer"},
        }  # fmt: skip

    def test_records(self) -> None:
        text = "".join(csv_format.render(verify_document.records(comparison(disagreements=2))))
        assert text.split("\r\n") == [
            "variable,module,num,lwp,passive,gdb,dlsym",
            "buffer,buffer,1,100,0x1000,0x2000,",
            "buffer,buffer,,,0x1000,0x2000,buffer",
            "",
        ]
