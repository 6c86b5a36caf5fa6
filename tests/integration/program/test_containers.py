"""Containers of the C++ library: every state that they can be in is shown, and no other bytes are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.documents import documents
from integration.harness import Subject, core_subject
from integration.sessions import ask, session

# What the threads' containers are, in the order in which the threads are made.
THREADS = ("main", "one", "many", "emptied", "moved", "garbage-a5", "garbage-ff", "garbage-01", "torn")
VALID = ("one", "many", "emptied", "moved")


def roles(subject: Subject, rows: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    return dict(zip(THREADS, sorted(rows, key=lambda row: (row["lwp"] != subject.pid, row["lwp"]))))


def test_states(kind: str, subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("containers", kind)
    several = ask(subject.arguments, ["box_*"], tmp_path)["box_*"]["variables"]
    assert len(several) == 12
    for one in several:
        rows = roles(subject, one["threads"])
        assert rows.keys() == set(THREADS)
        name = one["name"]
        for role in VALID:
            assert rows[role]["state"] == "set" and rows[role]["text"], (name, role, rows[role])
            assert "<error" not in str(rows[role]["text"]), (name, role, rows[role])
        for role in set(THREADS) - {*VALID, "main"}:
            reason = str(rows[role]["reason"])
            assert rows[role]["state"] == "unreadable" and reason.startswith("not a valid std::"), (
                name,
                role,
                rows[role],
            )
            assert rows[role]["text"] == "" and rows[role]["value"] is None
        # Nothing has touched main's, and the guard says so.
        assert rows["main"]["state"] == "not-constructed" and not rows["main"]["text"], (name, rows["main"])


def test_map_says_the_same(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("containers", "core")
    picture = documents(subject, ["tls-map --module containers"], tmp_path)["tls-map --module containers"]
    several = ask(subject.arguments, ["box_*"], tmp_path)["box_*"]["variables"]
    states = {one["name"]: [row["state"] for row in one["threads"]] for one in several}
    assert {one["name"]: one["states"] for one in picture["variables"] if one["name"] in states} == states
    done = session(subject.arguments, ["tls-inspect box_deque"], tmp_path)
    assert "not a valid std::deque: its iterators lie outside of their buffers" in done["tls-inspect box_deque"].words


PROGRAMS = Path(__file__).parents[2] / "programs"
TORN_STRINGS = ("box_string", "box_wide")  # of libc++ a short string's bytes may be anything


@pytest.fixture(scope="module", params=["-O0", "-O2"])
def libcxx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """The same program, with Clang's own library, for which GDB has no pretty printers."""
    folder = tmp_path_factory.mktemp("libcxx")
    built = folder / "containers"
    library = folder / "truth.o"
    subprocess.run(["clang", "-c", "-g", "-pthread", PROGRAMS / "truth.c", "-o", library], check=True)
    flags = ("-stdlib=libc++", "-std=c++17", "-g", "-pthread", request.param)
    subprocess.run(["clang++", *flags, PROGRAMS / "containers.cc", library, "-o", built], check=True)
    return core_subject("containers", built, folder / "run", (), by_kernel=None)


def test_libcxx(libcxx: Subject, tmp_path: Path) -> None:
    several = ask(libcxx.arguments, ["box_*"], tmp_path)["box_*"]["variables"]
    assert len(several) == 12
    for one in several:
        name, rows = one["name"], roles(libcxx, one["threads"])
        for role in VALID:
            assert rows[role]["state"] == "set" and rows[role]["text"], (name, role, rows[role])
            assert not {"<error", "__", "not a valid"} & {*str(rows[role]["text"]).split()}, (name, role, rows[role])
        for role in set(THREADS) - {*VALID, "main"}:
            if role != "torn" or name not in TORN_STRINGS:
                assert rows[role]["state"] == "unreadable", (name, role, rows[role])
                assert str(rows[role]["reason"]).startswith("not a valid std::"), (name, role, rows[role])
    assert {one["name"]: roles(libcxx, one["threads"])["many"]["text"].split(" =")[0] for one in several} == {
        "box_vector": "std::vector of length 1000, capacity 1024",
        "box_large_vector": "std::vector of length 1000, capacity 1024",
        "box_bits": "std::vector<bool> of length 1000",
        "box_deque": "std::deque with 1000 elements",
        "box_large_deque": "std::deque with 1000 elements",
        "box_string": "'x' <repeats 200 times>... length 1000",
        "box_wide": "L'x' <repeats 200 times>... length 1000",
        "box_map": "std::map with 1000 elements",
        "box_set": "std::multiset with 1000 elements",
        "box_list": "std::list",
        "box_table": "std::unordered_map with 1000 elements",
        "box_hashed": "std::unordered_set with 1000 elements",
    }


ELEMENTS = {
    "box_vector[999]": ("999", "box_vector has one element, [0], so there is no [999]"),
    "box_deque[999]": ("999", "box_deque has one element, [0], so there is no [999]"),
    "box_map[998]": ("998", "box_map has no [998]: its one key is another"),
    "box_table[998]": ("998", "box_table has no [998]: its one key is another"),
    "box_list[500]": ("500", "box_list has one element, [0], so there is no [500]"),
    "box_set[999]": ('"999"', "box_set has one element, [0], so there is no [999]"),
    "box_string[999]": ("120 'x'", "box_string has one element, [0], so there is no [999]"),
    "box_large_deque[999].words[99]": ("0", "box_large_deque has one element, [0], so there is no [999]"),
}


def test_elements_of_libcxx(libcxx: Subject, tmp_path: Path) -> None:
    answers = ask(libcxx.arguments, list(ELEMENTS), tmp_path)
    for query, (text, reason) in ELEMENTS.items():
        rows = roles(libcxx, answers[query]["threads"])
        assert (rows["many"]["state"], rows["many"]["text"]) == ("set", text), (query, rows["many"])
        assert (rows["one"]["state"], rows["one"]["reason"]) == ("unreadable", reason), (query, rows["one"])


def test_without_pretty_printers(subjects: Subjects, tmp_path: Path) -> None:
    """Those of GCC's library are loaded by its path: of a core of another machine they often are not."""
    subject = subjects.get("containers", "core")
    texts = []
    for number, before in enumerate((["python gdb.pretty_printers[:] = []"], ["disable pretty-printer"])):
        found = ask(subject.arguments, ["box_*"], tmp_path / str(number), before=before)["box_*"]["variables"]
        texts.append({one["name"]: [row["text"] for row in one["threads"]] for one in found})
    without, disabled = texts
    for name, rows in disabled.items():
        assert not any("_M_" in str(text) for text in rows), (name, rows)
        # The elements are worded alike; libstdc++'s own printers put their numbers before those of sets and lists.
        assert [len(text) > 0 for text in rows] == [len(text) > 0 for text in without[name]]
