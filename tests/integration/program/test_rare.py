"""Numbers that few programs have: the same with GDB and without, and what the program has made of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.harness import PROGRAMS, run_gdb
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask

COMMON = {
    "floats": "1.5 + 2i",
    "ints": "-4 + 5i",
    "atomic": "5",
    "extended": "-1.75",
    "fields": "{narrow = 5, wide = 549755813888}",
}
TEXTS = {
    "gcc": COMMON
    | {
        "d32": "2.5",
        "d64": "-1.25",
        "d128": "4.75",
        "half": "2.5",
        "f64x": "1.25",
        "f128": "1.5",
        "quads": "1 + 2i",
        "bytes": "0x0300",  # GDB has no name for its type either
    },
    # Clang's debug information does not say how many bits they have: so no value is made up.
    "clang": COMMON
    | {
        "bits": "0x1ffffffffa (how many of its bits count is not known)",
        "few": "0x12 (how many of its bits count is not known)",
    },
}


@pytest.mark.parametrize("compiler", list(TEXTS))
def test_rare_numbers(compiler: str, tmp_path: Path) -> None:
    program, core = tmp_path / "rare", tmp_path / "core"
    words = [compiler, "-std=gnu2x", "-g", "-pthread", "-o", program, PROGRAMS / "rare.c"]
    subprocess.run(words, check=True)
    run_gdb([program], ["run", f"generate-core-file {core}", "kill"])
    found = {"gdb": ask([program, core], ["rare_*"], tmp_path / "asked")["rare_*"]}
    found["direct"] = gdb_tls(
        ["core", core, "--exe", program, "--engine", "direct", "--format", "json", "rare_*"]
    ).document
    for engine, document in found.items():
        texts = {one["name"].removeprefix("rare_"): one["threads"][0]["text"] for one in document["variables"]}
        assert texts == TEXTS[compiler], engine
        values = {one["name"]: one["threads"][0]["value"] for one in document["variables"]}
        assert [name for name, value in values.items() if value is not None] == ["rare_atomic"], engine


FLEXIBLE = """
#include <stdlib.h>
#include <string.h>
static __thread struct { int used; int items[]; } *some;
static __thread int three[3] = {1, 2, 3};
int main(void) { some = calloc(1, 100); some->items[1] = 5; three[0] = 4; abort(); }
"""


def test_a_flexible_array_says_nothing_of_its_length(tmp_path: Path) -> None:
    """Nobody knows how many elements it has: none is denied, and without GDB it is not shown as an empty one."""
    source, program, core = tmp_path / "flexible.c", tmp_path / "flexible", tmp_path / "core"
    source.write_text(FLEXIBLE)
    subprocess.run(["gcc", "-g", "-O0", source, "-o", program], check=True)
    gdb = ["gdb", "-nx", "--batch", "-ex", "run", "-ex", f"generate-core-file {core}", program]
    subprocess.run(gdb, check=True, capture_output=True)
    for engine in ("gdb", "direct"):
        said = gdb_tls(["core", core, "some->items[1]", "--engine", engine, "--format", "json"])
        assert [row["value"] for row in said.document["threads"]] == [5], (engine, said.errors)
        whole = gdb_tls(["core", core, "some->items", "--engine", engine, "--format", "json"]).document
        assert whole["threads"][0]["text"] not in ("", "{}"), engine
        assert "elements 0 to 2" in gdb_tls(["core", core, "three[3]", "--engine", engine]).errors
