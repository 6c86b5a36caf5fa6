"""What else a user has in GDB: help, completion, parameters, functions for expressions, and Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.hosts.gdb.test_commands import zoo_session
from integration.sessions import EXTENSION, run_gdb, session
from integration.truth import Truth, mismatches

# Help and completion


def test_help(tmp_path: Path) -> None:
    done = session(
        [],
        ["help tls-inspect", "help tls-verify", "tls-inspect --help", "help set tls via", "help function"],
        tmp_path,
    )
    text = done["help tls-inspect"].output
    assert text.splitlines()[0].endswith(".") and "Usage: tls-inspect" in text
    for option in (
        "NAME",
        "--via",
        "--format",
        "--output",
        "--threads",
        "--module",
        "--type",
        "passive",
        "tls-get-addr",
        "json",
    ):
        assert option in text, option
    assert all(len(line) <= 80 for line in text.splitlines()[2:])
    assert "Usage: tls-verify" in done["help tls-verify"].output and "--all" in done["help tls-verify"].output
    assert done["tls-inspect --help"].output.strip() == text.strip()
    assert "passive" in done["help set tls via"].output
    assert "_tls " in done["help function"].output and "_tls_state" in done["help function"].output


@pytest.mark.parametrize("kind", ["live", "core"])
def test_completion(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    wanted = {
        "tls-inspect zoo_buf": {"zoo_buffer"},
        "tls-inspect zoo_s": {"zoo_shared", "zoo_slots", "zoo_small", "zoo_some", "zoo_string"},
        "tls-inspect space::": {"space::spaced_buffer", "space::inner::Class::member"},
        "tls-inspect space::inner::Cl": {"space::inner::Class::member"},
        "tls-inspect early_": {"early_buffer", "early_count"},
        "tls-inspect zoo_buffer --": {"--via", "--format", "--output", "--threads", "--module", "--type"},
        "tls-inspect zoo_buffer --vi": {"--via"},
        "tls-inspect zoo_buffer --via p": {"passive"},
        "tls-inspect zoo_buffer --via t": {"tls-get-addr"},
        "tls-inspect zoo_buffer --format j": {"json"},
        "tls-inspect zoo_buffer --module libear": {"libearly.so"},
        "tls-verify late_g": {"late_gd_buffer", "late_gd_count"},
        "set tls via tls": {"tls-get-addr"},
        "tls-inspect zoo_buffer->": {"zoo_buffer->str", "zoo_buffer->length"},
        "tls-inspect zoo_slots[1]->l": {"zoo_slots[1]->length"},
        "tls-inspect *zoo_buf": {"*zoo_buffer"},
        "tls-whatis &zoo_buf": {"&zoo_buffer"},
        "tls-inspect zoo_buffer.": set(),
        "tls-inspect no_such->": set(),
    }
    done = session(subjects.get("zoo", kind).arguments, [f"complete {line}" for line in wanted], tmp_path)
    wrong = {}
    for line, words in wanted.items():
        start = line[: line.rindex(" ") + 1]
        found = {text[len(start) :] for text in done[f"complete {line}"].output.splitlines() if text.startswith(start)}
        exact = not line.endswith("--")
        if (found != words) if exact else not words <= found:
            wrong[line] = found
    assert not wrong


def test_completion_of_members_and_files(subjects: Subjects, tmp_path: Path) -> None:
    """Members by dot and arrow, through what owns an object; files, and what is in the only folder."""
    (tmp_path / "before").mkdir()
    for name in ("one.core", "one.json", ".hidden"):
        (tmp_path / "before" / name).touch()
    wanted = {
        "tls-inspect shapes_bits.": {f"shapes_bits.{name}" for name in ("low", "middle", "high", "plain")},
        "tls-inspect shapes_several[1].pl": {"shapes_several[1].plain"},
        "tls-inspect shapes_pointed->hi": {"shapes_pointed->high"},
        "tls-inspect shapes_owned->x": {"shapes_owned->x"},
        "tls-inspect shapes_optional->y": {"shapes_optional->y"},
        f"tls-diff 1 --core {tmp_path}/bef": {f"{tmp_path}/before/one.core", f"{tmp_path}/before/one.json"},
        f"tls-diff --against={tmp_path}/before/one.j": {f"--against={tmp_path}/before/one.json"},
        f"tls-map --output {tmp_path}/before/one.c": {f"{tmp_path}/before/one.core"},
        f"tls-map --output {tmp_path}/nothing/": set(),
    }
    done = session(subjects.get("shapes", "core").arguments, [f"complete {line}" for line in wanted], tmp_path)
    for line, words in wanted.items():
        start = line[: line.rindex(" ") + 1]
        found = {text[len(start) :] for text in done[f"complete {line}"].output.splitlines() if text.startswith(start)}
        assert found == words, line


def test_completion_without_a_process_is_quiet(programs: Path, tmp_path: Path) -> None:
    done = session([programs / "solo"], ["complete tls-inspect solo_", "complete tls-inspect x --v"], tmp_path)
    assert done.said[0].error is None and "solo_buffer" not in done.said[0].output.replace("solo_buffer", "", 1)
    assert done.said[1].output.strip() == "tls-inspect x --via"


# Parameters, functions, Python


def test_parameters(tmp_path: Path) -> None:
    commands = [
        "show tls via",
        "set tls via tls-get-addr",
        "show tls via ",
        "show tls max-rows",
        "set tls max-rows 7",
        "show tls max-rows ",
        "set tls max-rows unlimited",
        "show tls max-rows  ",
        "show tls hint",
        "set tls hint off",
        "show tls",
        "set tls",
    ]
    done = session([], commands, tmp_path)
    assert all(one.error is None for one in done.said), done.said
    assert "passive" in done["show tls via"].output
    assert done["set tls via tls-get-addr"].output == ""
    assert "tls-get-addr" in done["show tls via "].output
    assert "7" in done["show tls max-rows "].output
    assert "unlimited" in done["show tls max-rows  "].output
    assert "tls-get-addr" in done["show tls"].output and "unlimited" in done["show tls"].output
    assert done["show tls hint"].output.strip().endswith("is on.")
    assert "reminds of tls-audit is off.\n" in done["show tls"].output


def test_functions(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    _, number = zoo_session(subject, [], tmp_path)
    main, first, third = number["zoo"], number["worker-1"], number["worker-3"]
    expressions = {
        f'$_tls("zoo_counter", {first})': "= 43",
        f'$_tls("zoo_counter", {first}) + 1': "= 44",
        f'$_tls("zoo_ratio", {first})': "= 1.5",
        f'*$_tls("zoo_some", {first})': "length = 8",
        f'$_tls("zoo_some", {first})->length': "= 8",
        f'$_tls("zoo_some->length", {first})': "= 8",
        f'$_tls("zoo_buffer", {third}) == 0': "= 1",
        f'$_tls("zoo_buffer", {main}) == 0': "= 0",
        f'&$_tls("zoo_counter", {first})': subject.truth.one("zoo_counter", "worker-1").address or "",
        f'$_tls("zoo_options", {first}).depth': "= 1",
        f'$_tls_state("zoo_buffer", {main})': '"set"',
        f'$_tls_state("zoo_buffer", {first})': '"null"',
        f'$_tls_state("early_buffer", {third})': '"unallocated"',
        f'$_streq($_tls_state("early_buffer", {third}), "unallocated")': "= 1",
        '$_tls("early_count")': f"= {subject.truth.one('early_count', 'worker-2').value}",
        '$_tls_state("early_count")': '"set"',
    }
    bad = {
        f'$_tls("early_buffer", {third})': "unallocated",
        '$_tls("zoo_bufer")': "zoo_buffer",
        '$_tls_state("zoo_bufer")': "zoo_buffer",
        '$_tls("zoo_counter", 99)': "99",
        '$_tls("same_name")': "zoo_names_a.cc",
        "$_tls(5)": "",
        "$_tls()": "",
    }
    select = f"thread {number['worker-2']}"
    prints = [f"print {text}" for text in (*expressions, *bad)]
    done = session(subject.arguments, ["set language c", select, *prints, "thread"], tmp_path)
    wrong = [
        (text, done[f"print {text}"])
        for text, value in expressions.items()
        if value not in done[f"print {text}"].output
    ]
    wrong += [
        (text, done[f"print {text}"])
        for text, words in bad.items()
        if not done[f"print {text}"].error or words not in (done[f"print {text}"].error or "")
    ]
    assert not wrong
    assert f"Current thread is {number['worker-2']} " in done["thread"].output


def test_breakpoint_condition(programs: Path, tmp_path: Path) -> None:
    """The condition is evaluated in the thread that hits the breakpoint, without libthread_db."""
    run = f"run --truth {tmp_path / 'truth.jsonl'} --mode abort"
    script = [
        'break truth_park if $_tls("zoo_counter") == 43 && $_streq($_tls_state("zoo_buffer"), "null")',
        'break truth_step if $_tls("zoo_counter") == 9999',
        run,
        "python print(gdb.selected_thread().name)",
        'print $_tls("zoo_counter")',
        "kill",
    ]
    done = session([programs / "zoo"], script, tmp_path / "session")
    assert done[script[3]].output == "worker-1\n", [one.words for one in done.said]
    assert "= 43" in done['print $_tls("zoo_counter")'].output


def test_python(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    file = tmp_path / "script.py"
    file.write_text(
        """
