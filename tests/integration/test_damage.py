"""Cores that are not whole, missing files, and garbage in the process: no hang, and nothing invented."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import (
    Inferior,
    Subject,
    command_of,
    core_of,
    kernel_writes_cores,
    library_of,
    live_subject,
    make_core,
    without_its_libraries,
)
from integration.sessions import DEFECT, Answers, ask, is_sentence, one_sentence, session
from integration.truth import Truth, mismatches, nothing_invented

# Cores that are not whole


def build_id(file: Path) -> str:
    text = subprocess.run(["readelf", "-n", str(file)], capture_output=True, text=True, check=True).stdout
    match = re.search(r"Build ID: ([0-9a-f]+)", text)
    assert match
    return match.group(1)


@pytest.fixture(scope="module")
def ended_apart(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A core of `ended`, run from a folder of its own: {folder}/bin and {folder}/run."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "bin").mkdir()
    for name in ("ended", "libearly.so"):
        shutil.copy2(programs / name, folder / "bin" / name)
    _, core = core_of(folder / "bin" / "ended", folder / "run")
    core.rename(folder / "core")
    return folder


def test_core_without_a_library(ended_apart: Path, tmp_path: Path) -> None:
    """What is in the other files is answered; what is not names the file and its build id."""
    file = ended_apart / "bin" / "libearly.so"
    wanted_id = build_id(file)
    away = file.rename(tmp_path / "kept")
    try:
        arguments = [ended_apart / "bin" / "ended", "-c", ended_apart / "core"]
        truth = Truth(ended_apart / "run" / "truth.jsonl")
        answers = ask(arguments, ["ended_count"], tmp_path / "answers")
        assert mismatches(answers["ended_count"], truth.of("ended_count"), kind="core") == []
        done = session(arguments, ["tls-inspect early_buffer"], tmp_path)
        error = one_sentence(done, "tls-inspect early_buffer")
        assert str(file) in error and wanted_id in error, error
    finally:
        away.rename(file)


def test_core_with_another_build_of_a_library(ended_apart: Path, programs: Path, tmp_path: Path) -> None:
    """The file at the library's path is not what the process had loaded: it must not be believed."""
    file = ended_apart / "bin" / "libearly.so"
    wanted_id = build_id(file)
    away = file.rename(tmp_path / "kept")
    try:
        shutil.copy2(programs / "liblate_big.so", file)
        arguments = [ended_apart / "bin" / "ended", "-c", ended_apart / "core"]
        commands = ["tls-inspect early_buffer", "tls-inspect late_big_buffer"]
        done = session(arguments, commands, tmp_path)
        for command in commands:
            error = one_sentence(done, command)
            assert "libearly.so" in error and wanted_id in error, error
    finally:
        file.unlink()
        away.rename(file)


def test_core_without_its_executable(ended_apart: Path, tmp_path: Path) -> None:
    file = ended_apart / "bin" / "ended"
    wanted_id = build_id(file)
    away = file.rename(tmp_path / "ended")
    try:
        done = session(["-c", ended_apart / "core"], ["tls-inspect ended_buffer"], tmp_path)
        error = one_sentence(done, "tls-inspect ended_buffer")
        assert str(file) in error and wanted_id in error, error
    finally:
        away.rename(file)


def test_core_with_the_wrong_executable(ended_apart: Path, programs: Path, tmp_path: Path) -> None:
    """The program's own file is read, by the core's notes, and GDB's is said to be another build."""
    commands = ["tls-inspect solo_buffer", "tls-inspect ended_buffer"]
    done = session([programs / "solo", "-c", ended_apart / "core"], commands, tmp_path)
    assert "solo_buffer" in one_sentence(done, "tls-inspect solo_buffer")
    words = done["tls-inspect ended_buffer"].words
    assert f"{programs / 'solo'} is another build" in words, words
    assert build_id(ended_apart / "bin" / "ended") in words and "is read instead" in words, words


