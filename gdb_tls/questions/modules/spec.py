"""`tls-modules`: the modules with thread-local storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec

if TYPE_CHECKING:
    pass


SPEC = CommandSpec(
    name="tls-modules",
    summary="List the modules with thread-local storage.",
    description="""
A module is a loaded file that has thread-local variables. Its id is the one that the program itself uses. A module with
"static" storage has a block in every thread; one with "dynamic" storage only in the threads that have touched it.

Size is that of one block in bytes; Bytes is that of all blocks together. Vars is the number of variables that the
file's symbols name. Gen is the generation: the loader counts loads and unloads, so it says when this module came.
""",
    options=(options.FORMAT, options.OUTPUT, options.THREADS, options.MODULE),
    examples=(
        ("tls-modules", "Lists all modules"),
        ("tls-modules --module 'lib*' --format json", "Lists some of them, for a program to read"),
    ),
)
