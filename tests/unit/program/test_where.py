"""Where a thread is: the first frame of the program's own code, named or not."""

from __future__ import annotations

import pytest
from unit.process import Process

from gdb_tls.program.program import Program
from gdb_tls.program.where import Ownership, Where, where_of
from gdb_tls.target.facts import Frame


@pytest.fixture
def process(tmp_path) -> Process:  # type: ignore[no-untyped-def]
    return Process(tmp_path)


def frame(process: Process, name: str, function: str) -> Frame:
    base = next(one.base for one in process.objects if one.name == name)
    return Frame(function, "", 0, base + 0x10)


def test_the_first_own_frame_and_what_it_has_called(process: Process) -> None:
    ownership = Ownership(Program(process.target).objects)
    wait, own = frame(process, "libc.so.6", "pthread_cond_wait"), frame(process, "app", "work")
    frames = [frame(process, "libc.so.6", "__futex"), wait, own]
    assert [ownership.is_own(one) for one in frames] == [False, False, True]
    assert where_of(frames, ownership) == Where(frames[0], own, wait)
    assert where_of(frames[:2], ownership) == Where(frames[0])
    assert not ownership.is_own(frame(process, "app", "std::string::c_str() const"))


def test_a_stripped_program_s_frame_is_named_by_its_place(process: Process) -> None:
    ownership = Ownership(Program(process.target).objects)
    nameless = frame(process, "app", "")
    found = where_of([frame(process, "libc.so.6", "__futex"), nameless], ownership)
    assert found is not None and found.own == nameless._replace(function="app+0x10")