def test_core_without_the_c_library(subjects: Subjects, tmp_path: Path) -> None:
    """As on a machine that has none of the libraries: here, below a root that has nothing.

    The ABI alone says where the executable's own variables are; all else needs the files.
    """
    subject = subjects.get("solo", "core")
    output = tmp_path / "solo.json"
    own = f"tls-inspect solo_buffer --format json --output {output}"
    assert subject.core is not None
    core = without_its_libraries(subject.core, tmp_path, library_of(subject.executable, "libc."))
    early = [f"set sysroot {tmp_path}"]
    done = session([subject.executable, "-c", core], [own, "tls-inspect errno"], tmp_path, early=early)
    assert output.exists(), done.said[0].error
    (truth,) = subject.truth.of("solo_buffer")
    (row,) = json.loads(output.read_text())["threads"]
    assert (row["state"], row["address"], row["value"]) == (truth.state, truth.address, truth.value)
    error = one_sentence(done, "tls-inspect errno")
    assert "libc.so" in error and re.search(r"[0-9a-f]{40}", error), error


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_truncated_core(part: float, subjects: Subjects, tmp_path: Path) -> None:
    """A full disk cut it off: what is there is answered, the rest is an error or an unreadable row."""
    whole = subjects.get("zoo", "core")
    assert whole.core is not None
    core = tmp_path / "core"
    size = int(whole.core.stat().st_size * part)
    with whole.core.open("rb") as source:
        core.write_bytes(source.read(size))
    queries = [
        "zoo_counter",
        "zoo_buffer",
        "linked_buffer",
        "early_buffer",
        "late_gd_count",
        "late_ie_buffer",
        "zoo_some->length",
    ]
    answers = ask([whole.executable, "-c", core], queries, tmp_path / "answers")
    assert nothing_invented(answers.documents, whole.truth) == []
    silent = [query for query in queries if query not in answers.documents]
    assert not silent or "trunc" in answers.result.text.lower(), answers.result.text


def test_core_without_pages(programs: Path, tmp_path: Path) -> None:
    """coredump_filter 0: registers only."""
    if not kernel_writes_cores():
        pytest.skip("the kernel writes no cores here, and gcore leaves no pages out")
    folder = tmp_path / "run"
    folder.mkdir()
    command = command_of(programs / "ended", folder, "abort")
    shell = 'echo 0 > /proc/self/coredump_filter && exec "$@"'
    with Inferior(["sh", "-c", shell, "sh", *command], folder) as inferior:
        inferior.wait_ready()
        core = make_core(inferior, by_kernel=True)
    truth = Truth(folder / "truth.jsonl")
    done = session([programs / "ended", "-c", core], ["tls-inspect ended_buffer", "tls-verify --all"], tmp_path)
    said = done["tls-inspect ended_buffer"]
    words = said.words
    assert "coredump_filter" in words or "not in the core" in words, words
    assert "NULL" not in words
    answers = ask([programs / "ended", "-c", core], ["ended_buffer", "early_count"], tmp_path / "answers")
    for document in answers.documents.values():
        assert {row["lwp"] for row in document["threads"] if row["num"]} == truth.living
        assert {row["state"] for row in document["threads"]} <= {"unreadable", "unresolved"}


