"""What watching knows, as data: looks, and what has happened between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from gdb_tls.tuples import NamedTuple

# What an instance is where no two reads agree, or its thread came or went meanwhile: nothing is said of it.
CHANGING = "changing"
# The words behind an instance's state, if any, that are of interest over time.
REMARKABLE = ("shared", "dangling")


ThreadKey = tuple[Optional[int], Optional[int]]


class Seen(NamedTuple):
    """A thread, as it was in a look.

    Attributes:
        pointer: its thread pointer; None where that is not known.
        lwp: the kernel's id of it; None where it has none (an ended thread).
        name: its name; may be empty.
        life: empty; or "exited", "being-created", "not-attached" or "changing" (see `Life`).
    """

    pointer: int | None
    lwp: int | None
    name: str = ""
    life: str = ""

    @property
    def key(self) -> ThreadKey:
        """What tells it from all others, also from one that gets its stack later; an ended one has only that."""
        return (self.pointer if self.lwp is None else None), self.lwp


class Row(NamedTuple):
    """One variable in all threads.

    Attributes:
        name: as the user writes it.
        module: the name of the object that has it.
        offset: in the module's block; with the module and the name it tells variables apart.
        marks: for each thread its state, with "shared" or "dangling" behind it where that holds; or "changing".
    """

    name: str
    module: str
    offset: int
    marks: Sequence[str]

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from all others."""
        return self.module, self.name, self.offset


AlarmKey = tuple[str, str, str]


class Alarm(NamedTuple):
    """A suspect of `tls-audit` that is worth everybody's attention.

    Attributes:
        name: the variable, or what else is wrong.
        module: the name of the object that has it; empty where it is no variable.
        rule: of the gravest finding.
        score: 50 to 100.
        level: what that means, in a word or two.
        sentences: why, the gravest first.
        threads: the ids of the threads in which it looks wrong; a thread without one is left out.
    """

    name: str
    module: str
    rule: str
    score: int
    level: str
    sentences: Sequence[str]
    threads: Sequence[int]

    @property
    def key(self) -> AlarmKey:
        """What tells it from all others."""
        return self.module, self.name, self.rule


class Look(NamedTuple):
    """What was seen at one time.

    Attributes:
        when: seconds since 1970.
        threads: all, in the order of the rows' marks.
        rows: the variables.
        modules: the names of the objects with thread-local storage.
        alarms: what the last audit found alarming.
        seconds: how long it took.
    """

    when: float
    threads: Sequence[Seen]
    rows: Sequence[Row]
    modules: Sequence[str]
    alarms: Mapping[AlarmKey, Alarm]
    seconds: float = 0.0


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        when: seconds since 1970.
        kind: "began", "threads-started", "threads-ended", "state", "module-loaded", "module-unloaded", "alarm",
            "alarm-over", "unread" or "ended".
        threads: whom it concerns.
        row: the variable, for "state".
        before: its state in these threads in the look before.
        after: its state in them now.
        alarm: which, for "alarm" and "alarm-over".
        text: of "began", what is watched; of the modules their name; of "unread" and "ended" why.
        more: further fields for programs.
    """

    when: float
    kind: str
    threads: Sequence[Seen] = ()
    row: Row | None = None
    before: str = ""
    after: str = ""
    alarm: Alarm | None = None
    text: str = ""
    more: Mapping[str, Any] = {}
