"""`tls-whatis`: whose is an address?"""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec, Option

SPEC = CommandSpec(
    name="tls-whatis",
    summary="Say to which thread and variable an address belongs.",
    description="""
EXPRESSION is an address, or anything that GDB can evaluate: a pointer or a number means its value, an object the place
where it is. A thread-local name that GDB itself cannot find is that of the selected thread.

The answer is the thread-local variable and the member or element of it that holds the address, a gap in a module's
block, the slot of a pthread key, a thread control block, a DTV, a thread's stack, or else what GDB knows of the place.
The thread-local pointers that have this address as their value are listed too. Only memory is read.
""",
    options=(
        Option(
            "expression",
            "An address, or an expression that means one",
            {"nargs": "+", "metavar": "EXPRESSION"},
            complete="names",
        ),
        options.FORMAT,
        options.OUTPUT,
    ),
    examples=(
        ("tls-whatis 0x7f04b0001230", "Says whose the address is"),
        ("tls-whatis this->buffer", "Says where the object is to which a pointer points"),
        ("tls-whatis $rdi --format json", "Says it of a register's value, for a program to read"),
    ),
)
