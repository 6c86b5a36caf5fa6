"""Which threads are in which functions: who is asked first, and what a return address means."""

from __future__ import annotations

from unit.fake import FakeTarget, architecture

from gdb_tls.program.program import Program
from gdb_tls.program.stacks import MOST_THREADS, passages
from gdb_tls.target.facts import Fault, Frame
from gdb_tls.target.model import Thread

FIRST, SECOND = range(0x100, 0x140), range(0x140, 0x180)


def function_of(address: int) -> int | None:
    return next((one.start for one in (FIRST, SECOND) if address in one), None)


class Stopped(FakeTarget):
    """Threads by number, and the one that crashed."""

    crashed: int | None = None

    def fault(self, most: int | None = None) -> Fault | None:
        return Fault(self.crashed, "SIGSEGV", 0) if self.crashed else None


def stopped(count: int) -> Stopped:
    target = Stopped(architecture("x86-64"))
    target.pid = 101
    target.listed = [Thread(number, 100 + number, "", 0x7000 + number) for number in range(1, count + 1)]
    return target


def program(target: Stopped) -> Program:
    made = Program(target)
    made.__dict__["unnamed_threads"] = target.listed
    made.objects.__dict__["misread"] = []
    return made


def test_return_addresses_are_of_the_call_before() -> None:
    """A call at a function's end returns to the next function's beginning; what a signal interrupts is exact."""
    target = stopped(3)
    target.stacks = {
        1: [Frame("inner", "", 0, 0x900), Frame("outer", "", 0, SECOND.start)],
        2: [Frame("inner", "", 0, SECOND.start)],
        3: [Frame("", "", 0, 0x900), Frame("__restore_rt", "", 0, 0x910), Frame("", "", 0, SECOND.start)],
    }
    found = passages(program(target), function_of)
    assert {(one.thread.num, one.depth, one.function) for one in found.passages} == {
        (1, 1, FIRST.start),
        (2, 0, SECOND.start),
        (3, 2, SECOND.start),
    }
    assert (found.looked_at, found.threads, found.crashed) == (3, 3, None)


def test_the_most_telling_first_and_no_more_than_can_be_waited_for() -> None:
    target = stopped(2 * MOST_THREADS)
    target.crashed, target.selected = 400, 300
    target.stacks = {thread.num: [Frame("", "", 0, FIRST.start)] for thread in target.listed}
    found = passages(program(target), function_of)
    assert [one.thread.num for one in found.passages][:4] == [400, 300, 1, 2]
    assert (found.looked_at, found.threads, found.crashed) == (MOST_THREADS, 2 * MOST_THREADS, 400)


def test_running_threads_are_not_asked() -> None:
    target = stopped(2)
    target.listed[0] = target.listed[0]._replace(running=True)
    target.stacks = {number: [Frame("", "", 0, FIRST.start)] for number in (1, 2)}
    found = passages(program(target), function_of)
    assert [one.thread.num for one in found.passages] == [2]
    assert (found.looked_at, found.threads) == (1, 2)
