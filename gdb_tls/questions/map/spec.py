"""`tls-map`: the picture of every variable in every thread."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-map",
    summary="Show the state of all thread-local variables in all threads as a picture.",
    description="""
Rows are variables and columns are threads; each cell is a letter: S for set, N for null, - for a thread that has not
touched the variable's module yet, c for an object that is not constructed there, d for one that is destroyed, u for
memory that cannot be read, ? where no address was found. A variable that is initialised once instead of once for each
thread is a row that is filled in one column only.

Where there are more threads than the screen has room for, those in the same states share a column; the threads that
crashed, are selected and are main come first. Variables of the C library and the C++ runtime, which are in every
program, and the compiler's guards are counted, and have rows with --all or --module.

The JSON document has every variable's bytes, too; tls-diff --against compares it with a later moment.
""",
    options=(
        Option("--all", "Give every thread a column and every variable a row", {"action": "store_true"}),
        Option(
            "--differing",
            "Leave out the variables that are in the same state in every thread",
            {"action": "store_true"},
        ),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
        options.COPIES,
    ),
    examples=(
        ("tls-map", "Shows everything that is thread-local"),
        ("tls-map --differing", "Shows only what is not the same in all threads"),
        ("tls-map --module libapp.so", "Shows the variables of one library"),
        ("tls-map --format json --output before.json", "Keeps all values, for tls-diff --against before.json"),
    ),
)
