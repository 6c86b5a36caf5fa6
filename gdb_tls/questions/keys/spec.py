"""`tls-keys`: the data of pthread_setspecific."""

from __future__ import annotations

from gdb_tls.questions import options
from gdb_tls.questions.command import CommandSpec

SPEC = CommandSpec(
    name="tls-keys",
    summary="Show every pthread key and each thread's value of it.",
    description="""
Lists the keys of pthread_key_create with their destructors, and what each thread gave to pthread_setspecific.

"set" is a value; "null" is a null that the thread set, or that a destructor's run left; "unset" is a thread that
never set one. "stale" is a value that the thread set for an earlier key of the same number: its sequence number is
not the key's, so pthread_getspecific gives null, and no destructor will run for it.

"Variable" is the one that holds the key's number, by the machine code that gives it to pthread_getspecific and its kin;
"*NAME" points to where the number is. Where the code keeps it in no fixed place, the functions that create such keys
are named instead. The code of x86-64 and AArch64 is understood.

The QThreadStorage objects of Qt share one table a thread, and so do those of boost::thread_specific_ptr: each is shown
by the variable that it is, with the pointer that each thread has there (of a QThreadStorage, it leads to the value or,
where that is a pointer, is the value).

Only memory and files are read.
""",
    options=(options.FORMAT, options.OUTPUT, options.THREADS, options.ALL_THREADS),
    examples=(
        ("tls-keys", "Shows all keys and values"),
        ("tls-keys --threads 1,3-5 --format json", "Writes those of some threads, for a program to read"),
    ),
)
