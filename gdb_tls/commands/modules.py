"""`tls-modules`: the modules with thread-local storage."""

from __future__ import annotations

from gdb_tls.commands import CommandSpec, Request, options
from gdb_tls.modules import ModulesReport, read_modules
from gdb_tls.render import modules as views
from gdb_tls.report import wanted


def query(request: Request) -> ModulesReport:
    """Reads the modules, and their blocks in the threads that are wanted."""
    program = request.program()
    return read_modules(program, wanted(program.threads, request.threads), request.arguments.module)


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
        ("tls-modules --module 'lib*' --format json", "Some of them, for a program to read"),
    ),
    query=query,
    table=views.table,
    document=views.document,
    records=views.records,
)
