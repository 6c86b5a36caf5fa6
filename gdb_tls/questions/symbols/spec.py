"""`tls-symbols`: the thread-local variables, without looking at a thread."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-symbols",
    summary="List thread-local variables with their offsets, sizes and types.",
    description="""
Lists all thread-local variables, or those whose name (as in the source, or as in the symbol table) matches REGEX, a
regular expression that may match anywhere in the name. Offsets are from the beginning of the module's block.

No thread is looked at. Several names of one place are listed once. A variable without a source line is known from a
symbol table only; what stands in parentheses says from which. The compiler's guards, which say whether an object of C++
is constructed, are counted, and have rows with --all, --module or REGEX.
""",
    options=(
        Option("regex", "What the name must match", {"nargs": "*", "metavar": "REGEX"}, complete="names"),
        Option("--all", "List the compiler's guards, too", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
        options.COPIES,
    ),
    examples=(
        ("tls-symbols", "Lists all variables"),
        ("tls-symbols _buffer$ --module swoole.so", "Lists some of one module"),
    ),
)