def test_library_that_gdb_does_not_find(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    """It was opened by a relative path, and GDB is not in that folder; the kernel knows the file's whole name."""
    subject = subjects.get("files", kind)
    output = tmp_path / "relative.json"
    done = session(subject.arguments, [f"tls-inspect relative_buffer --format json --output {output}"], tmp_path)
    assert output.exists(), done.said[0].error
    document = json.loads(output.read_text())
    true = {line.lwp: line for line in subject.truth.of("relative_buffer")}
    assert {row["lwp"] for row in document["threads"] if row["num"]} == set(true)
    for row in document["threads"]:
        if row["num"]:
            assert (row["state"], row["address"]) == (true[row["lwp"]].state, true[row["lwp"]].address)
    # Its type is known when GDB has read the file.
    search = [f"set solib-search-path {subject.executable.parent}"]
    answers = ask(subject.arguments, ["relative_buffer"], tmp_path / "answers", before=search)
    assert mismatches(answers["relative_buffer"], subject.truth.of("relative_buffer"), kind=kind) == []


def test_file_that_is_no_core(programs: Path, tmp_path: Path) -> None:
    file = tmp_path / "core"
    file.write_bytes(b"\x7fELF" + os.urandom(4096))
    done = session([programs / "solo", "-c", file], ["tls-inspect solo_buffer"], tmp_path)
    assert "no process" in one_sentence(done, "tls-inspect solo_buffer").lower()


# Garbage in the process

# Where things are, by glibc's own description of itself.
PLACES = (
    "set $d = (char*)&_rtld_global",
    "set $list_head = (long*)($d + ((unsigned*)&_thread_db_rtld_global__dl_tls_dtv_slotinfo_list)[2])",
    "set $list = *$list_head",
    "set $length = (long*)($list + ((unsigned*)&_thread_db_dtv_slotinfo_list_len)[2])",
    "set $next = (long*)($list + ((unsigned*)&_thread_db_dtv_slotinfo_list_next)[2])",
    "set $slots = $list + ((unsigned*)&_thread_db_dtv_slotinfo_list_slotinfo)[2]",
    "set $slot_size = *(unsigned*)&_thread_db_sizeof_dtv_slotinfo",
    "set $map_at = ((unsigned*)&_thread_db_dtv_slotinfo_map)[2]",
    "set $gen_at = ((unsigned*)&_thread_db_dtv_slotinfo_gen)[2]",
    "set $modid_at = ((unsigned*)&_thread_db_link_map_l_tls_modid)[2]",
    "set $offset_at = ((unsigned*)&_thread_db_link_map_l_tls_offset)[2]",
)
# One of each pair exists: before glibc 2.34 these lists are variables of libpthread.
STACK_LISTS = (
    (
        "set $stacks = (long*)($d + ((unsigned*)&_thread_db_rtld_global__dl_stack_used)[2])",
        "set $stacks = (long*)&stack_used",
    ),
    (
        "set $user_stacks = (long*)($d + ((unsigned*)&_thread_db_rtld_global__dl_stack_user)[2])",
        "set $user_stacks = (long*)&__stack_user",
    ),
)
GARBAGE = ("0", "1", "-1", "0x123456789a", "0x7ffffffffffff000", "0x8000000000000000", "$list", "$slots + 4")
DIRECTLY = ", without GDB"
ASK_DIRECTLY = Path(__file__).parent / "hosts" / "direct" / "ask_directly.py"
QUERIES = ("zoo_counter", "zoo_buffer", "early_buffer", "late_gd_buffer", "late_ie_buffer", "late_big_count")


def spoil(zoo: Subject, place: str, values: Sequence[str], folder: Path) -> dict[str, Answers]:
    """Writes each value to a place of the process, asks for all the queries, and puts the place back.

    Both engines are asked: the answers of the one without GDB are under the value and DIRECTLY.
    """
    commands = [*PLACES, *(command for pair in STACK_LISTS for command in pair)]
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Path]] = {}
    commands.append(f"set $kept = *(long*)({place})")
    for number, value in enumerate(values):
        commands.append(f"set var *(long*)({place}) = (long)({value})")
        commands.append(f'printf "%d", *(long*)({place}) == (long)({value})')
        files[value] = {query: folder / f"{number}-{query}.json" for query in QUERIES}
        commands += [f"tls-inspect {query} --format json --output {file}" for query, file in files[value].items()]
        files[value + DIRECTLY] = {query: folder / f"direct{number}-{query}.json" for query in QUERIES}
        words = [sys.executable, ASK_DIRECTLY, folder, f"direct{number}", "pid", zoo.pid, "--", *QUERIES]
        commands.append(f"shell {shlex.join(map(str, words))} 2>> {folder / 'direct.log'}")
    commands.append(f"set var *(long*)({place}) = $kept")
    done = session(zoo.arguments, commands, folder)
    for one in done.said:
        if one.command.startswith("tls-"):
            assert not one.error or is_sentence(one.error), one
        elif all(one.command not in pair for pair in STACK_LISTS):
            assert one.error is None and one.output in ("", "1"), one
    for pair in STACK_LISTS:
        assert any(done[command].error is None for command in pair), pair
    for line in (folder / "direct.log").read_text().splitlines():
        assert line.startswith(("gdb-tls: ", "Note: ")) and DEFECT not in line, line
    found = {}
    for value, by_query in files.items():
        documents = {query: json.loads(file.read_text()) for query, file in by_query.items() if file.exists()}
        found[value] = Answers(documents, done.result)
    return found


