"""`tls-diff`: two threads, or two moments."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-diff",
    summary="Show the thread-local variables in which two threads or moments differ.",
    description="""
With two thread numbers: the variables whose state or value differs between the threads. Where both have set a
pointer, each to an object of its own, only --all shows it, unless they point to different texts or to different kinds
of memory. --all shows differences in the C library's variables and in the compiler's guards, too.

With --core FILE (another core dump of the program) or --against FILE (what tls-map --format json wrote): what changed
from there to now, in all threads that are in both or in those whose numbers are given. Of another run,
main is compared with main, the thread that crashed with the one that crashed, and the others in the order in which
they were made; its addresses differ anyway, so of a pointer the state, what it points to and the kind of memory are
compared.
""",
    options=(
        Option("threads", "GDB's numbers of two threads", {"nargs": "*", "metavar": "THREAD"}, complete="threads"),
        Option("--core", "Compare with the core dump FILE", {"metavar": "FILE"}, complete="files"),
        Option("--against", "Compare with the JSON that tls-map wrote to FILE", {"metavar": "FILE"}, complete="files"),
        Option(
            "--all",
            "Also show pointers that are set in both threads, the C library's variables, and guards",
            {"action": "store_true"},
        ),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
    ),
    examples=(
        ("tls-diff 1 4", "Shows how thread 4 differs from thread 1"),
        ("tls-diff --against before.json", "Shows what changed since tls-map --format json --output before.json"),
        ("tls-diff 2 --core yesterday.core", "Shows how thread 2 differs from what it was in another core"),
    ),
)
