"""`tls-access NAME`: which code writes and reads a variable."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-access",
    summary="Show which functions write and read a thread-local variable.",
    description="""
NAME is the variable, as for tls-inspect; a member of it may follow (NAME.field), and what has no symbol is
libfoo.so+0x18, by its offset in the module's block. The machine code of its module, and of all others that ask the
loader for its name, is read from their files: no symbols and no debug information are needed, and nothing runs.

Each function has one row: how often it writes the variable, uses its value as an address without a check (unchecked),
hands the value on without one, checks it, or takes the variable's address, after which others may write it. A
check is a comparison with a constant, or a test, before the first use on every way through the function. The row ends
with the threads that have the function on their stacks now.

Code that is loaded later, or generated at run time, is not known; nor is what the search does not follow.
The code of x86-64 and AArch64 is understood.
""",
    options=(
        Option("name", "The variable, and perhaps a member of it", {"nargs": "+", "metavar": "NAME"}, complete="names"),
        options.FORMAT,
        options.OUTPUT,
        options.MODULE,
        Option("--all", "Show every function, however many there are", {"action": "store_true"}),
    ),
    examples=(
        ("tls-access swoole_websocket_buffer", "Shows who writes it, and who uses it without a check"),
        ("tls-access libapp.so+0x18", "Does the same for a variable that has no symbol"),
        ("tls-access request --format csv --output places.csv", "Writes each place in the code, for a program to read"),
    ),
)
