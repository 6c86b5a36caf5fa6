"""What threads were started with: what tells the pools of a server apart where threads have no names.

C++ starts all threads through one function of its own, with an object that knows what to call: the class of that
object (libstdc++, bits/std_thread.h, `std::thread::_State_impl`) has it in its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.library import KnowsStartRoutines
from gdb_tls.objects.words import Words
from gdb_tls.program.program import Program
from gdb_tls.program.where import without_return_type
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Thread
from gdb_tls.tuples import NamedTuple

MOST_SHOWN = 3
STATE = "vtable for std::thread::_State_impl<"
# Around the innermost of these is std::async's.
INVOKER = "std::thread::_Invoker<std::tuple<"
SIZES = {
    **{"bool": 1, "char": 1, "signed char": 1, "unsigned char": 1, "short": 2, "unsigned short": 2},
    **{"int": 4, "unsigned int": 4, "float": 4},
}


def start_routines(program: Program, threads: Sequence[Thread]) -> list[int | None]:
    """The function that each was started with; None where the C library does not tell."""
    return _asked(program, threads, lambda libc, pointers: libc.start_routines(pointers))


def _asked(
    program: Program,
    threads: Sequence[Thread],
    ask: Callable[[KnowsStartRoutines, Sequence[int]], Sequence[int | None]],
) -> list[int | None]:
    libc = program.libc
    pointers = [thread.thread_pointer for thread in threads]
    known = [pointer for pointer in pointers if pointer is not None]
    if not isinstance(libc, KnowsStartRoutines):
        return [None] * len(pointers)
    try:
        found = iter(ask(libc, known))
    except Exception as error:  # it only adds to what a thread's stack says
        reason(error)
        return [None] * len(pointers)
    return [None if pointer is None else next(found) for pointer in pointers]


def pools(program: Program, threads: Sequence[Thread]) -> str:
    """The program's own functions that threads were started with, the commonest first; empty where none is known."""
    names: Counter[str] = Counter()
    others: list[Thread] = []
    known: dict[int | None, str] = {}
    for thread, routine in zip(threads, start_routines(program, threads)):
        if routine not in known:
            known[routine] = _own_function(program, routine)
        if known[routine]:
            names[known[routine]] += 1
        elif routine:
            others.append(thread)
    names.update(name for name in _called_by_cplusplus(program, others) if name)
    if not names:
        return ""
    alone = list(names.values()) == [len(threads)]
    shown = [name if alone else f"{name} ({number:,})" for name, number in names.most_common(MOST_SHOWN)]
    return ", ".join([*shown, *(["..."] if len(names) > MOST_SHOWN else [])])


def _own_function(program: Program, address: int | None) -> str:
    """The name of a function of the program's own; empty where there is none."""
    name = program.symbol_at(address) if address else None
    if not address or not name or not program.is_own(Frame(name, "", 0, address)):
        return ""
    return shortened(without_return_type(name)).split("(")[0]


def _called_by_cplusplus(program: Program, threads: Sequence[Thread]) -> list[str]:
    """What std::thread calls in each of some threads; empty where it did not start them, or where that is not known."""
    words = Words(program.target)
    memory = program.target.memory
    arguments = [at or 0 for at in _asked(program, threads, lambda libc, pointers: libc.start_arguments(pointers))]
    read = memory.read_many(arguments, words.size)
    tables = [next(words.each(raw)) if raw and at else None for at, raw in zip(arguments, read)]
    callables = {table: called(program.symbol_at(table) or "", words.size) for table in set(tables) if table}
    found = [callables[table] if table else Called("", None) for table in tables]
    pointing = [index for index, one in enumerate(found) if one.pointer_at is not None]
    places = [arguments[index] + (found[index].pointer_at or 0) for index in pointing]
    functions: dict[int, str] = {}
    names = [one.name for one in found]
    for index, raw in zip(pointing, memory.read_many(places, words.size)):
        word = next(words.each(raw)) if raw else 0
        if word not in functions:
            functions[word] = _own_function(program, word)
        names[index] = functions[word]
    return names


class Called(NamedTuple):
    """What a `std::thread` calls.

    Attributes:
        name: of the lambda or the class; empty where it is a pointer, or not known.
        pointer_at: where in the thread's state the pointer to the function is; None where there is none.
    """

    name: str
    pointer_at: int | None


def called(vtable: str, word: int) -> Called:
    """What a `std::thread` calls, by the name of its state's class.

    Args:
        vtable: the name of any object.
        word: the size of a pointer.
    """
    if not vtable.startswith(STATE) or INVOKER not in vtable:
        return Called("", None)
    first, *others = _arguments(vtable[vtable.rindex(INVOKER) + len(INVOKER) :])
    if "(*)" not in first and "::*)" not in first:
        return Called(shortened(first), None)
    # After the virtual table's address stand the elements of a std::tuple, the last one first (libstdc++, std/tuple).
    at = word
    for other in reversed(others):
        size = _size(other, word)
        if size is None:
            return Called("", None)
        at = -(-at // size) * size + size
    return Called("", -(-at // word) * word)


def _arguments(text: str) -> list[str]:
    """The template arguments at the beginning of a text, as far as the bracket that ends them."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if depth == 0 and character in ",>":
            found.append(text[start:at].strip())
            start = at + 1
            if character == ">":
                break
        depth += (character in "<({") - (character in ">)}")
    return found


def _size(kind: str, word: int) -> int | None:
    """The size of a type, by its name; None where that does not tell."""
    if kind.endswith("*") or "(*)" in kind or kind.startswith("std::reference_wrapper<"):
        return word
    return {**SIZES, "long": word, "unsigned long": word}.get(kind)


def shortened(name: str) -> str:
    """A name without nameless namespaces, and without the arguments of the functions around it."""
    name = name.replace("(anonymous namespace)::", "")
    return re.sub(r"\([^(){}*]*\)(?: const)?(?=::)", "", name)
