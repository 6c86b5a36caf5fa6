"""tls-table on a program that says what every expression is in each of its threads."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject
from integration.sessions import one_sentence, run_gdb, session

GLOBALS = "((zend_executor_globals *)((char *)_tsrm_ls_cache + executor_globals_offset))"


@pytest.fixture
def subject(subjects: Subjects, kind: str) -> Subject:
    return subjects.get("table", kind)


def ask(subject: Subject, columns: str, folder: Path, **options: Any) -> Any:
    """The document of one table."""
    return documents(subject, [f"tls-table {columns}"], folder, **options)[f"tls-table {columns}"]


def cells(document: Any, name: str) -> dict[int, Any]:
    """A column's cells, by LWP."""
    (at,) = (index for index, column in enumerate(document["columns"]) if column["name"] == name)
    return {thread["lwp"]: thread["cells"][at] for thread in document["threads"]}


def test_every_expression_is_each_threads_own(subject: Subject, tmp_path: Path) -> None:
    expressions = subject.truth.queries
    assert any(GLOBALS in one for one in expressions) and len(expressions) > 10
    found = ask(subject, ", ".join(expressions), tmp_path)
    assert [one["expression"] for one in found["columns"]] == expressions
    for expression in expressions:
        column = cells(found, expression)
        assert set(column) == subject.truth.living
        truth = {line.lwp: line for line in subject.truth.of(expression)}
        for lwp, cell in column.items():
            if lwp in truth:
                assert (cell["state"], cell["value"]) == ("set", truth[lwp].value), (expression, truth[lwp].thread)
                assert cell["reason"] is None
            else:  # it goes through a null pointer there
                assert cell["state"] in ("null", "unreadable"), (expression, cell)
                assert cell["value"] is None and cell["reason"]


def test_a_block_that_is_not_there_is_one_bad_cell(subject: Subject, tmp_path: Path) -> None:
    counters = {line.lwp: line.value for line in subject.truth.of("values[2]")}
    found = ask(subject, "late_gd_count + 1 as late, late_gd_count, values[2]", tmp_path)
    untouched = [line.lwp for line in subject.truth.of("counter") if line.thread == "worker-4"]
    for name in ("late", "late_gd_count"):
        column = cells(found, name)
        assert [lwp for lwp, cell in column.items() if cell["state"] == "unallocated"] == untouched
        for lwp, cell in column.items():
            own = counters[lwp] // 10 * 3
            assert lwp in untouched or cell["value"] == own + (name == "late")
    assert {cell["state"] for cell in cells(found, "values[2]").values()} == {"set"}


def test_registers_are_each_threads_own(subject: Subject, tmp_path: Path) -> None:
    found = ask(subject, "$sp, $_thread", tmp_path)
    assert [thread["cells"][1]["value"] for thread in found["threads"]] == [one["num"] for one in found["threads"]]
    assert len({thread["cells"][0]["value"] for thread in found["threads"]}) == len(found["threads"])


def test_nothing_runs_in_the_process_and_nothing_is_changed(subject: Subject, tmp_path: Path) -> None:
    watched = ["print called", "print total", "show may-call-functions", "show may-write-memory", "show language"]
    watched += ["thread", "frame", "show python print-stack"]
    command = 'tls-table call_me(3), *"text", counter'
    changing = ["total = 5", "counter++", "--total", "total <<= 1", "$sp = 0", "$new = 1"]
    refused = [f"tls-table counter, {one}" for one in changing]
    done = session(subject.arguments, ["thread 3", "up", *watched, command, *refused, *watched], tmp_path)
    for one in watched:
        before, after = (said.words.split("=")[-1] for said in done.said if said.command == one)
        assert before == after, one
    said = done[command].words
    refusal = "Cannot call functions in the program: may-call-functions is off"
    assert f'call_me(3), *"text": unresolved in all 5 threads. GDB says: {refusal}' in said
    numbers = {str(line.value) for line in subject.truth.of("counter")}
    rows = [line.split() for line in done[command].output.splitlines() if line.count("unresolved ") == 2]
    assert {row[row.index("unresolved") + 2] for row in rows} == numbers
    for one, line in zip(changing, refused):
        # A line that begins with two dashes has an option there.
        assert ("would change something" if one != "--total" else "arguments: --total") in one_sentence(done, line)


