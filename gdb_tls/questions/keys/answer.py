"""`pthread_setspecific`: every key, and what each thread keeps for it."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.thread_data import Key, KeySlot
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.program import Program
from gdb_tls.questions.command import Request
from gdb_tls.questions.keys.boost_storage import boost_storages
from gdb_tls.questions.keys.names import UNKNOWN, KeyNames, KeyVariable, key_names
from gdb_tls.questions.keys.qt_storage import qt_storages
from gdb_tls.questions.keys.storages import Storage, Storages
from gdb_tls.target.model import Absence, State, TargetInfo, Thread
from gdb_tls.tuples import NamedTuple


class KeyState(str, enum.Enum):
    """What a thread has for a key; exactly one holds."""

    SET = "set"
    NULL = "null"
    UNSET = "unset"
    STALE = "stale"
    UNREADABLE = "unreadable"


class KeyValue(NamedTuple):
    """One key in one thread.

    Attributes:
        thread: the thread.
        state: "set" and "null" as the thread set it; "unset" if it never did; "stale" if it did for an
            earlier key of the same number, so that `pthread_getspecific` gives null.
        address: of the slot; None where the thread has none.
        value: the pointer; None where there is none.
        sequence: the key's sequence number when the thread set it; None where it is not kept.
        reason: why nothing is known; None where something is.
    """

    thread: Thread
    state: KeyState
    address: int | None
    value: int | None
    sequence: int | None
    reason: str | None


class KeyReport(NamedTuple):
    """One key in all threads.

    Attributes:
        number: the key, as `pthread_getspecific` takes it.
        sequence: see `libc.thread_data.Key`; None where it is not known.
        destructor: its address; 0 for none; None where it is not known.
        destructor_name: the function's name; empty where it has none.
        destructor_file: the file that it is in; empty where that is not known.
        in_use: whether the key exists; None where that is not known.
        values: one for every thread.
        variables: those that hold its number, as far as the code tells.
    """

    number: int
    sequence: int | None
    destructor: int | None
    destructor_name: str
    destructor_file: str
    in_use: bool | None
    values: Sequence[KeyValue]
    variables: Sequence[KeyVariable] = ()


class KeysReport(NamedTuple):
    """The answer of `tls-keys`.

    Attributes:
        target: the program.
        keys: those that exist, then deleted ones for which a thread still holds a value.
        threads: how many threads were looked at.
        problem: why destructors and sequence numbers are not known; empty where they are.
        names: what the code says of the variables that hold the keys' numbers.
    """

    target: TargetInfo
    keys: Sequence[KeyReport]
    threads: int
    problem: str
    names: KeyNames = UNKNOWN

    @property
    def without_a_key(self) -> list[KeyVariable]:
        """The variables of keys that do not exist: not created yet, or deleted."""
        taken = {one.address for key in self.keys if key.in_use is not False for one in key.variables}
        return [one for one in self.names.variables if one.address not in taken]


def read_keys(program: Program, threads: Sequence[Thread], names: KeyNames = UNKNOWN) -> KeysReport:
    """Reads all keys in these threads.

    Args:
        program: the program.
        threads: the threads.
        names: what is known of the keys' names.
    """
    table = program.thread_data.keys()
    known = {key.number: key for key in table.keys}
    pointers = [thread.thread_pointer for thread in threads if thread.thread_pointer is not None]
    read = iter(_slots(program, pointers))
    slots: list[dict[int, KeySlot] | Absence] = []
    held: set[int] = set()
    for thread in threads:
        found = next(read) if thread.thread_pointer is not None else Absence(State.UNRESOLVED, thread.problem)
        if isinstance(found, Absence):
            slots.append(found)
        else:
            slots.append({slot.number: slot for slot in found})
            held |= {slot.number for slot in found if slot.value}
    wanted = held if table.problem else {number for number, key in known.items() if key.in_use or number in held}
    reports = [_report(program, number, known.get(number), threads, slots, names) for number in sorted(wanted)]
    reports.sort(key=lambda report: report.in_use is False)
    return KeysReport(program.info, reports, len(threads), table.problem, names)


def _slots(program: Program, pointers: Sequence[int]) -> Sequence[Sequence[KeySlot] | Absence]:
    """The slots of all threads at once; where that fails one by one, for one bad thread is one bad row."""
    try:
        return program.thread_data.key_slots(pointers)
    except Exception as error:
        if len(pointers) == 1:
            return [Absence(State.UNREADABLE, reason(error))]
        return [_slots(program, [pointer])[0] for pointer in pointers]


def _report(
    program: Program,
    number: int,
    key: Key | None,
    threads: Sequence[Thread],
    slots: Sequence[dict[int, KeySlot] | Absence],
    names: KeyNames,
) -> KeyReport:
    values = []
    for thread, own in zip(threads, slots):
        if isinstance(own, Absence):
            values.append(KeyValue(thread, KeyState.UNREADABLE, None, None, None, own.reason))
        else:
            values.append(_judge(thread, key, own.get(number)))
    destructor = key.destructor if key else None
    name = (program.target.symbol_at(destructor) if destructor else "") or ""
    region = program.region(destructor) if destructor else None
    return KeyReport(
        number,
        key.sequence if key else None,
        destructor,
        name,
        os.path.basename(region.file) if region else "",
        key.in_use if key else None,
        values,
        names.of(number, destructor),
    )


def _judge(thread: Thread, key: Key | None, slot: KeySlot | None) -> KeyValue:
    """What `pthread_getspecific` would give, and why (nptl/pthread_getspecific.c)."""
    if slot is None:
        return KeyValue(thread, KeyState.UNSET, None, None, None, None)
    matches = key is None or None in (key.sequence, slot.sequence) or key.sequence == slot.sequence
    # Without sequence numbers (musl), a null that was set is not to be told from one that never was.
    if not slot.value and (not slot.sequence or not matches):
        return KeyValue(thread, KeyState.UNSET, slot.address, None, slot.sequence, None)
    state = KeyState.STALE if not matches else KeyState.SET if slot.value else KeyState.NULL
    return KeyValue(thread, state, slot.address, slot.value, slot.sequence, None)


class Answer(NamedTuple):
    """What `tls-keys` found, and how much of it to show.

    Attributes:
        report: all of it.
        most: beyond how many lines a table puts the threads in one state on one line; None for no limit.
        marked: the threads that are named first.
        behind: what libraries keep behind one key of their own.
    """

    report: KeysReport
    most: int | None
    marked: Marked = Marked()
    behind: Storages = Storages()


def unanswered(answer: Answer) -> bool:
    """Whether neither the table of keys nor a value in any thread is known."""
    return bool(answer.report.problem) and not answer.report.keys


def query(request: Request) -> Answer:
    """Reads the keys in the threads that are wanted."""
    program = request.program()
    threads = request.chosen(program) or program.threads
    report = read_keys(program, threads, key_names(program))
    return Answer(report, request.max_rows, marked(program, threads), _behind(program, threads, report))


def _behind(program: Program, threads: Sequence[Thread], report: KeysReport) -> Storages:
    """What Qt and Boost keep behind keys of their own; where one of them cannot be read, the other still is."""
    held = {
        key.number: [
            None if one.state is KeyState.UNREADABLE else (one.value or 0) * (one.state is KeyState.SET)
            for one in key.values
        ]
        for key in report.keys
    }
    asks: list[Callable[[], Storages]] = [
        lambda: qt_storages(program, threads),
        lambda: boost_storages(program, threads, report.names, held),
    ]
    found: list[Storage] = []
    problems: list[str] = []
    for ask in asks:
        try:
            one = ask()
        except Exception as error:  # the keys are known without it
            problems.append(reason(error))
            continue
        found += one.storages
        problems += one.problems
    return Storages(found, problems)