@pytest.fixture(scope="module")
def spoilt(programs: Path, tmp_path_factory: pytest.TempPathFactory):
    """A zoo of this module's own; each test puts back what it wrote."""
    with live_subject("zoo", programs / "zoo", tmp_path_factory.mktemp("spoilt") / "zoo") as subject:
        yield subject


def pointer_of(subject: Subject, thread: str) -> str:
    return subject.truth.one("zoo_counter", thread).thread_pointer


def test_garbage_in_a_dtv_pointer(spoilt: Subject, tmp_path: Path) -> None:
    """Only the thread whose DTV it is has no address, and only for dynamic modules."""
    victim = "worker-1"
    lwp = spoilt.truth.one("zoo_counter", victim).lwp
    place = f"{pointer_of(spoilt, victim)} + ((unsigned*)&_thread_db_pthread_dtvp)[2]"
    for value, answers in spoil(spoilt, place, GARBAGE, tmp_path).items():
        assert set(answers.documents) == set(QUERIES), value
        for query in QUERIES:
            document = answers[query]
            others = [line for line in spoilt.truth.of(query) if line.thread != victim]
            (row,) = (row for row in document["threads"] if row["lwp"] == lwp)
            document["threads"].remove(row)
            document["summary"] = {}
            wrong = [text for text in mismatches(document, others, kind="live") if "summary" not in text]
            assert wrong == [], (value, wrong)
            if document["variable"]["module"]["storage"] == "dynamic":
                assert (row["state"], row["address"]) == ("unresolved", None), (value, row)
            else:
                assert row["address"] == spoilt.truth.one(query, victim).address


def test_garbage_in_a_dtv_entry(spoilt: Subject, tmp_path: Path) -> None:
    """The entry of one module: a block can be anywhere, so the address is followed and found unreadable."""
    victim = "worker-1"
    lwp = spoilt.truth.one("zoo_counter", victim).lwp
    before = ask(spoilt.arguments, ["early_buffer"], tmp_path / "before")
    module = before["early_buffer"]["variable"]["module"]["id"]
    entry = f"*(long*)({pointer_of(spoilt, victim)} + ((unsigned*)&_thread_db_pthread_dtvp)[2]) + {16 * module}"
    values = ("1", "0x123456789a", "0x8000000000000000", "0x7ffffffffffff000", "-2")
    for value, answers in spoil(spoilt, entry, values, tmp_path).items():
        (row,) = (row for row in answers["early_buffer"]["threads"] if row["lwp"] == lwp)
        assert row["state"] in ("unresolved", "unreadable"), (value, row)
        assert row["reason"] and row["value"] is None
        rest = [query for query in QUERIES if query != "early_buffer"]
        for query in rest:
            assert mismatches(answers[query], spoilt.truth.of(query), kind="live") == [], value


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("list head", "$list_head"),
        ("length", "$length"),
        ("next", "$next"),
        ("map of module 1", "$slots + $slot_size + $map_at"),
        ("module id of module 1", "*(long*)($slots + $slot_size + $map_at) + $modid_at"),
        ("chain of link maps", "*(long*)($slots + $slot_size + $map_at) + 24"),
        ("name of a link map", "*(long*)($slots + $slot_size + $map_at) + 8"),
        ("base of a link map", "*(long*)($slots + $slot_size + $map_at)"),
        ("list of stacks", "$stacks"),
        ("list of user stacks", "$user_stacks"),
        ("end of the list of stacks", "*$stacks"),
    ],
)
def test_garbage_in_the_loaders_lists(what: str, place: str, spoilt: Subject, tmp_path: Path) -> None:
    """Each answer is right, or there is a clear error; a name whose module is lost is not known."""
    values = GARBAGE
    if what == "next":
        values = tuple(value for value in GARBAGE if value != "0")  # that is what it is
    if what == "chain of link maps":
        values = (*GARBAGE, "*(long*)($slots + $slot_size + $map_at)")  # a cycle of one
    for value, answers in spoil(spoilt, place, values, tmp_path).items():
        assert nothing_invented(answers.documents, spoilt.truth) == [], (what, value)
    # Put back, all is as it was.
    after = ask(spoilt.arguments, QUERIES, tmp_path / "after")
    for query in QUERIES:
        assert mismatches(after[query], spoilt.truth.of(query), kind="live") == []


