"""scripts/peer-suites on a program of this project: the compiler's code agrees, and a wrong answer is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peers import run
from peers.build import Builder, Product, Source, Variant

PROGRAM = """
#include <pthread.h>
static __thread int first = 1;
__thread char second[24];
static int count(void) { static __thread int third; return ++third; }
static void *work(void *barrier) { second[0] = first + count(); pthread_barrier_wait(barrier); return 0; }
int main(void)
{
    pthread_barrier_t barrier;
    pthread_t threads[3];
    pthread_barrier_init(&barrier, 0, 3);
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], 0, work, &barrier);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
    return 0;
}
"""


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_wrong_offset_is_a_wrong_answer_and_a_right_one_is_none(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "three.c"
    source.write_text(PROGRAM)
    product = Product("three", (Source(source),), links=("-pthread",))
    builder = Builder(tmp_path / "built", Variant(compiler, compiler, compiler, ("-O0",)), {"three": product}, ())
    builder.product("three")
    given = builder.addresses("three")
    assert len({offset for _, _, offset in given}) == 3

    right = run.examine(builder, product, 2, tmp_path / "right")
    # Two stops; each is asked before and after the calls, on its core, and there by name.
    assert not right.problem
    assert right.stops == 2
    assert right.result.wrong == []
    assert right.result.unresolved.total() == 0
    assert right.result.compared >= 2 * 4 * 3
    assert right.result.compared % (4 * 3) == 0

    first = min(offset for _, _, offset in given)
    later = next(offset for _, _, offset in given if offset > first)
    mixed = [(address, name, later if offset == first else offset) for address, name, offset in given]
    monkeypatch.setattr(builder, "addresses", lambda name: mixed)
    wrong = run.examine(builder, product, 2, tmp_path / "wrong").result
    assert {one.key[2] for one in wrong.wrong} == {later}
    assert len(wrong.wrong) >= 2 * 4
    assert json.loads((tmp_path / "wrong" / "task.json").read_text())["stops"] == 2  # kept, to be looked at
