"""Looking at what does not stand still: again, until the lists that were read are the same before and after.

A thread that ends, is born or is joined, and a library that is loaded or unloaded, while a question is answered, could
make a row of memory that is another thread's by now. Whatever comes and goes changes one of these lists: the kernel's
threads, the C library's threads (with their ids), the modules with their ids and generations.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TypeVar

from gdb_tls.errors import BadArgument, NoProcess, TlsError
from gdb_tls.hosts.direct import process
from gdb_tls.hosts.direct.process_target import ProcessTarget, Steady
from gdb_tls.program.program import Program
from gdb_tls.tuples import NamedTuple

Answer = TypeVar("Answer")
# The first looks are for the moment in which nothing comes or goes.
MARKED_FROM, MOST_LOOKS = 3, 12
THREADS = (
    "Note: threads came and went while this was read; those are marked as changing. --stop holds them for a moment."
)


class Lists(NamedTuple):
    """What is compared.

    Attributes:
        tasks: the kernel's threads.
        own: the C library's: thread pointer and id.
        modules: id, generation, load base and name of each.
    """

    tasks: Set[int]
    own: Set[tuple[int, int]]
    modules: Set[tuple[int, int, int, str]]


def lists(program: Program, target: ProcessTarget) -> Lists:
    """What a look at the process has found."""
    own = program.libc.threads()
    modules = [(one.id, one.generation, one.load_base, one.target_path) for one in program.modules]
    return Lists(set(target.tasks), set(zip(own.thread_pointers, own.lwps)), set(modules))


def steadily(
    pid: int,
    make: Callable[[Steady | None], ProcessTarget],
    query: Callable[[Callable[[], Program]], Answer],
    announce: Callable[[str], None],
) -> Answer:
    """Asks until nothing has come or gone meanwhile.

    Where threads always do, until none has that is not marked: those are all that were not there in every look.

    Args:
        pid: the process.
        make: a new look at the process, with the threads that need no mark.
        query: asks a program, which it gets from its argument.
        announce: tells the user something.

    Raises:
        TlsError: where there is no answer.
    """
    steady: Steady | None = None
    for look in range(MOST_LOOKS):
        marks = steady if look >= MARKED_FROM else None
        target = make(marks)
        program = Program(target, announce)
        answer, failure = _asked(query, program)
        if process.started(pid) != target.began:
            raise NoProcess(f"Process {pid} has ended while it was looked at", "") from failure
        before, after = _lists(program, target), _lists(*_again(make))
        if before == after and before is not None:
            if answer is None:
                raise failure or NoProcess(f"Process {pid} gives no answer")
            if marks and not (before.tasks <= marks.tasks and before.own <= marks.own):
                announce(THREADS)
            return answer
        if failure is not None and look == MOST_LOOKS - 1:
            raise failure
        if before is None or after is None:
            continue
        same = Steady(before.tasks & after.tasks, before.own & after.own)
        if answer is not None and marks and before.modules == after.modules and _has_all(same, before, marks):
            announce(THREADS)
            return answer
        steady = Steady(steady.tasks & same.tasks, steady.own & same.own) if steady else same
    raise NoProcess(
        f"Threads or libraries of process {pid} come and go faster than it can be read",
        "Use --stop, which stops it for that time.",
    )


def _has_all(same: Steady, before: Lists, marks: Steady) -> bool:
    """Whether all that was there in a look, and not marked, is still there after it."""
    return (before.tasks & marks.tasks) <= same.tasks and (before.own & marks.own) <= same.own


def _asked(query: Callable[[Callable[[], Program]], Answer], program: Program) -> tuple[Answer | None, TlsError | None]:
    try:
        return query(lambda: program), None
    except BadArgument:
        raise
    except TlsError as error:
        return None, error


def _again(make: Callable[[Steady | None], ProcessTarget]) -> tuple[Program, ProcessTarget]:
    target = make(None)
    return Program(target), target


def _lists(program: Program, target: ProcessTarget) -> Lists | None:
    """What a look has found; None where the lists made no sense, as they were being changed."""
    try:
        return lists(program, target)
    except TlsError:
        return None
