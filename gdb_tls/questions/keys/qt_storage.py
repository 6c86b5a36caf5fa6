"""Qt's QThreadStorage: all objects of a thread in one table, by the numbers that the QThreadStorage objects hold.

qtbase/src/corelib/thread/qthreadstorage.cpp: a `QThreadStorageData` has an `int id`, the index in the thread's
`QThreadData::tls`, which `get()` looks into.  Where that table is, `get()`'s own code tells: it calls
`QThreadData::current()`, which reads one thread-local pointer, and adds the member's offset to what it returns.  The
table is a `QVector<void *>` (Qt 5, qarraydata.h: a pointer to {int reference count, int size, unsigned capacity,
offset of the elements}) or a `QList<void *>` (Qt 6, qarraydatapointer.h: {header, elements, size}).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.key_uses import CREATE, DELETE, GET, SET, KeyCode, KeyKind
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.objects.words import Words
from gdb_tls.program.program import Program
from gdb_tls.questions.keys.members import member_of, used_addresses
from gdb_tls.questions.keys.names import held_in_variables, left_out
from gdb_tls.questions.keys.storages import Storage, Storages, StoredValue
from gdb_tls.target.model import Absence, State, Thread
from gdb_tls.target.protocol import UnreadableMemory

CLASS = "QThreadStorage"
LOOK_UP = "_ZNK18QThreadStorageData3getEv"
FUNCTIONS = {
    "_ZN18QThreadStorageDataC1EPFvPvE": CREATE,
    "_ZN18QThreadStorageDataC2EPFvPvE": CREATE,
    LOOK_UP: GET,
    "_ZN18QThreadStorageData3setEPv": SET,
    "_ZN18QThreadStorageDataD1Ev": DELETE,
    "_ZN18QThreadStorageDataD2Ev": DELETE,
}
# All of them are methods of the object that holds the number.
KIND = KeyKind(FUNCTIONS, frozenset(FUNCTIONS.values()))
# More numbers than a program has such objects.
MOST = 1 << 16
ARRAY_HEADER = 24  # sizeof(QArrayData) in Qt 5, with 64 bits


class UnknownTable(Exception):
    """Where Qt keeps its tables is not known; the text says why."""


def qt_storages(program: Program, threads: Sequence[Thread]) -> Storages:
    """Reads the tables of these threads, and looks through the code for what holds the numbers."""
    code = Code(program)
    qt = next((one for one in program.objects.all if one.file and LOOK_UP in one.file.symbols([LOOK_UP])), None)
    if qt is None:
        return Storages()
    try:
        found = KeyCode(code, program.objects.all, KIND).find()
        variables, problem = held_in_variables(program, code, found), left_out(found)
        tables = _tables(program, code, qt, threads)
    except (TlsError, UnknownTable) as error:
        return Storages((), [f"{CLASS}: {error}".rstrip(".")])
    numbers = {one.number for one in variables if one.number is not None and one.number < MOST}
    numbers |= {number for table in tables if not isinstance(table, str) for number, held in enumerate(table) if held}
    storages = []
    for number in sorted(numbers):
        values = [_value(thread, table, number) for thread, table in zip(threads, tables)]
        storages.append(Storage(CLASS, number, [one for one in variables if one.number == number], values))
    return Storages(storages, [f"{CLASS}: {problem}"] if problem else ())


def _value(thread: Thread, table: Sequence[int] | str, number: int) -> StoredValue:
    if isinstance(table, str):
        return StoredValue(thread, None, table)
    return StoredValue(thread, table[number] if number < len(table) else 0)


def _tables(program: Program, code: Code, qt: LoadedObject, threads: Sequence[Thread]) -> list[Sequence[int] | str]:
    """Each thread's table, empty where it has none, or why it is not known."""
    variable, member = _places(code, qt)
    module = next((one for one in program.modules if one.load_base == qt.load_base and not one.emulated), None)
    if module is None:
        raise UnknownTable(f"{qt.name} has no block of thread-local storage")
    words = Words(program.target)
    return [_table(words, place, variable, member) for place in program.blocks(module, threads)]


def _places(code: Code, qt: LoadedObject) -> tuple[int, int]:
    """(offset in the block of the pointer to the thread's data, offset in that data of the table).

    Raises:
        UnknownTable: where the code does not tell.
    """
    index = code.index_of(qt)
    known = qt.file.symbols([LOOK_UP])[LOOK_UP] if qt.file else None
    spot = Spot(index, qt.load_base, known.value, qt) if index and known else None
    flow = spot.flow if spot else None
    unknown = UnknownTable(f"the code of {qt.name} does not tell where it keeps each thread's table ({LOOK_UP})")
    if index is None or spot is None or flow is None:
        raise unknown
    members = {one for one in map(member_of, used_addresses(flow)) if one is not None}
    calls = {at for at, _ in members}
    called = code.call_at(spot, calls.pop()) if len(calls) == 1 else None
    there = code.at(called[1]) if called and called[1] is not None else None
    if there is None or there.loaded != qt:
        raise unknown
    pointers = {
        one.offset
        for one in index.accesses_in(there.address)
        if one.target.defined and one.exact and one.width == index.file.pointer_size
    }
    if len(pointers) != 1:
        raise unknown
    return pointers.pop(), min(offset for _, offset in members)


def _table(words: Words, block: int | Absence, variable: int, member: int) -> Sequence[int] | str:
    if isinstance(block, Absence):
        return () if block.state is State.UNALLOCATED else str(block.reason)
    try:
        data = words.read(block + variable)
        if not data:
            return ()
        first, second, third = words.read_some(data + member, 3)
        elements = _of_vector(words, first)
        if elements is None and second % words.size == 0 and third < MOST and (second or not third):
            elements = second, third
        if elements is None:
            return f"what is at 0x{data + member:x} is no table of Qt's"
        return words.read_some(*elements) if elements[1] else ()
    except (UnreadableMemory, struct.error) as error:
        return reason(error)


def _of_vector(words: Words, header: int) -> tuple[int, int] | None:
    """(address, number) of the elements of Qt 5's QVector; None where that is none."""
    try:
        count = words.read_int(header + 4)
        capacity = words.read_int(header + 8) & 0x7FFFFFFF
        offset = words.read(header + 16)
    except UnreadableMemory:
        return None
    if offset != ARRAY_HEADER or count > capacity or count > MOST:
        # The one that all empty vectors share has no capacity, and an offset of its own kind.
        return None
    return header + offset, count
