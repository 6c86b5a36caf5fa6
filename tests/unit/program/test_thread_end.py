"""How far a thread is with its end, by its frames."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gdb_tls.program.thread_end import Endings, stage_of
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Life, Thread

THREAD = Thread(1, 100, "one", 0x1000)


def stack(*names: str) -> list[Frame]:
    return [Frame(name, "", 0, number) for number, name in enumerate(names)]


@pytest.mark.parametrize(
    ("frames", "stage", "has_begun"),
    [
        (stack("pause", "work", "start_thread"), ("", ""), False),
        (stack("abort", "User::~User", "__GI___call_tls_dtors", "start_thread"), ("objects", "User::~User"), True),
        (stack("free_it", "__nptl_deallocate_tsd", "start_thread"), ("keys", "free_it"), True),
        # exit() has destroyed the thread's objects before it comes here.
        (stack("Global::~Global", "__run_exit_handlers", "__GI_exit", "main"), ("", ""), True),
    ],
)
def test_stages(frames: Sequence[Frame], stage: tuple[str, str], has_begun: bool) -> None:
    asked = []

    def of(thread: Thread, most: int) -> Sequence[Frame]:
        asked.append(thread)
        return frames

    assert stage_of(of, THREAD) == stage
    asked.clear()
    endings = Endings(lambda: pytest.fail("no list is needed"), of)
    assert endings.has_begun(THREAD) is has_begun
    before = len(asked)
    assert endings.has_begun(THREAD) is has_begun and len(asked) == before  # kept


def test_a_thread_that_has_ended_needs_no_stack() -> None:
    endings = Endings(lambda: pytest.fail("no list is needed"), lambda thread, most: pytest.fail("it has no frames"))
    assert endings.has_begun(Thread(None, None, "", 0x1000, Life.EXITED))
