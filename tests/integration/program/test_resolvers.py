"""Every resolver against the truth, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject, live_subject
from integration.sessions import ask, one_sentence, session
from integration.truth import Line, Truth, mismatches
from limits import LIMIT_SECONDS
from peers.registers import writing_registers

CALLS = ("dlsym", "tls-get-addr", "call")


# A call that comes back is not given up because the machine is busy.
PATIENT = f"python import gdb_tls.hosts.gdb.calls as calls; calls.LONGEST_CALL = {LIMIT_SECONDS}"


# Prints what must be the same before and after: every thread's registers, the selection, the settings.
SITUATION = """
import gdb, hashlib

def situation():
    selected, frame = gdb.selected_thread(), gdb.selected_frame()
    level, newer = 0, frame.newer()
    while newer is not None:
        level, newer = level + 1, newer.newer()
    found = ["thread %d" % selected.num, "frame %s" % level]
    names = ("scheduler-locking", "unwindonsignal", "language", "may-call-functions", "confirm", "pagination")
    timed = ("unwind-on-timeout", "direct-call-timeout", "indirect-call-timeout")
    for name in (*names, *(name for name in timed if exists(name))):
        found.append(gdb.execute("show " + name, to_string=True).strip())
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num):
        thread.switch()
        registers = gdb.execute("info registers", to_string=True)
        # GDB says this once, in whichever command comes first.
        registers = registers.replace("Warning: the current language does not match this frame.\\n", "")
        found.append("%d %s" % (thread.num, hashlib.sha256(registers.encode()).hexdigest()))
    selected.switch()
    frame.select()
    return "\\n".join(found)

def exists(name):
    try:
        gdb.parameter(name)
    except RuntimeError:
        return False
    return True

def memory():
    # Everything that the process can write to, read past GDB.
    pid = gdb.selected_inferior().pid
    digest = hashlib.sha256()
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb") as data:
        for line in maps:
            place, access = line.split()[:2]
            if access.startswith("rw"):
                start, end = (int(part, 16) for part in place.split("-"))
                digest.update(content(data, start, end))
    return digest.hexdigest()

def content(data, start, end):
    try:
        data.seek(start)
        return data.read(end - start)
    except OSError:
        # The guard pages of a stack can be in one mapping with it (MADV_GUARD_INSTALL, glibc 2.42).
        if end - start <= 4096:
            return b"unreadable"
        middle = start + (end - start) // 8192 * 4096
        return content(data, start, middle) + content(data, middle, end)
"""


@pytest.fixture
def situation(tmp_path: Path) -> str:
    """The gdb command that defines Python's situation() and memory()."""
    script = tmp_path / "situation.py"
    script.write_text(SITUATION)
    return f"source {script}"


@pytest.fixture
def zoo(programs: Path, tmp_path: Path) -> Iterator[Subject]:
    """A zoo of one's own, which the test may change."""
    with live_subject("zoo", programs / "zoo", tmp_path / "zoo") as subject:
        yield subject


def stuck(programs: Path, folder: Path, how: str) -> Iterator[Subject]:
    with live_subject("stuck", programs / "stuck", folder / "stuck", ("--stuck", how)) as subject:
        yield subject


def as_gdb_sees_it(lines: list[Line]) -> list[Line]:
    """GDB gives no address for a block that is not there, or a thread that is not: `unresolved`."""
    seen = []
    for line in lines:
        if line.state == "unallocated" or "exited" in line.flags:
            line = replace(line, state="unresolved", address=None, value=None, kind="unresolved")
        seen.append(line)
    return seen


