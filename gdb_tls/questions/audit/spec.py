"""`tls-audit`: what looks wrong, without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

if TYPE_CHECKING:
    pass


SPEC = CommandSpec(
    name="tls-audit",
    summary="Look at every thread-local variable in every thread, and rank what looks wrong.",
    description="""
Reads all thread-local variables of all modules in all threads and lists those that look wrong, the most suspicious
first, each with the reason: set in the main thread but null in workers that have touched the module; null in a
minority of the threads that run the same function; some threads that share one object where others have their own;
pointers to memory that is not mapped; pointers into another thread's stack or thread-local storage.

Where the program stopped on a signal, it says which thread is at the faulting instruction, and a variable that
explains the address that this thread stumbled over comes first.

Without --all only what is likely to be a defect is shown. The score (0 to 100) takes into account that the caches
of the C library and of other libraries of the system are null by design until a thread needs them.

Only memory is read, and nothing runs in the process.
""",
    options=(
        Option("--all", "Show weak hints, too", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
    ),
    examples=(
        ("tls-audit", "Finds the variable behind a crash without knowing its name"),
        ("tls-audit --module libapp.so --all", "Shows everything that is remarkable in one library"),
    ),
)