def test_commas_and_names(subject: Subject, tmp_path: Path) -> None:
    found = ask(subject, "$_streq(request->path, \"/a,b\") as is_comma, (1, counter), ',' + 0 as comma", tmp_path)
    assert [one["name"] for one in found["columns"]] == ["is_comma", "(1, counter)", "comma"]
    threads = {line.lwp: line.thread for line in subject.truth.of("counter")}
    with_comma = [threads[lwp] for lwp, cell in cells(found, "is_comma").items() if cell["value"] == 1]
    assert with_comma == ["worker-2"]
    assert {cell["value"] for cell in cells(found, "comma").values()} == {ord(",")}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("", "required"),
        ("a,,b", "is empty"),
        ("counter small  total", "There is nothing between counter and small. Columns are separated by commas"),
        ("counter, counter", "Two columns are called counter"),
        ("counter --wher 3", "unrecognized arguments: --wher"),
        ("counter --threads 99", "There is no thread 99"),
    ],
)
def test_a_bad_line_ends_in_one_sentence(subjects: Subjects, columns: str, said: str, tmp_path: Path) -> None:
    command = f"tls-table {columns}".strip()
    done = session(subjects.get("table", "core").arguments, [command], tmp_path)
    assert said in one_sentence(done, command)


def test_what_gdb_cannot_evaluate_has_its_reason_and_the_status(subjects: Subjects, tmp_path: Path) -> None:
    commands = ["tls-table no_such_thing", "print $_tls_status", "tls-table no_such_thing, counter"]
    done = session(subjects.get("table", "core").arguments, [*commands, "print $_tls_status + 0"], tmp_path)
    assert 'No symbol "no_such_thing" in current context' in done[commands[0]].words
    assert done["print $_tls_status"].output.endswith("= 2\n")
    assert done["print $_tls_status + 0"].output.endswith("= 0\n")


def test_null_is_flagged_as_tls_inspect_flags_it(subjects: Subjects, tmp_path: Path) -> None:
    """A null variable, and a path through one; no number, and no other expression."""
    flagged = ["tls-table request, counter", "tls-table request->id", "tls-inspect request", "tls-inspect request->id"]
    not_flagged = ["tls-table counter, errno", "tls-table (void *)0 as nothing, counter", "tls-inspect counter"]
    not_flagged += ["tls-table request --where 'request != null'"]
    lines = [line for one in [*flagged, *not_flagged] for line in (one, "echo \n", "print $_tls_status")]
    said = run_gdb(subjects.get("table", "core").arguments, lines).stdout
    found = [int(one) for one in re.findall(r"^\$\d+ = (\d)$", said, re.MULTILINE)]
    assert found == [1] * len(flagged) + [0] * len(not_flagged), said


