"""Destructors that will not do what they are for: their code is gone, or no thread but one has asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.thread_exit import KeepsDestructors
from gdb_tls.program.executable import without_code
from gdb_tls.program.names import without_parameters
from gdb_tls.program.owners import OwnVariables
from gdb_tls.program.survey import Column, Survey
from gdb_tls.program.thread_end import stage_of
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.keys.answer import KeyReport, KeyState, read_keys
from gdb_tls.target.model import Thread, Variable
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count, numbers

GONE_SCORE, ONCE_SCORE = 85, 70
# Fewer than this, besides the one that has it, are no pattern.
FEWEST_OTHERS = 2
# The slots of all keys of more threads take long to read.
MOST_THREADS = 4096


class Danger(NamedTuple):
    """A destructor that looks wrong.

    Attributes:
        key: of a pthread key, its number; None for that of an object.
        name: what it is of.
        findings: why.
    """

    key: int | None
    name: str
    findings: Sequence[Finding]


def dangers(survey: Survey, main: int | None) -> Iterator[Danger]:
    """All such destructors; none where the C library does not tell.

    Args:
        survey: the variables.
        main: the position of the main thread.
    """
    try:
        yield from _of_objects(survey)
        yield from _of_keys(survey, main)
    except Exception as error:  # it only adds to what memory says of the variables
        reason(error)


def when_ending(survey: Survey, crashed: int, variable: Variable | None) -> Iterator[str]:
    """Whether the thread that crashed was ending, and had destroyed already what the crash came from.

    Args:
        survey: the variables.
        crashed: the thread's position.
        variable: what the crash came from; None for a key, or where it is not known.
    """
    program, threads = survey.program, survey.threads
    stage, running = stage_of(program.frames, threads[crashed])
    if not stage:
        return
    who = f"Thread {threads[crashed].num}"
    what = "thread_local objects" if stage == "objects" else "pthread keys"
    now = f", {without_parameters(running)} then" if running else ""
    yield f"{who} was ending: it ran the destructors of {what}{now}."
    library = program.libc
    if variable is None or not isinstance(library, KeepsDestructors):
        return
    waiting = []
    known = [index for index, thread in enumerate(threads) if thread.thread_pointer is not None]
    places = program.blocks(variable.module, threads)
    lists = library.destructors([threads[index].thread_pointer or 0 for index in known])
    for index, found in zip(known, lists):
        place = places[index]
        if not isinstance(place, int):
            continue
        start = place + variable.offset
        if any(start <= one.object < start + max(variable.size, 1) for one in found.records):
            waiting.append(index)
        elif index == crashed and found.problem:
            return
    if waiting and crashed not in waiting:
        yield (
            f"{variable.name} has a destructor, which in {count(len(waiting), 'other thread')} is still to run, but "
            f"not in this one: {variable.name} was destroyed there already, unless it was never made."
        )


def _of_objects(survey: Survey) -> Iterator[Danger]:
    program, threads = survey.program, survey.threads
    library = program.libc
    if not isinstance(library, KeepsDestructors):
        return
    known = [index for index, thread in enumerate(threads) if thread.thread_pointer is not None and not thread.exited]
    lists = library.destructors([threads[index].thread_pointer or 0 for index in known])
    functions = {one.function for found in lists for one in found.records if one.function is not None}
    gone = without_code(program, sorted(functions))
    owners = OwnVariables(program)
    where: dict[tuple[int, str], list[int]] = {}
    for index, found in zip(known, lists):
        for one in found.records:
            if one.function in gone:
                _, variable, _ = owners.at(threads[index], one.object)
                name = variable.name if variable else f"the object at 0x{one.object:x}"
                where.setdefault((one.function or 0, name), []).append(index)
    for (function, name), indices in where.items():
        sentence = f"The destructor of {name} is at 0x{function:x}, where no code is mapped: {_end(threads, indices)}."
        yield Danger(None, name, [Finding("destructor-gone", GONE_SCORE, sentence, indices)])


def _of_keys(survey: Survey, main: int | None) -> Iterator[Danger]:
    program, threads = survey.program, survey.threads
    table = program.thread_data.keys()
    if not any(key.in_use and key.destructor for key in table.keys) or len(threads) > MOST_THREADS:
        return
    living = [thread for thread in threads if not thread.exited]
    gone = without_code(program, sorted({key.destructor for key in table.keys if key.in_use and key.destructor}))
    places = {thread: index for index, thread in enumerate(threads)}
    for report in read_keys(program, living).keys:
        if not report.in_use or not report.destructor:
            continue
        have = [places[value.thread] for value in report.values if value.state is KeyState.SET]
        name = f"pthread key {report.number}"
        if report.destructor in gone and have:
            sentence = (
                f"Its destructor is at 0x{report.destructor:x}, where no code is mapped: {_end(threads, have)}. "
                "Most likely the library that has it was unloaded (dlclose) before pthread_key_delete was called."
            )
            yield Danger(report.number, name, [Finding("destructor-gone", GONE_SCORE, sentence, have)])
        elif len(have) == 1:
            unset = [places[value.thread] for value in report.values if value.state is KeyState.UNSET]
            if findings := _set_once(survey, report, have[0], unset, main):
                yield Danger(report.number, name, findings)


def _end(threads: Sequence[Thread], indices: Sequence[int]) -> str:
    which = numbers([threads[one] for one in indices], "-")
    if len(indices) == 1:
        return f"thread {which} would crash if it ended now"
    return f"threads {which} would crash if they ended now"


def _set_once(survey: Survey, report: KeyReport, holder: int, unset: Sequence[int], main: int | None) -> list[Finding]:
    """What a key is there for that one thread only has set, where others have a value of the same variable, too."""
    own = next(value.value for value in report.values if value.state is KeyState.SET)
    if not own or len(unset) < FEWEST_OTHERS:
        return []
    architecture = survey.program.target.architecture
    order = architecture.byte_order
    word = own.to_bytes(architecture.pointer_size, "little" if order == "little" else "big")
    for column in survey.columns:
        if column.size == architecture.pointer_size and column.words()[holder] == word:
            others = _others(column, unset, word)
            if others:
                return [Finding("set-once", ONCE_SCORE, _leak(survey, report, column, others, holder == main), others)]
    return []


def _others(column: Column, unset: Sequence[int], word: bytes) -> list[int]:
    """The threads with a value of their own in the variable, but none for the key; none where that is no pattern."""
    words = column.words()
    found = [index for index in unset if any(words[index])]
    values = {words[index] for index in found}
    is_each_own = len(values) == len(found) and word not in values
    return found if is_each_own and len(found) >= FEWEST_OTHERS else []


def _leak(survey: Survey, report: KeyReport, column: Column, others: Sequence[int], is_main: bool) -> str:
    name = column.variable.name
    which = numbers([survey.threads[index] for index in others], "-")
    only = "the main thread" if is_main else "one thread"
    destructor = report.destructor_name or f"0x{report.destructor or 0:x}"
    return (
        f"Key {report.number} has the destructor {destructor}, and in {only} only it is set, to the value of {name}. "
        f"{count(len(others), 'other thread')} ({which}) have their own {name} set, but no value for the key: "
        "no destructor will run for it when they end, so it may leak."
    )