@pytest.mark.parametrize(
    ("program", "variables"),
    [
        (
            "zoo",
            (
                "zoo_counter",
                "zoo_buffer",
                "zoo_some->str",
                "zoo_unique",
                "hidden_buffer",
                "space::inner::Class::member",
                "'zoo_names_a.cc'::same_name",
                "'zoo_names_b.cc'::same_name",
                "call_count()::calls",
                "linked_hidden",
                "early_buffer",
                "early_count",
                "late_gd_buffer",
                "late_ie_buffer",
                "late_desc_buffer",
                "late_big_buffer",
            ),
        ),
        ("ended", ("ended_buffer", "early_buffer")),
        ("reuse", ("reopened_buffer", "last_count")),
        ("many", ("many_69_buffer", "late_ie_count")),
        (
            "files",
            (
                "plain_buffer",
                "stripped_buffer",
                "split_buffer",
                "libtwin_a.so::twin_buffer",
                "libtwin_b.so::twin_count",
            ),
        ),
    ],
)
def test_gdb(program: str, variables: tuple[str, ...], kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get(program, kind)
    answers = subject.answers(variables, tmp_path, options="--via gdb", passive=False)
    wrong = []
    for query in variables:
        lines = as_gdb_sees_it(subject.truth.of(query))
        wrong += mismatches(answers[query], lines, kind=kind, via="gdb")
        reasons = [row["reason"] for row in answers[query]["threads"] if row["state"] == "unresolved" and row["num"]]
        wrong += [f"{query}: {reason}" for reason in reasons if "not yet allocated storage" not in reason]
    assert not wrong, "\n".join([*wrong, answers.result.text])


def resolves_alone(subject: Subject, folder: Path) -> bool:
    """Whether this GDB finds thread-local variables without libthread_db, by what it knows of the C library."""
    done = session(subject.arguments, ["print &zoo_counter"], folder / "alone", extension=False)
    return done["print &zoo_counter"].error is None


def test_gdb_without_libthread_db_says_why(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", kind)
    answers = subject.answers(["zoo_counter"], tmp_path, options="--via gdb")
    rows = answers["zoo_counter"]["threads"]
    assert {row["lwp"] for row in rows} == subject.truth.living
    if resolves_alone(subject, tmp_path):
        lines = as_gdb_sees_it(subject.truth.of("zoo_counter"))
        assert mismatches(answers["zoo_counter"], lines, kind=kind, via="gdb") == []
        return
    assert {row["state"] for row in rows} == {"unresolved"}
    assert all("thread-local" in row["reason"] for row in rows)


@pytest.mark.parametrize("program", ["namespaces", "files"])
def test_gdb_gives_no_wrong_address_for_a_twin(program: str, kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """Of two variables of one name GDB may find only one: then there is no address, never the other's."""
    subject = subjects.get(program, kind)
    answers = subject.answers(
        subject.truth.queries,
        tmp_path,
        options="--via gdb",
        passive=False,
        gdb_folder=subject.executable.parent,
    )
    for query in subject.truth.queries:
        true = {line.lwp: line.address for line in subject.truth.of(query)}
        for row in answers[query]["threads"]:
            assert row["address"] in (None, true[row["lwp"]]), (query, row)


@pytest.mark.parametrize("via", CALLS)
def test_call(via: str, zoo: Subject, situation: str, tmp_path: Path) -> None:
    """Addresses are right, blocks that were not there are there afterwards, and all else is put back."""
    query = "early_buffer"
    changed = ["set scheduler-locking step", "set unwindonsignal off", "thread 3", "up"]
    show = "python print(situation())"
    answers = {}
    files = {name: tmp_path / f"{name}.json" for name in ("before", "called", "after")}
    done = session(
        zoo.arguments,
        [
            PATIENT,
            situation,
            *changed,
            f"tls-inspect {query} --format json --output {files['before']}",
            show,
            f"tls-inspect {query} --via {via} --format json --output {files['called']}",
            show + " ",
            f"tls-inspect {query} --format json --output {files['after']}",
        ],
        tmp_path,
        passive=False,
        early=writing_registers(),
    )
    for name, file in files.items():
        assert file.exists(), [one.words for one in done.said]
        answers[name] = json.loads(file.read_text())
    assert done[show].output == done[show + " "].output
    assert "thread 3" in done[show].output and "frame 1" in done[show].output

    lines = zoo.truth.of(query)
    assert mismatches(answers["before"], lines, kind="live") == []
    called = {row["lwp"]: row for row in answers["called"]["threads"]}
    addresses = [row["address"] for row in called.values()]
    assert None not in addresses and len(set(addresses)) == len(addresses)
    # The touched ones as they were; in the others the block has been made, from the initial image.
    allocated = [
        line
        if line.address
        else replace(line, state="null", kind="pointer", value="0x0", address=called[line.lwp]["address"])
        for line in lines
    ]
    assert mismatches(answers["called"], allocated, kind="live", via=answers["called"]["threads"][0]["via"]) == []
    assert {row["via"] for row in called.values()} <= ({via} if via != "call" else {"call", "dlsym", "tls-get-addr"})
    assert mismatches(answers["after"], allocated, kind="live") == []
    warned = done.said[-3].words + done.result.stderr
    assert "allocates" in warned or "allocated" in warned


def test_tls_get_addr_of_all_kinds_of_variables(zoo: Subject, tmp_path: Path) -> None:
    """Also of static variables, of the executable, and of libraries that dlsym does not see."""
    queries = [
        "zoo_buffer",
        "hidden_buffer",
        "zoo_some->length",
        "linked_hidden",
        "late_ie_count",
        "late_desc_buffer",
    ]
    queries += ["late_gd_count"]
    answers = zoo.answers(
        queries,
        tmp_path,
        options="--via tls-get-addr",
        before=[PATIENT],
        passive=False,
        early=writing_registers(),
    )
    for query in queries[:-1]:
        assert mismatches(answers[query], zoo.truth.of(query), kind="live", via="tls-get-addr") == []
    rows = {row["lwp"]: row for row in answers["late_gd_count"]["threads"]}
    for line in zoo.truth.of("late_gd_count"):
        row = rows[line.lwp]
        assert row["state"] == "set"
        assert row["value"] == (line.value if line.address else 7)
        assert line.address in (None, row["address"])


def test_call_chooses_what_can_work(zoo: Subject, tmp_path: Path) -> None:
    answers = zoo.answers(
        ["hidden_buffer", "linked_count"],
        tmp_path,
        options="--via call",
        before=[PATIENT],
        passive=False,
        early=writing_registers(),
    )
    for query in ("hidden_buffer", "linked_count"):
        rows = answers[query]["threads"]
        assert mismatches(answers[query], zoo.truth.of(query), kind="live", via=rows[0]["via"]) == []


def test_dlsym_of_what_is_not_exported_is_never_null(zoo: Subject, tmp_path: Path) -> None:
    """0 from dlsym speaks of the symbol, not of the variable."""
    commands = [f"tls-inspect {name} --via dlsym" for name in ("hidden_buffer", "late_gd_buffer", "zoo_buffer")]
    done = session(zoo.arguments, [PATIENT, *commands], tmp_path, passive=False, early=writing_registers())
    for command in commands:
        words = done[command].words
        assert "tls-get-addr" in words, words
        assert "NULL" not in words.replace("RTLD_DEFAULT", ""), words


def test_calls_honour_may_call_functions(zoo: Subject, situation: str, tmp_path: Path) -> None:
    commands = [f"tls-inspect late_gd_buffer --via {via}" for via in CALLS[1:]]
    state = "python print(memory())"
    done = session(
        zoo.arguments,
        [situation, "set may-call-functions off", state, *commands, state + " "],
        tmp_path,
        passive=False,
    )
    for command in commands:
        assert "may-call-functions" in (done[command].error or "")
    assert done[state].output == done[state + " "].output != ""


def test_a_gdb_that_cannot_call_changes_nothing(zoo: Subject, situation: str, tmp_path: Path) -> None:
    """An older GDB on a newer processor fails in the middle of a call: then none is begun."""
    show = "python print(situation(), memory())"
    commands = [f"tls-inspect late_gd_count --via {via}" for via in CALLS[1:]]
    done = session(
        zoo.arguments, [PATIENT, situation, show, commands[0], show + " ", *commands], tmp_path, passive=False
    )
    if writing_registers():
        for command in commands:
            assert "--via passive" in one_sentence(done, command)
        assert done[show].output == done[show + " "].output
    else:
        assert all(done[command].error is None for command in commands)


def test_passive_and_gdb_change_nothing(zoo: Subject, situation: str, tmp_path: Path) -> None:
    """Not a byte of the process, no selection, no setting; blocks that were not there are not there."""
    show = "python print(situation(), memory())"
    queries = [
        f"tls-inspect {query}"
        for query in ("zoo_buffer", "early_buffer", "late_big_count", "zoo_string", "zoo_some->str")
    ]
    done = session(
        zoo.arguments,
        [
            situation,
            "thread 2",
            "up",
            "set language c",
            show,
            *queries,
            *(f"{query} --via gdb" for query in queries),
            "tls-verify early_buffer",
            "tls-verify --all",
            'print $_tls_state("late_gd_buffer", 4)',
            show + " ",
        ],
        tmp_path,
        passive=False,
    )
    for one in done.said:
        assert one.error is None, one
    assert done[show].output == done[show + " "].output
    assert "thread 2" in done[show].output
    # The hash sees a change: the same commands, and one byte.
    seen = session(
        zoo.arguments,
        [situation, show, "set var zoo_counter = zoo_counter + 1", show + " "],
        tmp_path,
        passive=False,
    )
    assert seen[show].output != seen[show + " "].output


def test_running_threads(zoo: Subject, tmp_path: Path) -> None:
    """In non-stop mode threads may run: memory alone says where their variables are."""
    run = ["thread 2", "continue &", "thread 3", "continue &", "thread 1"]
    # GDB 10's attach breaks off in this mode, before it looks for files: it is given one, and knows no library's types.
    answers = ask(
        [zoo.executable, *zoo.arguments],
        ["zoo_counter", "early_buffer", "late_gd_count"],
        tmp_path,
        early=["set non-stop on", "set mi-async on"],
        before=run,
        after=["info threads", "info sharedlibrary"],
        passive=False,
    )
    assert "(running)" in answers.result.stdout
    for query in answers.queries:
        lines = zoo.truth.of(query)
        if query == "zoo_counter" or "libearly.so" in answers.result.stdout:
            assert mismatches(answers[query], lines, kind="live") == []
        else:
            found = {row["lwp"]: row["address"] for row in answers[query]["threads"]}
            assert found == {line.lwp: line.address for line in lines}


def test_user_breakpoints_do_not_stop_calls(zoo: Subject, tmp_path: Path) -> None:
    output = tmp_path / "called.json"
    done = session(
        zoo.arguments,
        [
            PATIENT,
            "break malloc",
            "break __tls_get_addr",
            f"tls-inspect late_gd_count --via tls-get-addr --format json --output {output}",
            "info breakpoints",
        ],
        tmp_path,
        passive=False,
        early=writing_registers(),
    )
    assert output.exists(), [one.words for one in done.said]
    states = {row["state"] for row in json.loads(output.read_text())["threads"]}
    assert states == {"set"}
    assert done["info breakpoints"].output.count(" y ") >= 2


@pytest.mark.parametrize("how", ["malloc", "loader", "leaked"])
def test_stuck_threads_do_not_hang_the_session(how: str, programs: Path, situation: str, tmp_path: Path) -> None:
    """Each thread has its row, right or unresolved with a reason, and the process is as it was."""
    show = "python print(situation())"
    inspect = {via: f"tls-inspect early_buffer --via {via} --format json --output {tmp_path / via}" for via in CALLS}
    after = f"tls-inspect stuck_buffer --format json --output {tmp_path / 'after'}"
    for subject in stuck(programs, tmp_path, how):
        done = session(
            subject.arguments,
            [situation, show, *inspect.values(), show + " ", after],
            tmp_path,
            passive=False,
            early=writing_registers(),
        )
        lines = subject.truth.of("early_buffer")
        true = {line.lwp: line for line in lines}
        for via in CALLS:
            said = done[inspect[via]]
            if said.error is not None:
                # Exported and loaded for this handle only: dlsym may have nothing to find.
                assert via == "dlsym" and "passive" in said.error + "--via passive", said
                continue
            rows = json.loads((tmp_path / via).read_text())["threads"]
            assert {row["lwp"] for row in rows} == set(true)
            for row in rows:
                line = true[row["lwp"]]
                if row["state"] == "unresolved":
                    assert row["reason"]
                elif line.address:
                    assert (row["state"], row["address"]) == (line.state, line.address)
                else:
                    assert row["state"] == "null"
                if line.thread == "is-stuck" and how in ("malloc", "loader"):
                    assert row["state"] == "unresolved", row
                    assert how != "malloc" or "malloc" in row["reason"], row
        assert done[show].output == done[show + " "].output
        document = json.loads((tmp_path / "after").read_text())
        assert mismatches(document, subject.truth.of("stuck_buffer"), kind="live") == []


def test_leaked_lock_ends_by_a_time_limit(programs: Path, tmp_path: Path) -> None:
    """No stack shows who holds the lock: the call is given up after a while, and undone."""
    for subject in stuck(programs, tmp_path, "leaked"):
        states, reasons = {}, []
        # The block of the main thread ("stuck") is there, and takes no lock.
        for threads, before in (("1", [PATIENT]), ("2,3", [])):
            answers = subject.answers(
                ["early_buffer"],
                tmp_path / threads,
                options=f"--via tls-get-addr --threads {threads}",
                before=before,
                passive=False,
                early=writing_registers(),
            )
            rows = answers["early_buffer"]["threads"]
            states.update({row["name"]: row["state"] for row in rows})
            reasons += [row["reason"] for row in rows if row["state"] == "unresolved"]
        assert states == {"stuck": "set", "is-stuck": "unresolved", "lives": "unresolved"}
        assert all("passive" in reason for reason in reasons)


def test_no_calls_on_a_core(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    commands = [f"tls-inspect zoo_buffer --via {via}" for via in CALLS]
    by_default = ["set tls via call", "tls-inspect zoo_buffer", "tls-verify zoo_buffer --calls"]
    done = session(subject.arguments, [*commands, *by_default], tmp_path)
    for command in (*commands, by_default[1]):
        assert "--via passive" in (done[command].error or ""), done[command]
    assert "core" in (done[by_default[2]].error or "")


def test_default_resolver_can_be_set(zoo: Subject, tmp_path: Path) -> None:
    answers = ask(zoo.arguments, ["zoo_counter"], tmp_path, before=["set tls via gdb"], passive=False)
    truth: Truth = zoo.truth
    assert mismatches(answers["zoo_counter"], truth.of("zoo_counter"), kind="live", via="gdb") == []
