"""What differs: between two threads, or between two moments of a program.

It works on the documents of `tls-map` (schema `gdb-tls/map/1`), so that a moment can be a file from last
week or the core of another run.
"""

from __future__ import annotations

import os
import re
import struct
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gdb_tls.errors import BadArgument
from gdb_tls.target.model import Kind, State
from gdb_tls.tuples import NamedTuple

SCHEMA = "gdb-tls/map/1"
# Of a long value only this many bytes around the first difference are written.
SHOWN_BYTES = 16
# An address in a value's text.
ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
# A pointer before what it points to; its type's name is written differently in C and C++.
POINTER = re.compile(r"\(.*?\) 0x[0-9a-f]+")
# What is said of the kinds of memory (see `program.memory_map`).
AREAS = {
    "static": "in a file's memory",
    "stack": "on a stack",
    "block": "in thread-local storage",
    "other": "on the heap or the like",
    "unmapped": "not mapped",
}

Document = Mapping[str, Any]


class Side(NamedTuple):
    """One of the two that are compared.

    Attributes:
        document: the picture in which it is.
        thread: the position of its thread in the picture.
    """

    document: Document
    thread: int


class Cell(NamedTuple):
    """One variable on one side.

    Attributes:
        state: its state; None where this side has no such variable.
        text: its value in plain text; empty where there is none.
    """

    state: str | None
    text: str


class Difference(NamedTuple):
    """One variable in which the sides differ.

    Attributes:
        variable: as in the document.
        thread: the right side's thread, as in the document.
        left: what it is there.
        right: what it is here.
        in_state: whether the states differ.
        expected: whether it is no news: two pointers that are both set, to each thread's own object.
    """

    variable: Mapping[str, Any]
    thread: Mapping[str, Any]
    left: Cell
    right: Cell
    in_state: bool
    expected: bool

    @property
    def is_helper(self) -> bool:
        """Whether it is no variable of the program: a guard of the compiler's, as far as the document tells."""
        return bool(self.variable.get("helper"))

    @property
    def module_name(self) -> str:
        """The last part of the file name of the variable's module."""
        return os.path.basename(self.variable["module"]["path"] or "")


def read_document(found: Any, name: str) -> Document:
    """Checks that a document is a picture with values.

    Raises:
        BadArgument: where it is something else.
    """
    hint = "Write one with: tls-map --format json --output FILE"
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BadArgument(f"{name} is not a picture of tls-map (schema {SCHEMA})", hint)
    try:
        threads = len(found["threads"])
        for variable in found["variables"]:
            if variable["bytes"] is None:
                raise BadArgument(f"{name} has no values", hint)
            if not len(variable["bytes"]) == len(variable["states"]) == threads or not variable["module"]:
                raise BadArgument(f"{name} is damaged: {variable['name']} has not one value for each thread", hint)
            for key in ("texts", "areas"):  # not in pictures of many threads, nor in those of older releases
                more = variable.get(key)
                if more and (len(more) != threads or not all(isinstance(one, (str, type(None))) for one in more)):
                    raise BadArgument(
                        f"{name} is damaged: {variable['name']} has not one of {key} for each thread", hint
                    )
    except (KeyError, TypeError) as error:
        raise BadArgument(f"{name} is damaged ({error})", hint) from error
    return found


def only_files(document: Document, names: Container[str]) -> Document:
    """A picture without the variables of other files than these."""
    kept = [v for v in document["variables"] if os.path.basename(v["module"]["path"] or "") in names]
    return {**document, "variables": kept}


def position(document: Document, number: int, what: str) -> int:
    """The position of the thread with a number of GDB's.

    Raises:
        BadArgument: where there is none.
    """
    for index, thread in enumerate(document["threads"]):
        if thread["num"] == number:
            return index
    raise BadArgument(f"There is no thread {number} in {what}")


def between_threads(document: Document, left: int, right: int) -> list[Difference]:
    """The variables in which two threads (positions) of one picture differ."""
    return sorted_by_weight(_compare(Side(document, left), Side(document, right), same_thread=False, same_process=True))


