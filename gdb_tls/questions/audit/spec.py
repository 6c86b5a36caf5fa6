"""`tls-audit`: what looks wrong, without a name."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-audit",
    summary="Look at every thread-local variable in every thread, and rank what looks wrong.",
    description="""
After a crash it starts from the instruction that failed, and follows the bad pointer (or index) backwards through the
machine code: the function, its callers, and the functions that returned it. Where it came from a thread-local
variable or a pthread key, that one is named as the cause, alone, with where it was read, who writes it, who uses it
without a check, and which threads have it. Where it came from elsewhere, or where that cannot be told, the answer
says so.

Without a crash, a variable is an alarm where code that its threads run uses it without a check, it is null in
them, and nothing that they run sets it, while another thread has it.

All else that looks odd in memory is a hint, which --all shows: set in one thread only, null in a minority of the
threads that run the same function, one object in several threads, pointers to memory that is not mapped or that is
another thread's. In healthy programs most of these are caches.

Patterns of what is known to be harmless are taken from --ignore, --ignore-file and `set tls ignore`; what they
leave out is counted. The cause of a crash is never left out.

Only memory is read, and nothing runs in the process.
""",
    options=(
        Option("--all", "Show weak hints, too", {"action": "store_true"}),
        Option(
            "--ignore",
            "Leave out what is known to be harmless: a glob for NAME, MODULE::NAME or key N; may be given again",
            {"action": "append", "default": [], "metavar": "PATTERN"},
            complete="names",
        ),
        Option(
            "--ignore-file",
            "Read such patterns from FILE, one a line, # begins a comment",
            {"metavar": "FILE"},
            "files",
        ),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
    ),
    examples=(
        ("tls-audit", "Finds the variable behind a crash without knowing its name"),
        ("tls-audit --ignore 'liblog.so::*'", "Does not mention what is known to be harmless"),
        ("tls-audit --module libapp.so --all", "Shows everything that is remarkable in one library"),
    ),
)
