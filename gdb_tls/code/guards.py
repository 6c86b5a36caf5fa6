"""Guards of C++ compilers by their names: a variable is constructed in a thread once its guard is not zero there.

Itanium C++ ABI: a guard is called `_ZGV` and the variable's name (5.1.4.4), and its first byte is not zero once the
variable is initialised (3.3.2).  The variables of a file share one, `__tls_guard` (gcc/cp/decl2.cc, clang's
ItaniumCXXABI.cpp); the function that tests and sets it has for each variable that others may see an alias, which is
called `_ZTH` and the variable's name (5.1.9).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.tuples import NamedTuple

GUARD, SHARED_GUARD = "_ZGV", "__tls_guard"
# What an object's destructor is registered with: (destructor, object, __dso_handle).
REGISTER = ("__cxa_thread_atexit", "__cxa_thread_atexit_impl")
INIT, WRAPPER, SHARED_INIT = "_ZTH", "_ZTW", "__tls_init"
# Functions that make sure that the file's variables are constructed; `_ZTW...` gives the address of one, too.
ENSURING = (INIT, WRAPPER, SHARED_INIT)
# Clang has a function for each initialiser that it does not inline.
PART = "__cxx_global_var_init"
PREFIXES = (*ENSURING, PART)


class Guard(NamedTuple):
    """What says whether a variable is constructed.

    Attributes:
        offset: of the byte, in the block of the same module.
        is_shared: whether it is the one of all variables of a source file, which is set before they are constructed.
        constructs: whether the code is seen to initialise the variable where the guard is zero.  Else it may be that
            only its destructor is registered there: what is constant is there from the beginning.
    """

    offset: int
    is_shared: bool
    constructs: bool = False


def named_guards(symbols: Iterable[ElfSymbol]) -> dict[int, Guard]:
    """The guards that are called after their variables, by the variables' offsets; no code is read.

    Args:
        symbols: the thread-local ones of one file.
    """
    variables: dict[str, list[ElfSymbol]] = defaultdict(list)
    guards: dict[str, list[ElfSymbol]] = defaultdict(list)
    for one in symbols:
        (guards if one.name.startswith(GUARD) else variables)[one.name].append(one)
    found = {}
    for name, those in guards.items():
        guarded = next((variables[one] for one in of_encoding(name[len(GUARD) :]) if one in variables), [])
        # Functions of one name in several files have a variable, and a guard, each.
        for guard in those:
            own = [one for one in guarded if one.file == guard.file]
            others = [one for one in those if one.file == guard.file]
            if len(own) == len(others) == 1:
                found[own[0].value] = Guard(guard.value, False)
    return found


def of_encoding(rest: str) -> Iterator[str]:
    """The symbols that a variable may have whose encoding is `rest`: a C name, or that of a C++ name."""
    yield "_Z" + rest
    plain = re.fullmatch(r"(\d+)(\w+)", rest)
    if plain and len(plain[2]) == int(plain[1]):
        yield plain[2]
