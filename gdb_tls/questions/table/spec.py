"""`tls-table EXPRESSION, ...`: several expressions in every thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

if TYPE_CHECKING:
    pass


SPEC = CommandSpec(
    name="tls-table",
    summary="Show several variables and expressions as columns, one row a thread.",
    description="""
Each EXPRESSION is a thread-local variable, a path into one (request->id, as for tls-inspect), or anything that GDB
can evaluate. A name of a thread-local variable in it means each thread's own, on a core dump too, and where GDB
itself cannot find it; registers ($sp) and local variables are those of each thread's innermost frame. Commas
between expressions stand outside of brackets, strings and template arguments. EXPRESSION as NAME gives a column
a name.

No function of the process is called and nothing in it is changed. Where an expression has no value in a thread, its
cell says so, and below the table stands why.
""",
    options=(
        Option(
            "expressions",
            "The columns: expressions with commas between them, each perhaps with `as NAME`",
            {"nargs": "+", "metavar": "EXPRESSION"},
            complete="names",
        ),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.ALL_THREADS,
    ),
    examples=(
        ("tls-table request, request->id, errno", "Shows three columns, one row a thread"),
        ("tls-table buffer->length * 2 as bytes, $sp", "Has GDB work them out in each thread"),
    ),
    is_raw=True,
)
