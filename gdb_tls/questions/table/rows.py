"""The rows of `tls-table`, as conditions and orders look at them: what is costly is read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from gdb_tls.errors import BadArgument
from gdb_tls.program.columns import Column
from gdb_tls.program.program import Program
from gdb_tls.program.where import Where
from gdb_tls.questions.table.condition import ColumnOperand, WordOperand, find_column, known
from gdb_tls.target.model import Instance, State, Thread
from gdb_tls.target.progress import Progress
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.drawing import where_text

# What a row's state is where its columns have several: what says least comes first.
GRAVITY = (
    *(State.UNRESOLVED, State.UNREADABLE, State.DESTROYED, State.NOT_CONSTRUCTED, State.UNALLOCATED),
    *(State.NULL, State.NO_VALUE, State.SET),
)

Key = Union[float, str, None]


class Order(NamedTuple):
    """What --sort asks for."""

    operand: ColumnOperand | WordOperand
    descending: bool


class Rows:
    """All threads of a table.

    Attributes:
        threads: with the names of those that were asked for.
        where: the places of those that were asked for, by number.
        interrupted: whether the user has stopped it: then places are missing.
        wants_places: whether one was asked for that had not been read.
    """

    def __init__(self, program: Program, columns: Sequence[Column], threads: Sequence[Thread]) -> None:
        """Takes the columns; reads nothing yet."""
        self._program = program
        self._columns = columns
        self._named: set[int] = set()
        self.threads = list(threads)
        self.where: dict[int | None, Where | None] = {}
        self.interrupted = self.wants_places = False

    def named(self, at: int) -> Thread:
        """A thread with its name."""
        if at not in self._named:
            self._named.add(at)
            self.threads[at] = self._program.named(self.threads[at])
        return self.threads[at]

    def has_place(self, at: int) -> bool:
        """Whether it has been read where a thread is."""
        return self.threads[at].num in self.where

    def read_places(self, positions: Sequence[int], progress: Progress) -> None:
        """Reads where many threads are, which takes less than to ask for each."""
        threads = (self.threads[at] for at in positions)
        wanted = [one for one in threads if one.num is not None and one.num not in self.where]
        with progress.task("Reading stacks", len(wanted)) as task:
            for thread, place in zip(wanted, self._program.places(wanted)):
                self.where[thread.num] = place
                task.advance()
        self.interrupted |= task.interrupted

    def cell(self, at: int, column: int) -> Instance:
        """What a column has for a thread."""
        return self._columns[column].instances[at]

    def word(self, at: int, word: str) -> int | str | None:
        """See `condition.Row.word`."""
        if word == "thread":
            return self.threads[at].num
        if word == "lwp":
            return self.threads[at].lwp
        if word == "name":
            return self.named(at).name
        if word == "where":
            self.wants_places |= not self.has_place(at)
            place = self.where.get(self.threads[at].num)
            return where_text(place).plain if place else None
        states = {column.instances.judgements[at].state for column in self._columns}
        return next(state.value for state in GRAVITY if state in states)

    def key(self, at: int, order: Order) -> Key:
        """What a thread is ordered by; None where it has no value."""
        if isinstance(order.operand, WordOperand):
            return self.word(at, order.operand.word)
        instance = self.cell(at, order.operand.at)
        if instance.reason is not None or instance.state is State.UNALLOCATED:
            return None
        return instance.text if instance.value is None else instance.value


class RowOf:
    """One thread; implements `condition.Row`."""

    def __init__(self, rows: Rows, at: int) -> None:
        """Takes all rows, and which it is."""
        self._rows = rows
        self._at = at

    def cell(self, column: int) -> Instance:
        """See `Row.cell`."""
        return self._rows.cell(self._at, column)

    def word(self, word: str) -> int | str | None:
        """See `Row.word`."""
        return self._rows.word(self._at, word)


def sort_key(text: str, columns: Sequence[tuple[str, str]]) -> Order:
    """Reads `COLUMN` or `-COLUMN`.

    Raises:
        BadArgument: where there is no such column.
    """
    found = find_column(text, columns)
    descending = found is None and text.startswith("-")
    found = find_column(text[1:], columns) if descending else found
    if found is None:
        raise BadArgument(f"--sort knows no column {text.lstrip('-')}", known(columns))
    return Order(found, descending)


def sorted_by(
    members: Sequence[Sequence[int]], key: Callable[[Sequence[int]], Key], descending: bool
) -> list[Sequence[int]]:
    """In order: numbers, then texts; what has no key comes last, whatever the order."""
    keys = [(key(some), some) for some in members]
    numbers = sorted(
        ((one, some) for one, some in keys if isinstance(one, (int, float))),
        key=lambda pair: pair[0],
        reverse=descending,
    )
    texts = sorted(
        ((one, some) for one, some in keys if isinstance(one, str)), key=lambda pair: pair[0], reverse=descending
    )
    return [some for _, some in [*numbers, *texts]] + [some for one, some in keys if one is None]
