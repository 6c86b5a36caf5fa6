"""What people see of 3, 300 and 10,000 threads in no order: a screenful, and nothing in it that is not true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from integration.harness import Inferior, kernel_writes_cores, locked, make_core
from integration.sessions import run_gdb

SIZES = (3, 300, 10_000)
COLUMNS, LINES = 80, 24
START = ">>> "
VARIABLES = ("crowd_buffer", "crowd_number", "crowd_main_only", "crowd_half_buffer")
# Three numbers and their ranges are fewer than this, ten thousand's are not.
MOST_WRITTEN = 12


class Member(NamedTuple):
    """What the program itself says of a thread."""

    touches: bool
    is_null: bool
    number: int
    crashes: bool


class Crowd(NamedTuple):
    """A core, what is true of it, and what the commands said."""

    size: int
    pid: int
    truth: dict[int, Member]
    lwps: dict[int, int]
    said: dict[str, str]
    documents: dict[str, Any]

    def lines(self, command: str) -> list[str]:
        return self.said[command].rstrip().splitlines()

    def rows(self, variable: str) -> list[str]:
        """The lines of the table of tls-inspect."""
        lines = self.lines(f"tls-inspect {variable}")
        start = next(index for index, line in enumerate(lines) if line.startswith("  Thread "))
        return lines[start + 1 : lines.index("", start)]


@pytest.fixture(scope="module", params=SIZES)
def crowd(
    request: pytest.FixtureRequest, programs: Path, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Crowd:
    size: int = request.param
    folder = shared_folder / f"crowd-{size}"
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        made = folder / "made.json"
        if not made.exists():
            mode = "abort" if kernel_writes_cores() else "wait"
            command = [programs / "crowd", programs / "libcrowd.so", size, folder / "truth", mode]
            with Inferior(command, folder) as inferior:
                inferior.wait_ready()
                core = make_core(inferior, by_kernel=mode == "abort")
                made.write_text(json.dumps([inferior.pid, str(core)]))
    pid, core = json.loads(made.read_text())
    fields = [list(map(int, line.split())) for line in (folder / "truth").read_text().splitlines()]
    truth = {lwp: Member(bool(t), bool(n), number, bool(c)) for lwp, t, n, number, c in fields}
    own = tmp_path_factory.mktemp("crowd")
    files = {name: own / f"{name}.json" for name in VARIABLES}
    commands = [f"set width {COLUMNS}", f"set height {LINES}", *(f"tls-inspect {name}" for name in VARIABLES)]
    commands += [f"tls-inspect {name} --format json --output {file}" for name, file in files.items()]
    commands += ["tls-map", "tls-map --module *crowd*", "tls-audit --all", "tls-thread all", "tls-exit all"]
    commands += ["tls-inspect crowd_*", f"tls-keys --format html --output {own / 'keys.html'}"]
    marked = [word for command in commands for word in (f"echo \\n{START}{command}\\n", command)]
    text = run_gdb([programs / "crowd", "-c", core], marked).stdout
    said = dict(part.split("\n", 1) for part in text.split(START)[1:])
    files["verify"] = own / "verify.json"
    # With libthread_db, which the other commands have to do without.
    run_gdb(
        [programs / "crowd", "-c", core],
        [f"tls-verify crowd_number --format json --output {files['verify']}"],
        passive=False,
    )
    documents = {name: json.loads(file.read_text()) for name, file in files.items()}
    lwps = {row["num"]: row["lwp"] for row in documents[VARIABLES[0]]["threads"]}
    said["keys.html"] = (own / "keys.html").read_text()
    return Crowd(size, pid, truth, lwps, said, documents)


def numbers_in(text: str) -> list[int]:
    """The numbers of "1-3,7,..."."""
    found: list[int] = []
    for part in text.rstrip(".").strip(",").split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1) if first.isdigit() else []
    return found


def is_null(crowd: Crowd, variable: str, lwp: int) -> bool:
    member = crowd.truth[lwp]
    if variable == "crowd_main_only":
        return lwp != crowd.pid
    return (variable == "crowd_buffer" and member.is_null) or (variable == "crowd_half_buffer" and member.touches)


def test_every_thread_is_in_the_document(crowd: Crowd) -> None:
    for variable in VARIABLES:
        rows = crowd.documents[variable]["threads"]
        assert {row["lwp"] for row in rows} == crowd.truth.keys() and len(rows) == crowd.size
        assert {row["lwp"] for row in rows if row["state"] == "null"} == {
            lwp for lwp in crowd.truth if is_null(crowd, variable, lwp)
        }
        marks = {row["lwp"]: row["marks"] for row in rows if "main" in row["marks"] or "crashed" in row["marks"]}
        crashed = {lwp for lwp, member in crowd.truth.items() if member.crashes}
        assert {lwp for lwp, names in marks.items() if "crashed" in names} == crashed
        assert [lwp for lwp, names in marks.items() if "main" in names] == [crowd.pid]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_screenful(crowd: Crowd, variable: str) -> None:
    """The rows, the heading and the verdict together, and no line that breaks inside a number."""
    lines = crowd.lines(f"tls-inspect {variable}")
    assert len(lines) < LINES and max(map(len, lines)) <= COLUMNS, "\n".join(lines)


@pytest.mark.parametrize("variable", VARIABLES)
def test_who_crashed_and_main_have_rows_of_their_own(crowd: Crowd, variable: str) -> None:
    rows = crowd.rows(variable)
    crashed = {lwp for lwp, member in crowd.truth.items() if member.crashes}
    if crashed:
        (row,) = (row for row in rows if " crashed " in row)
        assert set(map(int, re.findall(r"crashed +(\d+)", row))) == crashed
        assert row is rows[0] or crowd.size == 3
        assert " work " in row, "the program's own function, not that of the C library"
    # A line's number is whole or not there: cut, it would be another one's.
    bad = [row for row in rows if re.search(r":\d*…|  (i|in|in ..?.?)?…", row)]
    assert not bad, "\n".join(bad)
    (row,) = (row for row in rows if " main " in row)
    assert f" {crowd.pid} " in row and re.search(r" main  ?[c…]", row), row


@pytest.mark.parametrize("variable", VARIABLES)
def test_what_is_counted_is_true(crowd: Crowd, variable: str) -> None:
    said = " ".join(crowd.said[f"tls-inspect {variable}"].split())
    null = {lwp for lwp in crowd.truth if is_null(crowd, variable, lwp)}
    if not null:
        assert "NULL" not in said
        return
    if len(null) == crowd.size:
        assert f"NULL in all {crowd.size:,} threads." in said
        return
    found = re.search(r"NULL in ([\d,]+) of ([\d,]+) threads(?: \((\S+) %\))?: (\S+)", said)
    assert found is not None, said
    assert (found[1], found[2]) == (f"{len(null):,}", f"{crowd.size:,}")
    written = numbers_in(found[4])
    assert {crowd.lwps[number] for number in written} <= null
    assert len(re.findall(r"\d+", found[4])) <= MOST_WRITTEN
    is_cut = "..." in found[4]
    assert is_cut == (len(written) < len(null))
    if is_cut:
        assert "--all shows each, --format csv writes each" in said
    groups = [row for row in crowd.rows(variable) if re.match(r"  [\d,]+ threads", row)]
    own = sum(" main " in row or " crashed " in row for row in crowd.rows(variable))
    if groups:
        assert all(" work " in row for row in groups), "what the threads were started with, as a core has no names"
        counted = sum(int(row.split()[0].replace(",", "")) for row in groups)
        single = len(crowd.rows(variable)) - len(groups) - own
        assert counted + own + single == crowd.size


def test_numbers_are_summed_up(crowd: Crowd) -> None:
    values = [member.number for lwp, member in crowd.truth.items() if lwp != crowd.pid and not member.crashes]
    if crowd.size == 3:
        return
    (row,) = (row for row in crowd.rows("crowd_number") if " threads" in row)
    common = max(set(values), key=values.count)
    assert f"{min(values)} to {max(values)}, most often {common}" in row
    # At 80 columns the value may go on in the next line.
    assert f"({values.count(common):,})" in "".join(crowd.rows("crowd_number"))


def test_the_map_shows_who_crashed(crowd: Crowd) -> None:
    for command in ("tls-map", "tls-map --module *crowd*"):
        lines = crowd.lines(command)
        (crashed,) = [number for number, lwp in crowd.lwps.items() if crowd.truth[lwp].crashes] or [0]
        heading = next(line for line in lines if line.startswith("Thread "))
        if crashed:
            assert f"*{crashed}" in heading.split() and f"*{crashed} crashed, selected" in "\n".join(lines)
        assert max(map(len, lines)) <= COLUMNS
    assert len(crowd.lines("tls-map --module *crowd*")) < LINES


def test_no_list_is_long(crowd: Crowd) -> None:
    for command, text in crowd.said.items():
        if command.endswith(".html"):
            continue
        assert not any(len(word) > COLUMNS for word in text.split()), command


def test_all_threads_one_by_one(crowd: Crowd) -> None:
    """Those in the same states are shown once, and none is missing in the count."""
    text = "\n".join(crowd.lines("tls-thread all"))
    states: dict[int, list[str]] = {}
    for variable in VARIABLES:
        for row in crowd.documents[variable]["threads"]:
            states.setdefault(row["num"], []).append(row["state"])
    counted = 0
    for part in re.split(r"(?m)^(?=Thread \d+  .*LWP)", text)[1:]:
        number = int(part.split()[1])
        alike = re.search(r"(?m)^and ([\d,]+) more threads? in the same states:\s(\S+)", part)
        counted += 1 + (int(alike[1].replace(",", "")) if alike else 0)
        assert all(states[other] == states[number] for other in numbers_in(alike[2] if alike else ""))
    left = re.search(r"Not shown: ([\d,]+) thread", text)
    assert counted + (int(left[1].replace(",", "")) if left else 0) == crowd.size
    assert len(text.splitlines()) < 10 * LINES


def test_all_ends(crowd: Crowd) -> None:
    """Threads with the same destructors are shown once, and for whom a destructor will run is true."""
    text = "\n".join(crowd.lines("tls-exit all"))
    counted = {True: 0, False: 0}
    for part in re.split(r"(?m)^(?=Thread \d+  .*LWP)", text)[1:]:
        number = int(part.split()[1])
        alike = re.search(r"(?m)^and ([\d,]+) more threads? (with the same destructors|without any):\s(\S+)", part)
        has = "1 destructor of pthread keys will run" in " ".join(part.split())
        assert has is ("end_odd" in part) is (not alike or "same" in alike[2] if has else False)
        for other in [number, *numbers_in(alike[3] if alike else "")]:
            assert crowd.truth[crowd.lwps[other]].number % 2 == has, other
        counted[has] += 1 + (int(alike[1].replace(",", "")) if alike else 0)
    odd = sum(member.number % 2 for member in crowd.truth.values())
    assert counted == {True: odd, False: crowd.size - odd}
    assert ("Only the stacks of the threads that are shown were looked at" in " ".join(text.split())) is (
        crowd.size > 10
    )
    assert len(text.splitlines()) < 2 * LINES


def test_what_all_variables_have_in_common_is_said_once(crowd: Crowd) -> None:
    said = " ".join(crowd.said["tls-inspect crowd_*"].split())
    assert said.count("Threads that are alike share a line") == (crowd.size > 3)


def test_gdb_is_asked_for_some_seconds(crowd: Crowd) -> None:
    """What was not asked is not counted as compared."""
    found = crowd.documents["verify"]
    assert found["disagreements"] == [] and found["threads"] == crowd.size
    assert found["answered"] == {"passive": crowd.size, "gdb": found["threads_asked"]}
    assert found["compared"] == found["threads_asked"] <= crowd.size
    assert found["threads_asked"] == crowd.size or crowd.size > 300


def test_the_page_of_the_only_key(crowd: Crowd) -> None:
    """Its number is 0, which is no missing one."""
    odd = sum(member.number % 2 for member in crowd.truth.values())
    text = crowd.said["keys.html"]
    assert "odd_key (crowd)" in text and "end_odd" in text
    assert f"{odd:,} of {crowd.size:,}" in text