def between_moments(then: Document, now: Document, numbers: Sequence[int] | None = None) -> list[Difference]:
    """The variables that changed from one moment to another, in the threads that are in both.

    The threads of one process are matched by their LWPs; those of two runs as `pairs` has them.  Of two runs the
    addresses differ in any case, so of pointers the states, what they point to and the kinds of memory are compared.

    Args:
        then: the picture of the earlier moment.
        now: that of the later one.
        numbers: the numbers (now) of the threads that are wanted; None for all.
    """
    same_process = is_same_process(then, now)
    before = matches(then, now)
    found: list[Difference] = []
    for index, thread in enumerate(now["threads"]):
        if index in before and (numbers is None or thread["num"] in numbers):
            sides = Side(then, before[index]), Side(now, index)
            found += _compare(*sides, same_thread=True, same_process=same_process)
    return sorted_by_weight(found)


def matches(then: Document, now: Document) -> dict[int, int]:
    """Now's thread (position) -> then's, of one process or of two runs."""
    return same_lwps(then, now) if is_same_process(then, now) else pairs(then, now)


def compared(left: Document, right: Document, threads: Iterable[tuple[int, int]]) -> int:
    """How many variables of the right side are known on both sides in one pair of threads at least."""
    known, pairs_of_threads = _by_name(left), list(threads)
    unknown = State.UNRESOLVED.value
    return sum(
        any(unknown not in (other["states"][there], variable["states"][here]) for there, here in pairs_of_threads)
        for name, variable in _by_name(right).items()
        if (other := known.get(name))
    )


def same_lwps(then: Document, now: Document) -> dict[int, int]:
    """Now's thread (position) -> then's, of one process."""
    before = {thread["lwp"]: index for index, thread in enumerate(then["threads"]) if thread["lwp"] is not None}
    return {index: before[one["lwp"]] for index, one in enumerate(now["threads"]) if one["lwp"] in before}


def pairs(then: Document, now: Document) -> dict[int, int]:
    """Now's thread (position) -> then's, of two runs.

    GDB's numbers say nothing: in a core the thread that crashed is number 1.  So main is main, who crashed is who
    crashed, and the others are taken in the order in which they were made, which is that of their LWPs.
    """
    found: dict[int, int] = {}
    sides = [_order(document) for document in (now, then)]
    mains = [next(iter(order), None) for order in sides]
    crashed = [_crashed(document) for document in (now, then)]
    # A crash of main on one side only leaves main to be main.
    for here, there in (mains, crashed):
        if here is not None and there is not None and here not in found and there not in found.values():
            found[here] = there
    rest = [[at for at in sides[0] if at not in found], [at for at in sides[1] if at not in found.values()]]
    return {**found, **dict(zip(*rest))}


def _order(document: Document) -> list[int]:
    """The positions of the threads in the order in which they were made, main (its LWP is the process id) first."""
    threads = document["threads"]
    pid = document.get("target", {}).get("pid")
    known = [at for at, one in enumerate(threads) if one["lwp"] is not None and one["num"] is not None]
    return sorted(known, key=lambda at: (threads[at]["lwp"] != pid, threads[at]["lwp"]))


def _crashed(document: Document) -> int | None:
    return next((at for at, one in enumerate(document["threads"]) if one.get("crashed")), None)


def is_same_process(then: Document, now: Document) -> bool:
    """Whether two pictures are of one process: it is the same program, and threads have the same thread pointers."""
    pointers = [
        {(thread["lwp"], thread["thread_pointer"]) for thread in document["threads"] if thread["lwp"]}
        for document in (then, now)
    ]
    return bool(pointers[0] & pointers[1])


def sorted_by_weight(found: Iterable[Difference]) -> list[Difference]:
    """Differences of state first, expected ones last; else in the order in which they came."""
    return sorted(found, key=lambda one: (one.expected, not one.in_state))


