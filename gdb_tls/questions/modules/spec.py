"""`tls-modules`: the modules with thread-local storage."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-modules",
    summary="List the modules with thread-local storage.",
    description="""
A module is a loaded file that has thread-local variables. Its id is the one that the program itself uses. A module with
"static" storage has a block in every thread; one with "dynamic" storage only in the threads that have touched it.

Size is that of one block in bytes; Bytes is that of all blocks together. Vars is the number of variables that the
file's symbols name. Gen is the generation: the loader counts loads and unloads, so it says when this module came.

The lines below the table say how much static TLS each thread has, how much of it is used, and by which libraries that
were loaded later. A library with initial-exec variables is not loaded where what is left is not enough: dlopen says
"cannot allocate memory in static TLS block". --would-load says of a file whether that would happen to it now, or to
one of the libraries that it needs and that are not loaded yet.
""",
    options=(
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
        Option("--would-load", "Say whether FILE's static TLS would still fit", {"metavar": "FILE"}, complete="files"),
    ),
    examples=(
        ("tls-modules", "Lists all modules"),
        ("tls-modules --module 'lib*' --format json", "Lists some of them, for a program to read"),
        ("tls-modules --would-load ./plugin.so", "Says whether its static TLS would still fit"),
    ),
)
