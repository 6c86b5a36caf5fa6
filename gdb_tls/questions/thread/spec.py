"""`tls-thread`: everything thread-local that a thread has."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-thread",
    summary="Show everything thread-local that a thread has.",
    description="""
Shows the thread pointer, the thread control block, the DTV with its generation, each module's block with its size and
place, and all variables with their values. THREAD is GDB's number of a thread, a list such as 1,3-5, or all; without
it, the selected thread is meant. Of more than ten, those that crashed, are main or selected are shown, and of the
others one for all that have the same blocks and states.

"unallocated" is a module that the thread has not touched yet. Only memory is read.
""",
    options=(
        Option("thread", "Which thread", {"nargs": "*", "metavar": "THREAD"}, complete="threads"),
        Option(
            "--all",
            "Show the variables of the C library and the C++ runtime, too, and the compiler's guards",
            {"action": "store_true"},
        ),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
    ),
    examples=(
        ("tls-thread", "Shows the selected thread"),
        ("tls-thread 2 --module swoole.so", "Shows one module in thread 2"),
        ("tls-thread all --format json --output tls.json", "Writes everything of all threads for a program to read"),
    ),
)