def _compare(left: Side, right: Side, *, same_thread: bool, same_process: bool) -> Iterator[Difference]:
    known = _by_name(left.document)
    thread = right.document["threads"][right.thread]
    for name, variable in _by_name(right.document).items():
        other = known.pop(name, None)
        here = _raw(variable, right)
        there = _raw(other, left) if other else (None, None)
        in_state = here[0] != there[0]
        texts = _said(other, left) if other else None, _said(variable, right)
        areas = _area(other, left) if other else None, _area(variable, right)
        is_pointer = variable["kind"] == Kind.POINTER.value
        is_told = not in_state and _is_told_apart(*texts, is_pointer, same_process)
        is_moved = not in_state and None not in areas and areas[0] != areas[1]
        if not in_state and not is_told and not is_moved:
            # Bytes may differ in what no one sees: padding, an inner pointer, an address of another run.
            is_same = None not in texts and not is_pointer and not any(map(_is_cut, texts))
            if here == there or is_same or (is_pointer and not same_process):
                continue
        # Each thread has its own object; one that has another object than before, or one of another kind, is news.
        expected = is_pointer and not (in_state or is_told or is_moved or same_thread)
        cells = _cells(other, there, left, variable, here, right)
        if is_moved:
            cells = _with_area(cells[0], areas[0]), _with_area(cells[1], areas[1])
        yield Difference(variable, thread, *cells, in_state, expected)
    for variable in known.values():
        there = _raw(variable, left)
        yield Difference(variable, thread, Cell(there[0], _text(variable, there, left)), Cell(None, ""), True, False)


def _by_name(document: Document) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    """The variables by what stays the same in another build: file and symbol; twins are counted."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for variable in document["variables"]:
        key = os.path.basename(variable["module"]["path"] or ""), variable["linkage_name"]
        found[(*key, seen[key])] = variable
        seen[key] += 1
    return found


def _said(variable: Mapping[str, Any], side: Side) -> str | None:
    """What tls-inspect shows as the value; None where that is not in the picture."""
    texts = variable.get("texts")
    return texts[side.thread] if texts else None


def _area(variable: Mapping[str, Any], side: Side) -> str | None:
    areas = variable.get("areas")
    return areas[side.thread] if areas else None


def _with_area(cell: Cell, area: str | None) -> Cell:
    return cell._replace(text=f"{cell.text} ({AREAS.get(area or '', area)})")


def _is_told_apart(left: str | None, right: str | None, is_pointer: bool, same_process: bool) -> bool:
    """Whether two values' texts differ in what counts: of pointers what they point to, of other runs no address."""
    if left is None or right is None:
        return False
    if is_pointer:
        left, right = (POINTER.sub("", text, count=1) for text in (left, right))
    elif not same_process:
        left, right = (ADDRESS.sub("", text) for text in (left, right))
    return left != right


def _is_cut(text: str | None) -> bool:
    """Whether a text is not all of the value."""
    return text is None or "..." in text


def _raw(variable: Mapping[str, Any], side: Side) -> tuple[str | None, str | None]:
    return variable["states"][side.thread], variable["bytes"][side.thread]


def _cells(
    other: Mapping[str, Any] | None,
    there: tuple[str | None, str | None],
    left: Side,
    variable: Mapping[str, Any],
    here: tuple[str | None, str | None],
    right: Side,
) -> tuple[Cell, Cell]:
    start = 0
    if there[1] and here[1]:
        pairs = zip(bytes.fromhex(there[1]), bytes.fromhex(here[1]))
        start = next((index for index, (a, b) in enumerate(pairs) if a != b), 0) // SHOWN_BYTES * SHOWN_BYTES
    one = Cell(there[0], _text(other, there, left, start) if other else "")
    return one, Cell(here[0], _text(variable, here, right, start))


def _text(variable: Mapping[str, Any], raw: tuple[str | None, str | None], side: Side, start: int = 0) -> str:
    said = _said(variable, side)
    if said:
        return said
    state, text = raw
    if not text or state not in (State.SET.value, State.NULL.value):
        return ""
    data = bytes.fromhex(text)
    kind = variable["kind"]
    little = side.document["byte_order"] == "little"
    if kind == Kind.FLOAT.value and len(data) in (4, 8):
        return repr(struct.unpack(("<" if little else ">") + ("f" if len(data) == 4 else "d"), data)[0])
    if kind in (Kind.AGGREGATE.value, Kind.FLOAT.value):
        shown = data[start : start + SHOWN_BYTES]
        place = f"[{start}..] " if start else ""
        return place + shown.hex(" ") + (" ..." if len(data) > start + SHOWN_BYTES else "")
    number = int.from_bytes(data, "little" if little else "big", signed=bool(variable.get("signed")))
    if kind == Kind.POINTER.value:
        return hex(number)
    return str(bool(number)).lower() if kind == Kind.BOOLEAN.value else str(number)
