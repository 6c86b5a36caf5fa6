"""Addresses that are given to functions: what is found through the calls is what the source does there."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.anywhere import run
from integration.harness import PROGRAMS

from gdb_tls.code.accesses import ADDRESS_TAKEN, WRITE
from gdb_tls.code.index import code_index

# What a function reads or writes, by its offset in the variable; None where it may be anything.
READ, WRITTEN = {(8, False), (16, False)}, {(8, True), (16, True)}
TRUTH = {
    "followed_reads": [READ],
    "followed_writes": [WRITTEN],
    "followed_keeps": [None],
    "followed_recursive": [WRITTEN, None],
    "followed_gives_out": [None],
}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("compiler", ["g++", "clang++", "aarch64-linux-gnu-g++"])
def test_through_calls(compiler: str, level: int, tmp_path: Path) -> None:
    """On AArch64 a function that returns nothing looks as one that returns its first argument: it may be anything."""
    library = tmp_path / "libfollowed.so"
    run([compiler, f"-O{level}", "-std=c++17", "-fPIC", "-shared", PROGRAMS / "followed.cc", "-o", library])
    index = code_index(str(library))
    (variable,) = index.file.symbols(["followed_whole"]).values()
    every = index.accesses(variable.value, variable.value + variable.size)
    for name, truth in TRUTH.items():
        (symbol,) = index.file.symbols([name]).values()
        accesses = [one for one in every if one.function == symbol.value]
        assert accesses, name
        found = [one if one.kind != ADDRESS_TAKEN else index.callees.through(one) for one in accesses]
        if any(one is None for one in found):
            assert None in truth or "aarch64" in compiler, (name, accesses)
            continue
        each = [one for some in found for one in (some if isinstance(some, list) else [some] if some else [])]
        assert {(one.offset - variable.value, one.kind == WRITE) for one in each} in [
            *truth,
            *(one | READ for one in truth if one),
        ], name
