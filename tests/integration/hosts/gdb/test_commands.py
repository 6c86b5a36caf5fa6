"""What a user types, and what the screen or the file shows."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import EXTENSION, Session, run_gdb, session
from integration.truth import mismatches
from limits import LIMIT_SECONDS

NUMBERS = "python [gdb.write('NUMBER %d %d\\n' % (t.num, t.ptid[1])) for t in gdb.selected_inferior().threads()]"


def zoo_session(subject: Subject, commands: list[str], folder: Path, **options: Any) -> tuple[Session, dict[str, int]]:
    done = session(subject.arguments, [NUMBERS, *commands], folder, **options)
    found = re.findall(r"NUMBER (\d+) (\d+)", done.said[0].output)
    by_lwp = {line.lwp: line.thread for line in subject.truth.lines}
    return done, {by_lwp[int(lwp)]: int(number) for number, lwp in found}


def table_rows(output: str) -> dict[int, str]:
    """The lines of a table, by the thread's number; the marks before it belong to the line."""
    rows = {}
    for line in output.splitlines():
        match = re.match(r"^\s*[*\s]*(\d+)(?: crashed| main)*\s+\d+\s", line)
        if match:
            rows[int(match.group(1))] = line
    return rows


# The table


@pytest.mark.parametrize("width", [80, 200])
def test_table(width: int, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    done, number = zoo_session(subject, ["thread 2", "tls-inspect zoo_buffer", "tls-inspect early_buffer"], tmp_path)
    # Not through gdb.execute(to_string=True): there GDB's width is unlimited.
    direct = run_gdb(
        subject.arguments, [f"set width {width}", "thread 2", "echo >>>\\n", "tls-inspect zoo_buffer", "echo <<<\\n"]
    )
    output = direct.stdout.split(">>>\n")[1].split("<<<\n")[0]
    assert "\x1b" not in output
    assert all(len(line) <= width for line in output.splitlines()), output
    assert all(line == line.rstrip() for line in output.splitlines())

    rows = table_rows(output)
    assert sorted(rows) == sorted(number.values())
    for name, thread in number.items():
        line = subject.truth.one("zoo_buffer", name)
        assert str(line.lwp) in rows[thread]
        assert ("NULL" in rows[thread]) == (line.state == "null")
        assert ("set" in rows[thread]) == (line.state == "set")
        assert line.value in rows[thread]
        assert ("*" in rows[thread].split(str(thread))[0]) == (thread == 2)
    heading = output.split("Thread")[0]
    for words in ("zoo_buffer", "buffer *", "module 1", "zoo", "offset 0x", "static", "zoo_values.cc"):
        assert words in heading, heading
    assert "starts null" in heading

    # The words at the end, whatever line they are on.
    words = done["tls-inspect zoo_buffer"].words
    null = sorted(thread for name, thread in number.items() if name != "zoo")
    assert "NULL in 4 of 5 threads" in words
    assert ranges(null) in words
    assert "Set only in the main thread: perhaps initialised once for the process, not once for each thread." in words

    words = done["tls-inspect early_buffer"].words
    untouched = sorted(number[name] for name in ("worker-3", "worker-4"))
    assert words.count("unallocated") >= 2 and "have not touched libearly.so yet" in words
    assert ranges(untouched) in words


def ranges(found: list[int]) -> str:
    """As verdicts write them: 1-3,5."""
    groups: list[list[int]] = []
    for one in found:
        if groups and one == groups[-1][-1] + 1:
            groups[-1].append(one)
        else:
            groups.append([one])
    return ",".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)


