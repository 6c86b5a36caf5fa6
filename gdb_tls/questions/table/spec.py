"""`tls-table EXPRESSION, ...`: several expressions in every thread."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-table",
    summary="Show several variables and expressions as columns, one row a thread.",
    description="""
Each EXPRESSION is a thread-local variable, a path into one (request->id, as for tls-inspect), or anything that GDB
can evaluate. A name of a thread-local variable in it means each thread's own, on a core dump too, and where GDB
itself cannot find it; registers ($sp) and local variables are those of each thread's innermost frame. A comma
in brackets, strings or template arguments does not end an expression. EXPRESSION as NAME gives a column a name.

--where CONDITION shows the threads for which it holds: it compares columns, by name or expression, and the thread's
own words (thread, lwp, name, where, state) with ==, !=, <, <=, > and >=, searches text with ~ and !~ (a regular
expression), and joins with &&, ||, ! and parentheses. A column can be compared with a state, too: request == null,
request != unallocated; state is the gravest of a thread's columns. A value that a thread does not have is neither
equal to anything nor different from it.

--group counts the threads whose rows are equal, the rarest rows first. --sort orders by a column or one of
the thread's words; what has no value comes last.

@php and @python stand for several columns: what each thread of PHP or Python executes. @php.line is one of them in
any expression. Such macros are lines of plain text in files of your own, too, which docs/table.md describes.

No function of the process is called and nothing in it is changed. Where an expression has no value in a thread, its
cell says so, and the lines below the table say why. A thread that has a variable null is flagged, as by tls-inspect.
""",
    options=(
        Option(
            "expressions",
            "The columns: expressions with commas between them, each perhaps with `as NAME`; or @php, @python",
            {"nargs": "+", "metavar": "EXPRESSION"},
            complete="expressions",
        ),
        Option("--where", "Show only the threads for which CONDITION holds", {"metavar": "CONDITION"}),
        Option("--group", "Show threads whose rows are equal in one line, the fewest first", {"action": "store_true"}),
        Option("--sort", "Order by this column; -COLUMN from the greatest on", {"metavar": "COLUMN"}),
        Option("--reverse", "Turn the order around", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.ALL_THREADS,
    ),
    examples=(
        ("tls-table request, request->id, errno", "Shows three columns, one row a thread"),
        ("tls-table request, errno --where 'request == 0 && where ~ \"worker\"'", "Shows only some threads"),
        (
            "tls-table request->state as state_of, errno --group",
            "Counts threads that are alike, the odd ones out first",
        ),
        ("tls-table @php --where 'exception != null'", "Shows the threads of PHP that have thrown, and where they are"),
        ("tls-table buffer->length * 2 as bytes, $sp", "Has GDB work them out in each thread"),
    ),
    is_raw=True,
)
