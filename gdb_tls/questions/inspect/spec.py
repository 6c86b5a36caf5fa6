"""`tls-inspect NAME`: one variable in every thread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gdb_tls.errors import TlsError
from gdb_tls.questions import options
from gdb_tls.questions.command import Action, CommandSpec, Option, Request

if TYPE_CHECKING:
    from gdb_tls.program.program import Program
    from gdb_tls.questions.inspect import document as views
    from gdb_tls.questions.inspect import inferiors


def query(request: Request) -> inferiors.Answer:
    """Inspects the variable, in the selected inferior or in each."""
    from gdb_tls.questions.inspect import inferiors

    if not request.arguments.all_inferiors:
        return _inspect(request, request.program())
    parts = []
    with contextlib.closing(request.inferiors()) as numbers:  # an interrupt, too, puts the selection back at once
        for number, pid in numbers:
            try:
                parts.append(inferiors.Part(number, pid, _inspect(request, request.program()), ""))
            except TlsError as error:
                parts.append(inferiors.Part(number, pid, None, str(error)))
    return inferiors.Parts(parts)


def _inspect(request: Request, program: Program) -> views.Answer:
    """Inspects it in one program; for a screen it also reads the stacks of the rows that are shown."""
    from gdb_tls.program import report
    from gdb_tls.program.instances import Instances
    from gdb_tls.questions.inspect import document as views

    arguments = request.arguments
    every = arguments.format in ("json", "csv", "html")
    found = report.inspect(
        program,
        report.Request(
            " ".join(arguments.name),
            arguments.via or request.settings.via,
            request.threads,
            arguments.module,
            arguments.type,
            names=every,
        ),
    )
    if every:
        # The views read nothing: what they show of each thread is read here.
        found = found._replace(instances=Instances.of(found.instances))
    if not request.is_for_people:
        return views.Answer(found, (), {})
    rows = [_named(program, row) for row in views.rows(found, request.max_rows)]
    shown = [row.instance.thread for row in rows if row.is_single and row.instance.thread.num is not None]
    return views.Answer(found, rows, {thread.num: program.where(thread) for thread in shown})


def _named(program: Program, row: views.Row) -> views.Row:
    """A line of one thread with that thread's name."""
    if not row.is_single:
        return row
    return row._replace(instance=row.instance._replace(thread=program.named(row.instance.thread)))


def _action() -> Action:
    from gdb_tls.questions.inspect import inferiors as views

    return Action(query, views.table, views.document, views.records, views.page, views.flagged)


SPEC = CommandSpec(
    name="tls-inspect",
    summary="Show a thread-local variable in every thread.",
    description="""
NAME is the variable, as in the source (swoole_websocket_buffer, ns::Class::member, function()::local), as in
the symbol table (_ZL23swoole_websocket_buffer), or with the module or source file in which it is
(libfoo.so::name, 'file.cc'::name). A path into the value may follow: NAME->str, NAME.field[2].

Every thread has one row. NULL is a null pointer, or an object such as a unique_ptr that owns nothing.
"unallocated" is a thread that has not touched the variable's module yet. "unreadable" means that the memory is not
in the core dump, "unresolved" that no address was found; the row says why.

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
    load=_action,
)
