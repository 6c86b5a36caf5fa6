"""`tls-verify`: every resolver that can run here, compared instance by instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

if TYPE_CHECKING:
    pass


SPEC = CommandSpec(
    name="tls-verify",
    summary="Compare all ways of finding a thread-local variable, in every thread.",
    description="""
Finds the variable NAME, or with --all every thread-local variable of every module, in each thread by each resolver
that can run here, and lists the threads for which they disagree. gdb-tls finds all of them; GDB, where it takes long,
is asked for some seconds in threads that are spread evenly, and the answer says in how many. --threads asks it in each
of the threads that it names. Where there are very many variables, GDB is asked for all of them in some threads only; in
the others it is asked for one of each module, and the answer says how many addresses follow from that. Ctrl-C shows
what was compared so far.

Only memory is read, by gdb-tls and by GDB, unless --calls is given: then dlsym and __tls_get_addr are
called in each thread too, which allocates blocks that were not there.
""",
    options=(
        Option("name", "The variable", {"nargs": "*", "metavar": "NAME"}, complete="names"),
        Option("--all", "Compare every variable of every module", {"action": "store_true"}),
        Option("--calls", "Also call dlsym and __tls_get_addr in the process", {"action": "store_true"}),
        options.FORMAT,
        options.OUTPUT,
        options.THREADS,
        options.MODULE,
    ),
    examples=(
        ("tls-verify errno", "Compares what gdb-tls and GDB say of one variable"),
        ("tls-verify --all --module libfoo.so", "Compares all variables of one library"),
    ),
)