def test_garbage_in_a_static_offset(spoilt: Subject, tmp_path: Path) -> None:
    """Module 1 is the executable: its variables are then nowhere."""
    place = "*(long*)($slots + $slot_size + $map_at) + $offset_at"
    values = ("0x123456789a", "0x8000000000000000", "0x7ffffffffffff000", "-0x7ffffffffffff000")
    for value, answers in spoil(spoilt, place, values, tmp_path).items():
        for query in ("zoo_counter", "zoo_buffer"):
            if query in answers.documents:
                assert {row["state"] for row in answers[query]["threads"]} <= {"unresolved", "unreadable"}, value
        for query in QUERIES[2:]:
            assert mismatches(answers[query], spoilt.truth.of(query), kind="live") == [], value


def test_garbage_in_a_thread_pointers_block(spoilt: Subject, tmp_path: Path) -> None:
    """The control block's own address and thread id, by which a thread is known."""
    victim = pointer_of(spoilt, "worker-2")
    for place in (victim, f"{victim} + 16", f"{victim} + ((unsigned*)&_thread_db_pthread_tid)[2]"):
        for value, answers in spoil(spoilt, place, GARBAGE, tmp_path).items():
            for query, document in answers.documents.items():
                found = {row["lwp"] for row in document["threads"] if row["num"]}
                assert found == spoilt.truth.living, (place, value, query)
                by_lwp = {line.lwp: line for line in spoilt.truth.of(query)}
                for row in document["threads"]:
                    if row["num"] and row["state"] in ("set", "null"):
                        assert row["address"] == by_lwp[row["lwp"]].address, (place, value, row)


@pytest.mark.parametrize("seed", [1, 2])
def test_core_with_garbage(seed: int, subjects: Subjects, tmp_path: Path) -> None:
    """Random bytes all over a core: gdb and the extension come back, with rows or with a sentence."""
    import random

    whole = subjects.get("ended", "core")
    assert whole.core is not None
    chance = random.Random(seed)
    data = bytearray(whole.core.read_bytes())
    # Behind the headers, notes included: GDB itself must be able to open it.
    for _ in range(len(data) // 64):
        at = chance.randrange(len(data) // 8, len(data) - 8)
        data[at : at + 8] = chance.randbytes(8)
    core = tmp_path / "core"
    core.write_bytes(data)
    queries = ["ended_buffer", "ended_count", "early_buffer", "early_count"]
    answers = ask([whole.executable, "-c", core], queries, tmp_path / "answers", after=["tls-inspect ended_buffer"])
    for document in answers.documents.values():
        assert {row["lwp"] for row in document["threads"] if row["num"]} == whole.truth.living
        assert all(row["reason"] for row in document["threads"] if row["state"] in ("unresolved", "unreadable"))


def test_static_executable(programs: Path, tmp_path: Path) -> None:
    """Right, or one sentence that says that it is not supported."""
    with live_subject("solo_static", programs / "solo_static", tmp_path / "static") as subject:
        answers = subject.answers(subject.truth.queries, tmp_path / "answers")
        for query, document in answers.documents.items():
            lines = [line for line in subject.truth.of(query)]
            wrong = [text for text in mismatches(document, lines, kind="live") if "module is" not in text]
            assert wrong == []
        if not answers.documents:
            assert "static" in answers.result.stderr