def test_csv_has_the_values_and_the_reasons(subject: Subject, tmp_path: Path) -> None:
    command = f"tls-table counter, request->id as id --format csv --output {tmp_path / 'table.csv'}"
    session(subject.arguments, [command], tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    truth = {str(line.lwp): line for line in subject.truth.of("counter")}
    ids = {str(line.lwp): str(line.value) for line in subject.truth.of("request->id")}
    for row in rows:
        assert row["counter"] == str(truth[row["lwp"]].value)
        assert row["id"] == ids.get(row["lwp"], "null")
        assert row["reasons"] == ("" if row["lwp"] in ids else "id: request is null")
    assert len(rows) == len(truth)


def shown(document: Any, subject: Subject) -> list[str]:
    """The names of the threads in a document, in its order, as the program has them."""
    threads = {line.lwp: line.thread for line in subject.truth.of("counter")}
    return [threads[thread["lwp"]] for thread in document["threads"]]


def test_where_chooses_by_the_truth(subject: Subject, tmp_path: Path) -> None:
    counters = {line.thread: line.value for line in subject.truth.of("counter")}
    ids = {line.thread: line.value for line in subject.truth.of("request->id")}
    columns = "counter, request->id as id"
    conditions = {
        "id > 101 && counter < 20": [one for one, value in ids.items() if value > 101 and counters[one] < 20],
        "request->id == 101 || id == null": [one for one in counters if one not in ids or ids[one] == 101],
        'where ~ "truth_park"': [one for one in counters if one.startswith("worker")],
        "!(counter >= 4)": [one for one, value in counters.items() if value < 4],
        "state == null": [one for one in counters if one not in ids],
    }
    commands = [f"tls-table {columns} --where '{one}'" for one in conditions]
    found = documents(subject, commands, tmp_path)
    for command, (condition, names) in zip(commands, conditions.items()):
        assert sorted(shown(found[command], subject)) == sorted(names), condition
        assert found[command]["condition"] == condition
        summary = found[command]["summary"]
        assert (summary["threads"], summary["shown"]) == (len(counters), len(names))
        asks_id = "id >" in condition  # of the other, a part that holds decides
        assert summary["unknown"] == (len(counters) - len(ids) if asks_id else 0)


def test_sort(subject: Subject, tmp_path: Path) -> None:
    ids = {line.thread: line.value for line in subject.truth.of("request->id")}
    (without,) = {line.thread for line in subject.truth.of("counter")} - set(ids)
    commands = [f"tls-table request->id as id {order}" for order in ("--sort id", "--sort -id", "--sort=id --reverse")]
    up, down, reverse = (shown(one, subject) for one in documents(subject, commands, tmp_path).values())
    assert up == [*sorted(ids, key=lambda one: ids[one]), without]
    assert down == reverse == [*sorted(ids, key=lambda one: -ids[one]), without]


def test_group_counts_and_has_the_odd_ones_first(subject: Subject, tmp_path: Path) -> None:
    command = "tls-table request->phase as phase, total --group"
    found = documents(subject, [command], tmp_path)[command]
    assert [group["count"] for group in found["groups"]] == [1, 1, 3]
    assert found["groups"][2]["cells"][0]["text"] == "WAITING"
    ids = {line.lwp: line.value for line in subject.truth.of("request->id")}
    waiting = {lwp for lwp, value in ids.items() if value % 2 == 0}
    assert set(found["groups"][2]["lwps"]) == waiting
    said = session(subject.arguments, [command], tmp_path)[command].words
    assert "5 threads in 3 groups of equal rows." in said


@pytest.mark.parametrize("form", ["html", "svg"])
def test_pictures(subject: Subject, form: str, tmp_path: Path) -> None:
    output = tmp_path / f"table.{form}"
    session(subject.arguments, [f"tls-table counter, request->id --format {form} --output {output}"], tmp_path)
    text = output.read_text()
    assert "request-&gt;id" in text or "request->id" in text
    assert all(str(line.value) in text for line in subject.truth.of("counter"))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_many_columns_are_several_tables(subject: Subject, width: int) -> None:
    """Headings and numbers are whole, every thread is in every part, and nothing is wider than the screen."""
    names = ["counter", "small", "total", "request->seconds", "last_request.path", *(f"values[{n}]" for n in range(3))]
    command = f"tls-table {', '.join(names)}"
    _, said = run_gdb(subject.arguments, [f"set width {width}", "echo \\n>>>\\n", command]).stdout.split(">>>\n")
    lines = said.splitlines()
    assert max(map(len, lines)) <= width
    heads = [line.split() for line in lines if line.lstrip().startswith("Thread ")]
    shown = [name for head in heads for name in head if name not in ("Thread", "Name", "Where")]
    # A long heading is on two lines, of which this is the second.
    assert len(shown) == len(names) and all(name.endswith(last) for name, last in zip(names, shown))
    assert (len(heads) == 1) == (width == 200)
    assert heads[-1][-1] == "Where"
    for name in ("counter", "values[2]"):
        assert {str(line.value) for line in subject.truth.of(name)} <= set(said.split())
