"""Classes of the C++ library, of GCC's and of Clang's, are shown alike by both engines."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.harness import Subject, subject_of
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask

PROGRAMS = Path(__file__).parents[3] / "programs"
COMPILERS = {"libc++": ("clang++", "-stdlib=libc++"), "libstdc++": ("g++",)}
# What each program shows of which variables.
QUERIES = {
    "containers": ("box_*",),
    "presence": ("number", "text", "settings", "nested", "unique", "shared", "config", "only"),
    "library": ("shelf_*",),
}
# What a row says of the variable.
KEYS = ("lwp", "state", "reason", "value", "text")


# Of the worker, as the program has put it in: so that both engines cannot be wrong together.
SAID = {
    "shelf_index": 'std::map with 2 elements = {["a"] = std::vector of length 2, capacity 2 = {1, 2}, '
    "['k' <repeats 40 times>] = std::vector of length 0, capacity 0}",
    "shelf_weights": "std::map with 2 elements = {[120 'x'] = {kilos = 1.5}, [121 'y'] = {kilos = 2}}",
    "shelf_wide": 'u"wide é€"',
    "shelf_view": '"defg"',
    "shelf_tuple": 'std::tuple containing = {[1] = 4, [2] = {<No data fields>}, [3] = "t"}',
}


@pytest.fixture(scope="module", params=["-O0", "-O2"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=list(COMPILERS))
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=list(QUERIES))
def built(request: pytest.FixtureRequest, library: str, level: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    truth, built = folder / "truth.o", folder / request.param
    subprocess.run(["gcc", "-c", "-g", "-pthread", PROGRAMS / "truth.c", "-o", truth], check=True)
    flags = ("-std=c++17", "-g", "-pthread", level)
    source = PROGRAMS / f"{request.param}.cc"
    subprocess.run([*COMPILERS[library], *flags, source, truth, "-o", built], check=True)
    return built


@pytest.fixture(params=["live", "core"])
def subject(request: pytest.FixtureRequest, built: Path) -> Iterator[Subject]:
    with subject_of(request.param, built, built.parent / f"run-{request.param}") as found:
        yield found


def rows(document: Any) -> dict[str, list[dict[str, Any]]]:
    """What each variable is in each thread."""
    found = {}
    for one in document.get("variables", [document]):
        name = one.get("name") or one["variable"]["name"]
        kept = [{key: row[key] for key in KEYS} for row in one["threads"]]
        for row in kept:  # libstdc++'s printer of GCC 12 has words of its own
            row["text"] = re.sub(r"^(std::atomic<\w+> = )\{ (\d+) \}$", r"\1{load() = \2}", str(row["text"]))
        found[name] = sorted(kept, key=lambda row: int(row["lwp"]))
    return found


def test_both_engines_say_the_same(subject: Subject, library: str, tmp_path: Path) -> None:
    queries = QUERIES[subject.executable.name]
    # GDB writes what is no ASCII as the locale has it.
    utf8 = {"before": ["set host-charset UTF-8"], "environment": {"LC_ALL": "C.UTF-8"}}
    known = ask(subject.arguments, list(queries), tmp_path, **utf8)
    if subject.core:
        words = ["core", subject.core, "--exe", subject.executable]
    else:
        words = ["pid", subject.pid]
    seen = 0
    for query in queries:
        said = gdb_tls([*words, "--engine", "direct", "--format", "json", query])
        expected, found = rows(known[query]), rows(said.document)
        assert found == expected
        texts = [str(row["text"]) for some in found.values() for row in some]
        assert not any(" __" in text or "_M_" in text for text in texts), texts
        seen += sum(map(bool, texts))
        for name, text in SAID.items() if query == "shelf_*" else ():
            assert found[name][1]["text"] == text
    assert seen > 10
