"""`tls-inspect NAME`: one variable in every thread."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-inspect",
    summary="Show a thread-local variable in every thread.",
    description="""
NAME is the variable, as in the source (swoole_websocket_buffer, ns::Class::member, function()::local), as in
the symbol table (_ZL23swoole_websocket_buffer), or with the module or source file in which it is
(libfoo.so::name, 'file.cc'::name). What has no symbol is libfoo.so+0x18, by its offset in the module's block; it is
taken for a pointer, unless code reads or writes another width there, or --type says what it is. A path into the value
may follow: NAME->str, NAME.field[2], MAP[key]; *NAME and &NAME are what it points to and where it is. A pattern such
as pool_* shows each variable that it matches. Of several variables of one name, what the selected frame sees comes
first, then the program's own before the C library's and the C++ runtime's.

Every thread has one row. NULL is a null pointer, or an object such as a unique_ptr that owns nothing; "no-value" is
a std::optional, std::function, std::any or Rust Option that has none.
"unallocated" is a thread that has not touched the variable's module yet. "not-constructed" is an object whose
constructor has not run to its end in the thread, "destroyed" one whose destructor has; "constructed" is said where the
compiler's guard tells it. "unreadable" means that the memory is not in the core dump, or that nothing is there (no such
element), "unresolved" that no address was found; the row says why.

By default only memory is read, and nothing runs in the process. --via gdb asks GDB. --via dlsym, tls-get-addr
and call run code in each thread of a live process, which allocates blocks that were not there.
""",
    options=(
        Option(
            "name",
            "The variable, and perhaps a path into its value",
            {"nargs": "+", "metavar": "NAME"},
            complete="names",
        ),
        options.VIA,
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
        Option("--type", "Take the variable for this TYPE; for symbols without debug information", {"metavar": "TYPE"}),
        options.COPIES,
        options.ALL_THREADS,
        options.ALL_INFERIORS,
    ),
    examples=(
        ("tls-inspect swoole_websocket_buffer", "Shows which threads have it null"),
        ("tls-inspect buffer->str --threads 1,3-5", "Shows a member of what it points to, in some threads"),
        (
            "tls-inspect request --module libapp.so --format json --output tls.json",
            "Writes the answer for a program to read",
        ),
    ),
)
