"""How many threads have a variable in which state."""

from __future__ import annotations

from collections import Counter

from gdb_tls.target.model import State
from gdb_tls.tuples import NamedTuple
from gdb_tls.watch.model import CHANGING, REMARKABLE, Look, Row

STATES = tuple(state.value for state in State)


class Tally(NamedTuple):
    """One variable's threads.

    Attributes:
        row: the variable.
        states: state -> threads.
        remarkable: "shared" and "dangling" -> threads.
        changing: threads of which nothing is known at the moment.
    """

    row: Row
    states: dict[str, int]
    remarkable: dict[str, int]
    changing: int


def tally(row: Row) -> Tally:
    """Counts one variable's threads."""
    states, remarkable, changing = dict.fromkeys(STATES, 0), dict.fromkeys(REMARKABLE, 0), 0
    for mark, number in Counter(row.marks).items():
        if mark == CHANGING:
            changing += number
            continue
        state, *words = mark.split()
        states[state] += number
        for word in words:
            remarkable[word] += number
    return Tally(row, states, remarkable, changing)


def tallies(look: Look) -> list[Tally]:
    """Counts all variables' threads."""
    return [tally(row) for row in look.rows]
