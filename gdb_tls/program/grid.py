"""The picture: the state of every variable in every thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.program import Program
from gdb_tls.program.survey import LONGEST_KEPT, Column, Survey
from gdb_tls.target.model import Kind, Module, State, TargetInfo, Thread, Type, Variable
from gdb_tls.target.progress import SILENT, Progress


@dataclass(frozen=True)
class Row:
    """One variable in all threads.

    Attributes:
        variable: which.
        type: how its bytes are read, whether debug information says so or not.
        states: one for each thread.
        values: its bytes in each thread, empty where there are none; None where they were not asked for.
        texts: its value in each thread as tls-inspect shows it, None where there is none; None where not asked for.
        areas: of a pointer, the kind of memory in each thread (see `memory_map`); None where not asked for.
        used_instead: of a definition that no code uses, the module whose definition of that name is used.
    """

    variable: Variable
    type: Type
    states: Sequence[State]
    values: Sequence[bytes] | None = None
    texts: Sequence[str | None] | None = None
    areas: Sequence[str | None] | None = None
    used_instead: Module | None = None

    @property
    def is_known_anywhere(self) -> bool:
        """Whether it was found in one thread at least, and there is what it holds there."""
        return any(state not in (State.UNRESOLVED, State.UNREADABLE) for state in self.states)

    @property
    def is_pointer(self) -> bool:
        """Whether it can be null."""
        return self.type.kind is Kind.POINTER or self.type.owner is not None


@dataclass(frozen=True)
class Grid:
    """The answer of `tls-map`.

    Attributes:
        target: the program.
        byte_order: of the rows' values: "little" or "big".
        threads: the columns.
        modules: whose variables were looked at.
        rows: the variables, by module and offset.
        marked: the threads that are shown first.
        interrupted: whether the user stopped it: then the last rows are missing.
        survey: what the rows were made of, its columns in their order.
        hidden_copies: how many definitions that no code uses have no rows.
    """

    target: TargetInfo
    byte_order: str
    threads: Sequence[Thread]
    modules: Sequence[Module]
    rows: Sequence[Row]
    marked: Marked
    interrupted: bool
    survey: Survey | None = None
    hidden_copies: int = 0

    def groups(self) -> list[list[int]]:
        """The threads (positions in `threads`) that are in the same states, the largest group first."""
        found: dict[object, list[int]] = {}
        columns = zip(*(row.states for row in self.rows)) if self.rows else [()] * len(self.threads)
        for index, states in enumerate(columns):
            found.setdefault(states, []).append(index)
        return sorted(found.values(), key=lambda members: (-len(members), members))

    def counts(self) -> dict[State, int]:
        """How many instances are in which state."""
        found: Counter[State] = Counter()
        for row in self.rows:
            found.update(row.states)
        return {state: found[state] for state in State}


def survey_grid(
    program: Program,
    pattern: str | None = None,
    threads: Sequence[Thread] | None = None,
    with_values: bool = False,
    progress: Progress = SILENT,
    longest: int = LONGEST_KEPT,
    copies: bool = False,
) -> Grid:
    """Makes the picture.

    Args:
        program: the program.
        pattern: a --module pattern; None for all modules.
        threads: the threads that are wanted; None for all.
        with_values: whether the variables' bytes are kept, too.
        progress: shows how far it is.
        longest: how many bytes of a variable are kept.
        copies: whether definitions that no code uses have rows, too.

    Raises:
        TlsError: where the program cannot be read at all.
    """
    survey = Survey(program, pattern, threads, longest, progress, copies)
    rows: list[Row] = []
    with progress.task("Looking at thread-local variables", len(survey.columns)) as task:
        for column in survey.columns:
            used = survey.symbols.unused.get(column.candidate)
            rows.append(replace(_row(column, with_values), used_instead=used.module if used else None))
            task.advance()
    return Grid(
        target=program.info,
        byte_order=program.target.architecture.byte_order,
        threads=survey.threads,
        modules=survey.modules,
        rows=rows,
        interrupted=survey.interrupted or task.interrupted,
        survey=survey,
        marked=marked(program, survey.threads),
        hidden_copies=len(survey.symbols.hidden),
    )


def _row(column: Column, with_values: bool) -> Row:
    states = column.states()
    variable = column.variable._replace(problem=column.problem)
    return Row(variable, column.judged_as[0], states, column.raws() if with_values else None)