def test_verdicts(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    queries = (
        "zoo_common",
        "zoo_dangling",
        "zoo_options.next->next",
        "zoo_counter",
        "zoo_some",
        "late_big_buffer",
    )
    done, number = zoo_session(subject, [f"tls-inspect {query}" for query in queries], tmp_path)
    words = {query: done[f"tls-inspect {query}"].words for query in queries}
    pair = ranges(sorted((number["worker-1"], number["worker-4"])))
    assert f"2 threads ({pair}) share one object" in words["zoo_common"]
    assert f"Dangling in thread {number['worker-2']}" in words["zoo_dangling"]
    assert "NULL in all 5 threads" in words["zoo_options.next->next"]
    assert words["zoo_counter"].endswith("Set in all 5 threads.")
    assert "NULL in 2 of 5 threads" in words["zoo_some"]
    assert "would start null" in words["late_big_buffer"]


def test_where(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Each row tells where its thread is."""
    done = session(subjects.get("zoo", kind).arguments, ["tls-inspect zoo_buffer"], tmp_path)
    rows = table_rows(done.said[0].output)
    # In an aborting thread's core the kernel may still be in the middle of a system call.
    assert sum("pause" in row or "truth_park" in row for row in rows.values()) >= 4


def test_ended_thread_has_a_row_without_a_number(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    done = session(subjects.get("ended", kind).arguments, ["tls-inspect ended_buffer"], tmp_path)
    output = done.said[0].output
    assert "exited" in output
    assert "1 thread has ended, and is not joined yet" in done.said[0].words
    assert len(table_rows(output)) == 2


def test_hostile_names(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """No markup is read, no escape sequence and no line end gets through, on any width."""
    subject = subjects.get("hostile", kind)
    for width in (80, 200):
        done = session(subject.arguments, [f"set width {width}", "tls-inspect hostile_text"], tmp_path)
        output = done["tls-inspect hostile_text"].output
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", output), ascii(output)
        assert len(table_rows(output)) == len(subject.truth.lines)
        compact = re.sub(r"\s", "", output)
        # Values are read from the memory; names only a live process has.
        assert "[bold]x" in compact and "<b>x" in compact and "[red]text[/red]" in compact
        if kind == "live" and width == 200:
            rows = "\n".join(table_rows(output).values())
            assert len(re.findall(r"<b>x", rows)) >= 2 and len(re.findall(r"\[bold\]x", rows)) >= 2


def test_hostile_file_name(subjects: Subjects, tmp_path: Path) -> None:
    done = session(subjects.get("files", "core").arguments, ["tls-inspect odd_buffer"], tmp_path)
    assert "lib odd [b].so" in done.said[0].words


# The bar of progress comes after a second, and is coloured whatever GDB's style.
NO_PROGRESS = "python import gdb_tls.hosts.gdb.progress as progress; progress.SECONDS_UNTIL_SHOWN = float('inf')"


def test_colour_where_gdb_styles(programs: Path, subjects: Subjects) -> None:
    """On a terminal null rows are coloured; with `set style enabled off` they are not."""
    core = subjects.get("zoo", "core")
    for style, coloured in (("on", True), ("off", False)):
        commands = [f"set style enabled {style}", f"source {EXTENSION}", NO_PROGRESS, "tls-inspect zoo_buffer"]
        text = in_terminal(commands, core.arguments)
        table = text[text.index("Thread ") :] if "Thread " in text else text
        assert "NULL" in table, text
        assert ("\x1b[" in table.split("NULL in")[0]) == coloured, ascii(table)


def in_terminal(commands: list[str], arguments: list[str]) -> str:
    """Runs gdb in a pseudo-terminal of 120 columns, and gives all that it wrote there."""
    words = ["gdb", "-nx", "--batch", "-iex", "set debuginfod enabled off", "-iex", "set width 120"]
    words += [*arguments, *(word for command in commands for word in ("-ex", command))]
    leader, follower = pty.openpty()
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "HOME": home,
        }
        process = subprocess.Popen(
            words,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
            cwd=home,
            start_new_session=True,
        )
        os.close(follower)
        found = b""
        deadline = time.monotonic() + LIMIT_SECONDS
        try:
            while time.monotonic() < deadline and select.select([leader], [], [], deadline - time.monotonic())[0]:
                try:
                    chunk = os.read(leader, 65536)
                except OSError:  # the other end is closed
                    break
                if not chunk:
                    break
                found += chunk
        finally:
            process.kill()
            process.wait()
            os.close(leader)
    return found.decode(errors="replace")


def test_rows_that_are_alike_share_a_line(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    commands = [
        "tls-inspect zoo_buffer",
        "set tls max-rows 2",
        "tls-inspect zoo_buffer ",
        "tls-inspect zoo_buffer --all",
        "set tls max-rows unlimited",
        "tls-inspect zoo_buffer  ",
    ]
    done = session(subject.arguments, commands, tmp_path)
    assert len(table_rows(done["tls-inspect zoo_buffer"].output)) == 5
    short = done["tls-inspect zoo_buffer "]
    assert len(table_rows(short.output)) < 5
    assert "4 threads" in short.words or "3 threads" in short.words
    assert "NULL in 4 of 5 threads" in short.words
    assert len(table_rows(done["tls-inspect zoo_buffer --all"].output)) == 5
    assert len(table_rows(done["tls-inspect zoo_buffer  "].output)) == 5


# Options


def test_threads(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    output = tmp_path / "some.json"
    done = session(
        subject.arguments,
        [
            "tls-inspect zoo_counter --threads 1,3-5",
            f"tls-inspect zoo_counter --threads 2 --format json --output {output}",
        ],
        tmp_path,
    )
    assert sorted(table_rows(done.said[0].output)) == [1, 3, 4, 5]
    document = json.loads(output.read_text())
    assert [row["num"] for row in document["threads"]] == [2]
    assert document["summary"]["threads"] == 1
    assert (
        mismatches(
            document,
            [line for line in subject.truth.of("zoo_counter") if line.lwp == document["threads"][0]["lwp"]],
            kind=kind,
        )
        == []
    )


def test_module(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("files", "core")
    files = {
        pattern: tmp_path / f"{number}.json"
        for number, pattern in enumerate(("libtwin_a.so", "*twin_b*", "'*/libtwin_b.so'"))
    }
    commands = [
        f"tls-inspect twin_count --module {pattern} --format json --output {file}" for pattern, file in files.items()
    ]
    done = session(subject.arguments, commands, tmp_path)
    found = {}
    for pattern, file in files.items():
        assert file.exists(), [one.words for one in done.said]
        found[pattern] = json.loads(file.read_text())
    assert mismatches(found["libtwin_a.so"], subject.truth.of("libtwin_a.so::twin_count"), kind="core") == []
    for pattern in ("*twin_b*", "'*/libtwin_b.so'"):
        assert mismatches(found[pattern], subject.truth.of("libtwin_b.so::twin_count"), kind="core") == []


def test_type(subjects: Subjects, tmp_path: Path) -> None:
    """A symbol without debug information, taken for what the user says it is."""
    subject = subjects.get("files", "core")
    truth = subject.truth
    queries = {
        "stripped_buffer --type 'struct buffer *'": "struct buffer *",
        "plain_count --type int": "int",
        "plain_buffer --type 'unsigned long'": "unsigned long",
    }
    answers = subject.answers(list(queries), tmp_path)
    rows = {row["lwp"]: row for row in answers["plain_count --type int"]["threads"]}
    assert {lwp: row["value"] for lwp, row in rows.items()} == {
        line.lwp: line.value for line in truth.of("plain_count")
    }
    for row in answers["stripped_buffer --type 'struct buffer *'"]["threads"]:
        assert "struct buffer *" in row["text"] and "assumed-pointer" not in row["flags"]
    true = {line.lwp: int(line.value, 16) for line in truth.of("plain_buffer")}
    for row in answers["plain_buffer --type 'unsigned long'"]["threads"]:
        assert (row["state"], row["flags"], row["value"]) == ("set", [], true[row["lwp"]])


def test_path_with_a_type(subjects: Subjects, tmp_path: Path) -> None:
    """With a type that it is given, a stripped variable can be followed; without one it says what to do."""
    subject = subjects.get("files", "core")
    query = "stripped_buffer->length --type 'struct buffer *'"
    answers = subject.answers([query], tmp_path)
    lines = {line.lwp: line for line in subject.truth.of("stripped_buffer")}
    for row in answers[query]["threads"]:
        assert row["state"] == ("set" if lines[row["lwp"]].state == "set" else "null")
    done = session(subject.arguments, ["tls-inspect stripped_buffer->length"], tmp_path)
    assert "--type" in (done.said[0].error or "")


NAMES = {
    "member": "space::inner::Class::member",
    "Class::member": "space::inner::Class::member",
    "spaced_buffer": "space::spaced_buffer",
    "secret_buffer": "(anonymous namespace)::secret_buffer",
    "_ZN5space5inner5Class6memberE": "space::inner::Class::member",
    "_ZL13hidden_buffer": "hidden_buffer",
    "'zoo_names_a.cc'::hidden_buffer": "hidden_buffer",
    "'hidden_buffer'": "hidden_buffer",
    "zoo::zoo_buffer": "zoo_buffer",
    "libearly.so::early_count": "early_count",
    "'libearly.so'::early_count": "early_count",
    "call_count::calls": "call_count()::calls",
    "calls": "call_count()::calls",
    "'call_count()::calls'": "call_count()::calls",
    "last_of::last": "last_of(int, char const*)::last",
    "ticket.0": "next_ticket::ticket",
    "'zoo_names_c.c'::ticket": "next_ticket::ticket",
    "ticket": "next_ticket::ticket",
    "zoo_some ->length": "zoo_some->length",
    "zoo_some -> length": "zoo_some->length",
    "zoo_options.stack [2]": "zoo_options.stack[2]",
    "zoo_options . depth": "zoo_options.depth",
    "libearly.so::early_count --threads 1-5": "early_count",
    "--threads 1-5 zoo_counter": "zoo_counter",
    "--threads 1-99999999999 zoo_counter": "zoo_counter",
    "'zoo_names_a.cc'::same_name": "'zoo_names_a.cc'::same_name",
}


def test_names_that_mean_the_same(subjects: Subjects, tmp_path: Path) -> None:
    """All the ways to write a name that the design lists, and blanks as people put them."""
    subject = subjects.get("zoo", "core")
    answers = subject.answers(list(NAMES), tmp_path)
    wrong = []
    for query, same_as in NAMES.items():
        if query not in answers.documents:
            wrong.append(f"{query}: no answer")
        elif same_as:
            wrong += [f"{query}: {text}" for text in mismatches(answers[query], subject.truth.of(same_as), kind="core")]
    assert not wrong, "\n".join([*wrong, answers.result.stderr])


def test_path_through_an_owner(subjects: Subjects, tmp_path: Path) -> None:
    """`->` follows a unique_ptr as it does a pointer."""
    subject = subjects.get("zoo", "core")
    answers = subject.answers(["zoo_unique->length"], tmp_path)
    true = {line.lwp: line.state for line in subject.truth.of("zoo_unique")}
    for row in answers["zoo_unique->length"]["threads"]:
        assert row["state"] == true[row["lwp"]]
        assert row["value"] == (8 if row["state"] == "set" else None)


def test_table_into_a_file(subjects: Subjects, tmp_path: Path) -> None:
    """The file has what the screen would have, without colour and not cut to the screen's width."""
    output = tmp_path / "table.txt"
    subject = subjects.get("zoo", "core")
    done = session(subject.arguments, ["set width 60", f"tls-inspect zoo_buffer --output {output}"], tmp_path)
    text = output.read_text()
    assert done.said[-1].output == ""
    assert len(table_rows(text)) == 5 and "NULL in 4 of 5 threads" in text and "\x1b" not in text


def test_json_on_the_screen(subjects: Subjects, tmp_path: Path) -> None:
    """The document is all that is printed, so that it can be piped."""
    subject = subjects.get("hostile", "core")
    done = session(subject.arguments, ["set width 80", "tls-inspect hostile_text --format json"], tmp_path)
    document = json.loads(done["tls-inspect hostile_text --format json"].output)
    assert mismatches(document, subject.truth.of("hostile_text"), kind="core") == []


def test_csv(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """One row a thread, with the names and values of the JSON document."""
    subject = subjects.get("zoo", kind)
    for query in ("zoo_buffer", "zoo_string", "early_count"):
        files = {form: tmp_path / f"answer.{form}" for form in ("csv", "json")}
        commands = [f"tls-inspect {query} --format {form} --output {file}" for form, file in files.items()]
        session(subject.arguments, commands, tmp_path)
        document = json.loads(files["json"].read_text())
        with files["csv"].open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(document["threads"])
        for row, thread in zip(rows, document["threads"]):
            for key in ("num", "lwp", "name", "thread_pointer", "state", "address", "text", "via", "reason"):
                assert row[key] == ("" if thread[key] is None else str(thread[key])), (query, key)


NAMESAKES = ("caution", "left_out", "copies", "used_instead")
ROW_KEYS = "num lwp name thread_pointer state flags address value text via marks reason"


def test_json_keys(subjects: Subjects) -> None:
    """Exactly the keys that the format promises, in documents of every kind."""
    answers = subjects.answers("zoo", "live")
    for query, document in answers.documents.items():
        assert list(document) == ["schema", "target", "variable", "threads", "summary", *NAMESAKES]
        assert set(document["target"]) == {"kind", "pid", "executable", "architecture", "libc", "engine"}
        assert (document["target"]["architecture"], document["target"]["libc"]) == ("x86-64", "glibc")
        variable = {
            "name",
            "linkage_name",
            "type",
            "size",
            "offset",
            "exported",
            "source",
            "module",
            "piece_of",
            "initial",
        }
        has_path = re.search(r"->|\.(?!cc)|\[", query) is not None
        assert set(document["variable"]) == (variable | {"path"} if has_path else variable), query
        assert set(document["variable"]["module"]) == {"id", "path", "storage"}
        assert document["variable"]["initial"] is None or set(document["variable"]["initial"]) == {
            "hex",
            "null",
        }
        for row in document["threads"]:
            assert " ".join(row) == ROW_KEYS
    subject = subjects.get("zoo", "live")
    assert {document["target"]["pid"] for document in answers.documents.values()} == {subject.pid}
    assert {document["target"]["executable"] for document in answers.documents.values()} == {str(subject.executable)}
