"""`tls-exit`: what happens when a thread ends."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-exit",
    summary="Show which destructors run when a thread ends, in their order.",
    description="""
First come the destructors of thread_local objects, the one that was made last first, then those of the pthread keys for
which the thread has a value, by the key's number. Each row says which function runs, with which object (by the
variable's name where it is one), and whether its code is still there. THREAD is GDB's number of a thread, a list such
as 1,3-5, or all; without it, the selected thread is meant. Of more than ten, those that crashed, are main or selected
are shown, and of the others one for all that have the same destructors; only the stacks of those that are shown tell
whether a thread is ending already. --all shows each, and so do JSON and CSV.

An object that is not listed has no destructor, was not made in this thread yet, or is destroyed already. C libraries
other than glibc keep no such list: there, the C++ library keeps its own under a key, and its objects come below that
key, where the code of __cxa_thread_atexit tells which one it is. Only memory is read.
""",
    options=(
        Option("thread", "Which thread", {"nargs": "*", "metavar": "THREAD"}, complete="threads"),
        options.ALL_THREADS,
        options.FORMAT,
        options.OUTPUT,
    ),
    examples=(
        ("tls-exit", "Shows what the selected thread leaves to be done"),
        ("tls-exit all --format csv --output exits.csv", "The same of all threads, for a program to read"),
    ),
)
