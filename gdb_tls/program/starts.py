"""What threads were started with: what tells the pools of a server apart where threads have no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.library import KnowsStartRoutines
from gdb_tls.program.program import Program
from gdb_tls.target.model import Thread
from gdb_tls.target.protocol import Frame

MOST_SHOWN = 3


def start_routines(program: Program, threads: Sequence[Thread]) -> list[int | None]:
    """The function that each was started with; None where the C library does not tell."""
    libc = program.libc
    pointers = [thread.thread_pointer for thread in threads]
    known = [pointer for pointer in pointers if pointer is not None]
    if not isinstance(libc, KnowsStartRoutines):
        return [None] * len(pointers)
    try:
        found = iter(libc.start_routines(known))
    except Exception as error:  # it only adds to what a thread's stack says
        reason(error)
        return [None] * len(pointers)
    return [None if pointer is None else next(found) for pointer in pointers]


def pools(program: Program, threads: Sequence[Thread]) -> str:
    """The program's own functions that threads were started with, the commonest first; empty where none is its own.

    C++ and most runtimes start all threads through a function of theirs, which tells nothing.
    """
    counts = Counter(start_routines(program, threads))
    names: Counter[str] = Counter()
    for routine, number in counts.items():
        name = program.symbol_at(routine) if routine else None
        if routine is None or not name or not program.is_own(Frame(name, "", 0, routine)):
            continue
        names[name.split("(")[0]] += number
    if not names:
        return ""
    alone = list(names.values()) == [len(threads)]
    shown = [name if alone else f"{name} ({number:,})" for name, number in names.most_common(MOST_SHOWN)]
    return ", ".join([*shown, *(["..."] if len(names) > MOST_SHOWN else [])])