import json
import gdb_tls
from gdb_tls.errors import TlsError

report = gdb_tls.inspect("zoo_some")
rows = [[i.thread.lwp, i.state.value, i.address, i.value, i.via] for i in report.instances]
part = gdb_tls.inspect("zoo_some->length", threads=[1, 2])
typed = gdb_tls.inspect("zoo_counter", type="unsigned char", module="zoo")
try:
    gdb_tls.inspect("zoo_sme")
    problem = ""
except TlsError as error:
    problem = str(error)
print("RESULT" + json.dumps([rows, len(part.instances), typed.type.name, typed.instances[0].value, problem]))
"""
    )
    result = run_gdb(subject.arguments, [f"source {file}"])
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("RESULT"))
    rows, part, type_name, value, problem = json.loads(line[len("RESULT") :])
    true = [
        [one.lwp, one.state, int(one.address or "0", 16), int(one.value, 16), "passive"]
        for one in subject.truth.of("zoo_some")
    ]
    assert sorted(rows) == sorted(true)
    assert part == 2
    assert (type_name, 42 <= int(value) <= 46) == ("unsigned char", True)
    assert "zoo_some" in problem


def test_loaded_twice(subjects: Subjects) -> None:
    """`source` again, as after an update, does no harm."""
    subject = subjects.get("solo", "core")
    result = run_gdb(subject.arguments, [f"source {EXTENSION}", "tls-inspect solo_count", "set tls max-rows 5"])
    assert result.stderr.count("rror") == 0, result.stderr
    assert "solo_count" in result.stdout


def test_selection_in_a_stopped_process_is_kept(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    commands = [
        "thread 4",
        "up",
        "frame",
        "tls-inspect zoo_buffer",
        "tls-inspect early_buffer --format json",
        "frame ",
        "thread",
    ]
    done = session(subject.arguments, commands, tmp_path)
    assert done["frame"].output == done["frame "].output != ""
    assert "Current thread is 4 " in done["thread"].output


def test_locale_without_unicode(subjects: Subjects, tmp_path: Path) -> None:
    """All of the table can be printed in the C locale, and in UTF-8."""
    subject = subjects.get("zoo", "core")
    for locale in ("C", "C.UTF-8"):
        result = run_gdb(
            subject.arguments,
            ["tls-inspect zoo_label", "tls-verify zoo_label"],
            environment={"LC_ALL": locale},
        )
        assert "NULL in 1 of 5 threads" in result.stdout, result.text


def test_answer_is_the_same_wherever_gdb_runs(subjects: Subjects, tmp_path: Path) -> None:
    """The extension is found from any folder, and the truth stays the truth."""
    subject = subjects.get("solo", "live")
    truth: Truth = subject.truth
    answers = subject.answers(["solo_count"], tmp_path / "answers", gdb_folder=Path("/"))
    assert mismatches(answers["solo_count"], truth.of("solo_count"), kind="live") == []


# What GDB warns of in each of many threads

WARNS = """python
import gdb
from gdb_tls.hosts.gdb.warnings import Warnings
def warns(number):
    gdb.write(f"warning: Section {number} is small\\n", gdb.STDERR)
    if number == 3:
        raise ValueError("three")
    return number
warnings = Warnings()
print("gave", [warnings.once(lambda: warns(number)) for number in range(3)])
try:
    warnings.once(lambda: warns(3))
except ValueError as error:
    print("raised", error)
warnings.once(lambda: gdb.write("warning: another\\n", gdb.STDERR))
"""


def test_a_warning_is_said_once(tmp_path: Path) -> None:
    script = tmp_path / "warns.gdb"
    script.write_text(WARNS)
    result = run_gdb([], [f"source {script}"])
    assert "gave [0, 1, 2]" in result.stdout and "raised three" in result.stdout
    assert result.stderr.split("\n")[:2] == ["warning: Section 0 is small", "warning: another"]
